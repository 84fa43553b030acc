"""What payments can do: one verb a file."""
