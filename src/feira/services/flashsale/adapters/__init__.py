"""Where flash sales are kept."""
