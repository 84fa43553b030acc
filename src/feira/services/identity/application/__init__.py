"""What identity can do: one verb a file."""
