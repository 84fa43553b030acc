"""The purchase saga: pure and synchronous."""
