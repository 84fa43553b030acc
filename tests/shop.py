"""The whole shop as a person starts it, for tests as for `feira torture`."""

from feira.torture.running_shop import RunningShop, open_shop
from feira.torture.shop_ports import PORT_SETTINGS, ports_for_a_shop

__all__ = ["PORT_SETTINGS", "RunningShop", "open_shop", "ports_for_a_shop"]
