"""How the catalog is reached."""
