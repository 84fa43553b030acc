"""Purchases from beginning to end: the saga, its deadlines and its compensations (B8)."""
