"""The revisions of the orders database, oldest first."""
