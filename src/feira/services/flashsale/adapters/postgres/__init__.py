"""Flash sales in PostgreSQL."""
