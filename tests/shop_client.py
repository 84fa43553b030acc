"""Callers of a running shop, for tests as for `feira torture`."""

from feira.torture.callers import DELIVERY, Caller, Reply, ShopClient, clients_of, order_body

__all__ = ["DELIVERY", "Caller", "Reply", "ShopClient", "clients_of", "order_body"]
