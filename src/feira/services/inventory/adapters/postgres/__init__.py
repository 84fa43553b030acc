"""Inventory in PostgreSQL."""
