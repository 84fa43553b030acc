"""Where stock and reservations are kept."""
