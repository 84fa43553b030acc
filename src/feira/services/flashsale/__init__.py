"""Flash sales: campaigns, their drops, and who gets a unit (B6)."""
