"""Memory behind the chassis' ports, for tests and the simulation: real transactions, no disk."""
