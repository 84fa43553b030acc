"""The revisions of the orchestrator database, oldest first."""
