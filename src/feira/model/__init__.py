"""The purchase protocol, explored exhaustively for a few orders that compete for a few units.

The use cases of orders, orchestrator, inventory and payments are the transitions, as they are, over
their stores in memory: what is explored cannot drift from what runs. The network is the worst there
is: whatever was ever sent may arrive at any time, in any order, again and again, or never.
"""
