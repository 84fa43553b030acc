"""Between the gateway and the services: kept connections, safe retries, honest headers."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from feira.kernel.errors import Misconfigured
from feira.services.gateway.settings import GatewaySettings

UPSTREAM_IDLE_SECONDS: Final = 60
"""Less than a service keeps an idle connection (75 s): a POST must not meet a closed one."""

_SERVICE: Final = re.compile(r"[a-z][a-z0-9_-]*")
_ADDRESS: Final = re.compile(
    r"unix:/[^\s;{}\"'$\\]+|(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}"
)


def upstream(
    service: str, upstreams: Mapping[str, Sequence[str]], settings: GatewaySettings
) -> list[str]:
    """Where a service is. Raises `Misconfigured` when nobody says so."""
    addresses = upstreams.get(service, ())
    if not addresses or not _SERVICE.fullmatch(service):
        raise Misconfigured(f"the gateway has no address of the service {service!r}")
    if wrong := [address for address in addresses if not _ADDRESS.fullmatch(address)]:
        raise Misconfigured(f"{wrong[0]!r} is no address: host:port or unix:/path")
    return [
        f"upstream {service} {{",
        *(f"    server {address} max_fails=3 fail_timeout=2s;" for address in addresses),
        f"    keepalive {settings.upstream_connections_kept};",
        "    keepalive_requests 1000000;",
        f"    keepalive_timeout {UPSTREAM_IDLE_SECONDS}s;",
        "}",
    ]


def forwarding(settings: GatewaySettings) -> list[str]:
    """What a client says about its own address is overwritten.

    Only `error` goes to another process, and for a POST or PATCH only when nothing was sent (what
    NGINX does unless `non_idempotent` is asked for): a sale is never placed twice by the gateway.
    """
    return [
        *_correlation(),
        *_client_scheme(settings),
        "proxy_http_version 1.1;",
        'proxy_set_header Connection "";',
        "proxy_set_header Host $host;",
        "proxy_set_header X-Real-IP $remote_addr;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Forwarded-Proto $client_scheme;",
        'proxy_set_header X-Forwarded-Host "";',
        'proxy_set_header Forwarded "";',
        "proxy_set_header X-Correlation-Id $correlation_id;",
        "proxy_next_upstream error;",
        "proxy_next_upstream_tries 2;",
        "proxy_next_upstream_timeout 3s;",
        "proxy_connect_timeout 2s;",
        "proxy_send_timeout 10s;",
        f"proxy_read_timeout {settings.answer_timeout_seconds}s;",
        "proxy_buffers 8 16k;",
        "proxy_buffer_size 16k;",
    ]


def _correlation() -> list[str]:
    """The client's id where it is one that a log can hold, else a new one."""
    return [
        "map $http_x_correlation_id $correlation_id {",
        "    default $request_id;",
        '    "" $request_id;',
        r'    "~^[\x21-\x7e]{1,64}$" $http_x_correlation_id;',
        "}",
    ]


def _client_scheme(settings: GatewaySettings) -> list[str]:
    """The scheme as the client used it; and its address, where a known balancer tells it."""
    networks = [str(network) for network in settings.trusted_proxies]
    if not networks:
        return ["map $scheme $client_scheme { default $scheme; }"]
    return [
        *(f"set_real_ip_from {network};" for network in networks),
        "real_ip_header X-Forwarded-For;",
        "real_ip_recursive on;",
        "geo $realip_remote_addr $is_trusted {",
        "    default 0;",
        *(f"    {network} 1;" for network in networks),
        "}",
        'map "$is_trusted $http_x_forwarded_proto" $client_scheme {',
        "    default $scheme;",
        '    "1 https" https;',
        '    "1 http" http;',
        "}",
    ]
