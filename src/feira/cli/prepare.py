"""`feira prepare`, a step of `feira up`: make the gateway's files.

A process of its own, so that what is only needed once does not stay in the supervisor's memory.
"""

from collections.abc import Mapping
from typing import Final

from feira.chassis.http.shell import ServiceShell
from feira.chassis.parts import Parts
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.settings import ServiceSettings
from feira.chassis.transports.opening import open_transport
from feira.published.site import message_site
from feira.runtime.environment import service_settings
from feira.runtime.process import verifier_of
from feira.runtime.registry import builder_of
from feira.runtime.shop import PREPARED_GATEWAY
from feira.runtime.shop_settings import ShopSettings
from feira.services.gateway.configuration import nginx_configuration
from feira.services.gateway.settings import GatewaySettings
from feira.services.gateway.site import write_site

LOCAL_REQUESTS_PER_SECOND: Final = 20_000
LOCAL_SIGN_INS_PER_SECOND: Final = 500
"""On one machine all customers share one address: the limits are there, and far away."""


async def prepare() -> None:
    shop = ShopSettings()
    settings = service_settings([name for group in shop.groups for name in group])
    make_gateway(shop, settings)


def make_gateway(shop: ShopSettings, settings: Mapping[str, ServiceSettings]) -> None:
    """Write NGINX's configuration and the site it serves, from the services' own route tables."""
    shells = {name: _shell(name, chosen) for name, chosen in settings.items()}
    gateway, further = _gateway_settings(shop), shop.further_ports
    text = nginx_configuration(
        gateway,
        upstreams={
            name: [chosen.listen, *(f"127.0.0.1:{port}" for port in further.get(name, ()))]
            for name, chosen in settings.items()
        },
        routes={name: shell.route_table() for name, shell in shells.items()},
    )
    documents = {name: shell.app.openapi() for name, shell in shells.items()}
    write_site(gateway.static_dir, documents, message_site())
    (shop.data_dir / PREPARED_GATEWAY).write_text(text)


def _gateway_settings(shop: ShopSettings) -> GatewaySettings:
    chosen = GatewaySettings().model_fields_set
    local = {
        "port": shop.port,
        "rate_limit": shop.rate_limit,
        "requests_per_second": LOCAL_REQUESTS_PER_SECOND,
        "requests_burst": LOCAL_REQUESTS_PER_SECOND,
        "sign_ins_per_second": LOCAL_SIGN_INS_PER_SECOND,
        "sign_ins_burst": LOCAL_SIGN_INS_PER_SECOND * 4,
    }
    ours = {name: value for name, value in local.items() if name not in chosen}
    return GatewaySettings().model_copy(update=ours)


def _shell(name: str, settings: ServiceSettings) -> ServiceShell:
    """The service's application; nothing of it runs, nothing is connected."""
    transport = open_transport("sim://prepare", partitions=settings.partitions, member="prepare")
    service = builder_of(name)(
        Parts(PostgresDatabase.of(settings), transport, verifier_of(settings)), settings
    )
    shell: ServiceShell = service.app
    return shell
