"""The revisions of the identity database, oldest first."""
