"""The revisions of the inventory database, oldest first."""
