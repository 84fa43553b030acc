"""Services brought together in processes: the only place that knows all of them."""
