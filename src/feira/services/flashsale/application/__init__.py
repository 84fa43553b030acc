"""What flash sales can do: one verb a file."""
