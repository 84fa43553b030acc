"""PostgreSQL behind the chassis' ports: one database a service (K4)."""
