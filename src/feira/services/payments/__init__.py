"""Payments: money taken and given back through providers, and the ledger that proves it (E5)."""
