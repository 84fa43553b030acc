"""From the services' route tables to the places of an NGINX configuration.

An address without parameters is an exact place. Addresses with parameters that begin alike go to
one prefix, whose service has most of them; those of other services there become patterns, which
NGINX asks before it takes the prefix. What lies below a prefix and is nobody's route is answered
(404) by the prefix's service, everything else by the gateway.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from feira.kernel.errors import Misconfigured

RouteTables = Mapping[str, Sequence[tuple[str, str]]]
"""A service's routes: method and path template, as `ServiceShell.route_table()` gives them."""

NOT_PUBLIC: Final = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})
"""What each service has for its operators; the gateway has an `/openapi.json` of its own."""

_TEMPLATE: Final = re.compile(r"(/([A-Za-z0-9._~-]+|\{[A-Za-z_][A-Za-z0-9_]*\}))+|/")
_PARAMETER: Final = re.compile(r"\{[^}]*\}")


class Match(Enum):
    """How NGINX compares an address with a place."""

    EXACT = "="
    FINAL_PREFIX = "^~"
    PREFIX = ""
    PATTERN = "~"


@dataclass(frozen=True, slots=True)
class Place:
    """Which addresses go to which service, and with which methods."""

    match: Match
    address: str
    service: str
    methods: frozenset[str]


def places_of(tables: RouteTables) -> list[Place]:
    """Every place that the gateway forwards. Raises `Misconfigured` for tables that disagree."""
    methods, owners = _gathered(tables)
    exact = [
        Place(Match.EXACT, template, owners[template], methods[template])
        for template in sorted(methods)
        if "{" not in template
    ]
    return exact + list(_below_prefixes(methods, owners))


def _gathered(tables: RouteTables) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """The methods and the one service of every template, its parameters without their names."""
    methods: dict[str, frozenset[str]] = {}
    owners: dict[str, str] = {}
    for service, routes in tables.items():
        for method, path in routes:
            if path in NOT_PUBLIC:
                continue
            template = _checked(path)
            if owners.setdefault(template, service) != service:
                raise Misconfigured(f"{path} is a route of {owners[template]} and of {service}")
            methods[template] = methods.get(template, frozenset()) | {method}
    return methods, owners


def _checked(path: str) -> str:
    if not _TEMPLATE.fullmatch(path):
        raise Misconfigured(f"{path!r} is no path template that the gateway knows")
    if path.startswith("/{"):
        raise Misconfigured(f"{path} would take every address: begin with a word of its own")
    return _PARAMETER.sub("{}", path)


def _below_prefixes(
    methods: Mapping[str, frozenset[str]], owners: Mapping[str, str]
) -> Iterator[Place]:
    below: dict[str, list[str]] = defaultdict(list)
    for template in sorted(methods):
        if "{" in template:
            below[template[: template.index("{")]].append(template)
    for prefix in sorted(below):
        templates = below[prefix]
        main = _main_service(owners[template] for template in templates)
        own = [template for template in templates if owners[template] == main]
        others = [template for template in templates if owners[template] != main]
        match = Match.PREFIX if others else Match.FINAL_PREFIX
        yield Place(match, prefix, main, frozenset().union(*(methods[own_] for own_ in own)))
        for template in others:
            yield Place(Match.PATTERN, _pattern(template), owners[template], methods[template])


def _main_service(services: Iterable[str]) -> str:
    counts = Counter(services)
    return min(counts, key=lambda service: (-counts[service], service))


def _pattern(template: str) -> str:
    return "^" + re.escape(template).replace(r"\{\}", "[^/]+") + "$"
