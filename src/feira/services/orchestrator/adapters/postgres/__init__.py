"""Sagas in PostgreSQL."""
