"""How identity is reached: HTTP, the clock, the seed."""
