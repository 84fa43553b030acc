"""What flash sales decide."""
