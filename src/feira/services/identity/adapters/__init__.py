"""Where users and sessions are kept, and how passwords are hashed."""
