"""How orders is reached: HTTP, messages, the clock."""
