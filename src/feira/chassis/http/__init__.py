"""The HTTP side of a service: a cheap outermost shell, hot routes, and FastAPI for the rest."""
