"""What a product and a category are, and what may become of them."""
