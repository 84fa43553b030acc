"""Browsers that call from pages of other origins: which may, and what they are told."""

from typing import Final

from feira.services.gateway.settings import GatewaySettings

PREFLIGHT: Final = "/gateway-preflight"
METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, X-Correlation-Id"
ANSWER_HEADERS: Final = "Retry-After, RateLimit, RateLimit-Policy, X-Correlation-Id"
MAX_AGE_SECONDS: Final = 600


def cors_maps(settings: GatewaySettings) -> list[str]:
    """Variables that are empty for unknown origins: an empty header is not sent."""
    if not settings.cors_origins:
        return []
    known = " ".join(f'"{origin}" $http_origin;' for origin in settings.cors_origins)
    return [
        f'map $http_origin $cors_origin {{ default ""; {known} }}',
        'map $cors_origin $cors_credentials { default true; "" ""; }',
        f'map $cors_origin $cors_exposed {{ default "{ANSWER_HEADERS}"; "" ""; }}',
        'map "$request_method $cors_origin" $is_preflight { default 0; "~^OPTIONS ." 1; }',
    ]


def cors_headers(settings: GatewaySettings) -> list[str]:
    if not settings.cors_origins:
        return []
    return [
        "add_header Access-Control-Allow-Origin $cors_origin always;",
        "add_header Access-Control-Allow-Credentials $cors_credentials always;",
        "add_header Access-Control-Expose-Headers $cors_exposed always;",
        "add_header Vary Origin always;",
    ]


def preflight(settings: GatewaySettings) -> list[str]:
    """Answer a preflight of a known origin; others are as any OPTIONS."""
    if not settings.cors_origins:
        return []
    return [
        f"if ($is_preflight) {{ rewrite ^ {PREFLIGHT} last; }}",
        f"location = {PREFLIGHT} {{",
        "    internal;",
        *(f"    {line}" for line in cors_headers(settings)),
        f'    add_header Access-Control-Allow-Methods "{METHODS}";',
        f'    add_header Access-Control-Allow-Headers "{REQUEST_HEADERS}";',
        f"    add_header Access-Control-Max-Age {MAX_AGE_SECONDS};",
        "    return 204;",
        "}",
    ]
