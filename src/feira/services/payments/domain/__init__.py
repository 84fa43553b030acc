"""What payments decides: pure, without clock, ids of its own, or I/O."""
