"""Values without a business owner: money, ids, clock, refusals. Standard library only."""
