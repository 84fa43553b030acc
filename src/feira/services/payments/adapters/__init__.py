"""Where payments are kept, and the providers they go through."""
