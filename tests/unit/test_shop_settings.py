"""Which services run in which processes, and where they listen."""

from feira.runtime.registry import SERVICES
from feira.runtime.shop_settings import ShopSettings


def test_each_service_has_a_port_of_its_own() -> None:
    settings = ShopSettings(services_port=9000, processes="orders; identity, catalog")
    assert [(one.name, dict(one.ports)) for one in settings.service_processes] == [
        ("orders", {"orders": 9000 + SERVICES.index("orders")}),
        (
            "identity-catalog",
            {
                "identity": 9000 + SERVICES.index("identity"),
                "catalog": 9000 + SERVICES.index("catalog"),
            },
        ),
    ]
    assert settings.further_ports == {}


def test_a_service_in_several_processes_has_a_port_in_each() -> None:
    settings = ShopSettings(services_port=9000, processes="orders; orders; catalog, orders; orders")
    free = 9000 + len(SERVICES)
    names = [one.name for one in settings.service_processes]
    assert names == ["orders", "orders-2", "catalog-orders", "orders-3"]
    assert settings.further_ports == {"orders": [free, free + 1, free + 2]}
    assert settings.service_processes[2].ports == {
        "catalog": 9000 + SERVICES.index("catalog"),
        "orders": free + 1,
    }
