"""What inventory can do: one verb a file."""
