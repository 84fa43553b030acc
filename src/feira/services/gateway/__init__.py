"""The one origin that clients meet (B8, E11): NGINX, configured from the services' own routes."""
