"""What orders can do: one verb a file."""
