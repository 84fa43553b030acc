"""How the orchestrator is reached: HTTP, messages, the clock."""
