"""Feira: an event-driven commerce backend that is safe on Black Friday."""
