"""What reaches flash sales: requests, messages, and the clock."""
