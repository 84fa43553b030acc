"""The revisions of the catalog database, oldest first."""
