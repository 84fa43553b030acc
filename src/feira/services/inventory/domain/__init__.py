"""What inventory decides."""
