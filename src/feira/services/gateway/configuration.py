"""The NGINX configuration of the gateway, as text.

The way of an order is kept light: an exact place, no regular expression, no second look at the
token (services verify tokens themselves, offline), kept connections to the services.

Without `daemon`, `pid`, `user` and `worker_shutdown_timeout`: they belong to whoever runs NGINX.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from feira.services.gateway.cors import cors_headers, cors_maps, preflight
from feira.services.gateway.dead_letters import DEAD_LETTERS, INDEX_FILE
from feira.services.gateway.problems import INSTANCE_MAP, PLACE, error_pages, problem_places
from feira.services.gateway.proxying import forwarding, upstream
from feira.services.gateway.routes import Match, Place, RouteTables, places_of
from feira.services.gateway.settings import GatewaySettings

SIGN_IN_ADDRESSES: Final = frozenset(
    {"/login", "/register", "/token/refresh", "/password-reset", "/password-reset/confirm"}
)
WEBHOOKS: Final = "/webhooks/"
"""Providers send in bursts from few addresses, and sign what they send: they are not limited."""

CLIENT_ADDRESSES_ZONE: Final = "16m"
"""About 130,000 addresses; the oldest are forgotten first."""
GZIP_SIZE_BYTES_MIN: Final = 1024

SERVICES_CSP: Final = "$services_csp"
"""What a service says of its own page (one with a style, say), or else the API's."""
API_CSP: Final = "default-src 'none'; frame-ancestors 'none'"
PAGES_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def nginx_configuration(
    settings: GatewaySettings,
    upstreams: Mapping[str, Sequence[str]],
    routes: RouteTables,
) -> str:
    """A whole `nginx.conf`.

    `upstreams`: a service's addresses, `host:port` or `unix:/path`; `routes`: its route table.
    Raises `Misconfigured` when a service has no address, or two services want one route.
    """
    places = places_of(routes)
    services = sorted({place.service for place in places})
    lines = [
        f"worker_processes {settings.workers};",
        f"worker_rlimit_nofile {settings.connections_max * 2};",
        "error_log stderr warn;",
        "events {",
        f"    worker_connections {settings.connections_max};",
        "    multi_accept on;",
        "}",
        "http {",
        *_indented(_http(settings)),
        *_indented(line for service in services for line in upstream(service, upstreams, settings)),
        "    server {",
        *_indented(_server(settings), 2),
        *_indented((line for place in places for line in _place(place, settings)), 2),
        *_indented(_pages(settings, places), 2),
        *_indented(problem_places(_headers(settings, API_CSP), _quota(settings)), 2),
        "    }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _indented(lines: Iterable[str], depth: int = 1) -> Iterable[str]:
    return (f"{'    ' * depth}{line}" for line in lines)


# --- the whole server ----------------------------------------------------------------------------


def _http(settings: GatewaySettings) -> list[str]:
    return [
        *_types(),
        "server_tokens off;",
        "absolute_redirect off;",
        "sendfile on;",
        "tcp_nopush on;",
        *_access_log(settings),
        *_temporary_files(),
        *_clients(settings),
        *_limits(settings),
        *_gzip(),
        *INSTANCE_MAP,
        *_services_csp(),
        *cors_maps(settings),
        *forwarding(settings),
    ]


def _services_csp() -> list[str]:
    return [
        f"map $upstream_http_content_security_policy {SERVICES_CSP} {{",
        "    default $upstream_http_content_security_policy;",
        f'    "" "{API_CSP}";',
        "}",
        "proxy_hide_header Content-Security-Policy;",
    ]


def _types() -> list[str]:
    return [
        "types {",
        "    text/html html; text/css css; text/javascript js;",
        "    application/json json; application/yaml yaml;",
        "}",
        "default_type application/octet-stream;",
        "charset_types application/yaml text/css text/javascript;",
    ]


def _access_log(settings: GatewaySettings) -> list[str]:
    if settings.access_log_file is None:
        return ["access_log off;"]
    fields = {
        "time": "$time_iso8601",
        "correlation_id": "$correlation_id",
        "client": "$remote_addr",
        "method": "$request_method",
        "uri": "$request_uri",
        "status": "$status",
        "bytes": "$body_bytes_sent",
        "seconds": "$request_time",
        "upstream": "$upstream_addr",
        "upstream_seconds": "$upstream_response_time",
    }
    body = ",".join(f'"{name}":"{value}"' for name, value in fields.items())
    return [
        f"log_format feira escape=json '{{{body}}}';",
        f'access_log "{settings.access_log_file}" feira buffer=64k flush=1s;',
    ]


def _temporary_files() -> list[str]:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return [f"{kind}_temp_path {kind}_temp;" for kind in kinds]


def _clients(settings: GatewaySettings) -> list[str]:
    return [
        f"client_max_body_size {settings.body_bytes_max};",
        "client_body_buffer_size 64k;",
        "client_body_timeout 10s;",
        "client_header_timeout 10s;",
        "large_client_header_buffers 4 8k;",
        "send_timeout 30s;",
        "keepalive_timeout 65s;",
        "keepalive_requests 100000;",
        "reset_timedout_connection on;",
    ]


def _gzip() -> list[str]:
    """Turned on by the places that are read from (`_place`)."""
    return [
        "gzip_comp_level 4;",
        f"gzip_min_length {GZIP_SIZE_BYTES_MIN};",
        "gzip_types application/json application/yaml text/css text/javascript;",
        "gzip_proxied any;",
        "gzip_vary on;",
    ]


def _limits(settings: GatewaySettings) -> list[str]:
    if not settings.rate_limit:
        return []
    zone = f"limit_req_zone $binary_remote_addr zone={{}}:{CLIENT_ADDRESSES_ZONE} rate={{}}r/s;"
    return [
        zone.format("clients", settings.requests_per_second),
        zone.format("sign_ins", settings.sign_ins_per_second),
        "limit_req_status 429;",
        "limit_req_log_level info;",
    ]


def _quota(settings: GatewaySettings) -> str | None:
    """The `RateLimit-Policy` of a client: requests (q) in a window of seconds (w)."""
    return f'"clients";q={settings.requests_per_second};w=1' if settings.rate_limit else None


def _server(settings: GatewaySettings) -> list[str]:
    options = "default_server backlog=4096" + (" reuseport" if settings.workers > 1 else "")
    return [
        f"listen {settings.host}:{settings.port} {options}{' ssl' if settings.is_tls else ''};",
        "server_name _;",
        *_tls(settings),
        *error_pages(),
        *_headers(settings, SERVICES_CSP),
        *preflight(settings),
        "location / { return 404; }",
    ]


def _tls(settings: GatewaySettings) -> list[str]:
    if not settings.is_tls:
        return []
    return [
        "http2 on;",
        f'ssl_certificate "{settings.certificate_file}";',
        f'ssl_certificate_key "{settings.certificate_key_file}";',
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "ssl_session_cache shared:tls:10m;",
        "error_page 497 =400 " + PLACE + "/bad_request;",
    ]


def _headers(settings: GatewaySettings, csp: str) -> list[str]:
    """On every answer; a place that adds one of its own has to repeat them."""
    lines = [
        "add_header X-Content-Type-Options nosniff always;",
        "add_header Referrer-Policy no-referrer always;",
        f'add_header Content-Security-Policy "{csp}" always;',
    ]
    if settings.is_tls:
        lines.append('add_header Strict-Transport-Security "max-age=31536000" always;')
    return lines + cors_headers(settings)


# --- places --------------------------------------------------------------------------------------


def _place(place: Place, settings: GatewaySettings) -> list[str]:
    lines = [f"proxy_pass http://{place.service};", *_limit(place, settings)]
    if "GET" in place.methods:
        lines.append("gzip on;")
    address = f'"{place.address}"' if place.match is Match.PATTERN else place.address
    head = " ".join(filter(None, ("location", place.match.value, address)))
    return [f"{head} {{ {' '.join(lines)} }}"]


def _limit(place: Place, settings: GatewaySettings) -> list[str]:
    if not settings.rate_limit or place.address.startswith(WEBHOOKS):
        return []
    lines = [f"limit_req zone=clients burst={settings.requests_burst} nodelay;"]
    if place.address in SIGN_IN_ADDRESSES:
        lines.append(f"limit_req zone=sign_ins burst={settings.sign_ins_burst} nodelay;")
    return lines


def _pages(settings: GatewaySettings, places: Sequence[Place]) -> list[str]:
    """The documents and their pages; the front door leads to `/docs`, unless a service has it."""
    pages = [
        *_headers(settings, PAGES_CSP),
        f'root "{settings.static_dir}";',
        "gzip on;",
        "charset utf-8;",
    ]
    lines = [
        f"location = /openapi.json {{ {' '.join(pages)} }}",
        f"location = /asyncapi {{ {' '.join(pages)} try_files /docs/asyncapi.html =404; }}",
        f"location = /asyncapi.yaml {{ {' '.join(pages)} }}",
        f"location = {DEAD_LETTERS} {{ {' '.join(pages)} try_files /{INDEX_FILE} =404; }}",
        f"location = /docs {{ {' '.join(pages)} try_files /docs/index.html =404; }}",
        f"location ^~ /docs/ {{ {' '.join(pages)} }}",
    ]
    if not any(place.address == "/" for place in places):
        lines.append("location = / { return 302 /docs; }")
    return lines
