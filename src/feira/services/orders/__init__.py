"""Orders and their life: placed, confirmed or canceled, shipped, completed (O2, E4)."""
