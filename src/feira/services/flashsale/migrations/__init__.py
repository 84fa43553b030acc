"""The revisions of the flashsale database, oldest first."""
