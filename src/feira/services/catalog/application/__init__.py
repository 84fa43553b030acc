"""What the catalog can do: one verb a file."""
