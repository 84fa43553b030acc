"""What the shop sells: products with their prices, in a tree of categories (K1, B2, E1)."""
