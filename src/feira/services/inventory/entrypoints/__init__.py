"""What reaches inventory: messages, requests, and its own schedule."""
