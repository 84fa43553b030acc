"""How payments is reached and reaches out: HTTP, messages, the provider, the clock."""
