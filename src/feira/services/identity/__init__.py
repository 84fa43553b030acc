"""Users, their passwords, sessions, roles and addresses (B1, E6, E7)."""
