"""Brokers behind one narrow port; a URL picks one (`open_transport`)."""
