"""What an operator sees: JSON logs and Prometheus metrics."""
