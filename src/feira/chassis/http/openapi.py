"""One OpenAPI document for a service's hot and cold routes."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from feira.chassis.http.dependencies import (
    BEARER_SCHEME,
    IDEMPOTENCY_HEADER,
    IDEMPOTENCY_MEANS,
)
from feira.chassis.http.hot import Access, HotRoute
from feira.chassis.http.problems import PROBLEM_JSON

_REF: Final = "#/components/schemas/{name}"
_KEY_PARAMETER: Final[dict[str, Any]] = {
    "name": IDEMPOTENCY_HEADER,
    "in": "header",
    "required": False,
    "description": IDEMPOTENCY_MEANS,
    "schema": {"type": "string"},
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


class _StructResponse(dict[str, Any]):
    """A documented response whose body's type is not known to FastAPI."""

    kind: Any = None


def responses(bodies: Mapping[int, Any]) -> dict[int | str, dict[str, Any]]:
    """For a cold route: `responses=responses({201: ThingView, 404: None})`; types as msgspec's."""
    return {status: _response(status, kind) for status, kind in bodies.items()}


def openapi_of(
    app: FastAPI, routers: Sequence[APIRouter], hot_routes: Sequence[HotRoute]
) -> dict[str, Any]:
    """The document of all public routes, made at the first call and kept."""
    hot_routes = [route for route in hot_routes if route.is_public]
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description or None,
            routes=app.routes,
        )
        _add_hot_routes(document, hot_routes)
        _add_schemas(document, list(_kinds(routers, hot_routes)))
        app.openapi_schema = document
    return app.openapi_schema


def _add_hot_routes(document: dict[str, Any], hot_routes: Sequence[HotRoute]) -> None:
    paths = document.setdefault("paths", {})
    for route in hot_routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)


def _add_schemas(document: dict[str, Any], kinds: list[Any]) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    _, ours = msgspec.json.schema_components(kinds, ref_template=_REF)
    schemas.update({name: _with_numbers(schema) for name, schema in ours.items()})
    schemas["Problem"] = _PROBLEM
    for leftover in ("HTTPValidationError", "ValidationError"):
        schemas.pop(leftover, None)
    components.setdefault("securitySchemes", {})[BEARER_SCHEME] = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    for operation in _operations(document):
        answers = operation["responses"]
        if "HTTPValidationError" in str(answers.get("422")):
            del answers["422"]  # FastAPI's own form of it, which nobody is ever sent
        answers.setdefault("default", _problem_response())


def _with_numbers(schema: Any) -> Any:
    """A `Decimal` is a number in our JSON; msgspec documents it as the text it would write."""
    match schema:
        case {"format": "decimal", **rest}:
            return {**rest, "type": "number"}
        case dict():
            return {name: _with_numbers(part) for name, part in schema.items()}
        case list():
            return [_with_numbers(part) for part in schema]
        case _:
            return schema


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def _kinds(routers: Sequence[APIRouter], hot_routes: Sequence[HotRoute]) -> Iterator[Any]:
    """Every type that FastAPI does not document itself."""
    for route in hot_routes:
        if route.request_type is not None:
            yield route.request_type
        yield from (kind for kind in route.responses.values() if kind is not None)
    for cold in (route for router in routers for route in router.routes):
        if isinstance(cold, APIRoute):
            answers = cold.responses.values()
            yield from (a.kind for a in answers if isinstance(a, _StructResponse) and a.kind)


def _operation(route: HotRoute) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary or route.handler.__name__.replace("_", " ").capitalize(),
        "responses": {
            str(status): dict(_response(status, kind)) for status, kind in route.responses.items()
        },
    }
    if route.description:
        operation["description"] = route.description
    if route.tags:
        operation["tags"] = list(route.tags)
    if route.access is not Access.ANYONE:
        operation["security"] = [{BEARER_SCHEME: []}]
    if route.request_type is not None:
        operation["requestBody"] = {"required": True, "content": _json_of(route.request_type)}
    parameters = [_path_parameter(name) for name in route.parameter_names]
    if route.method == "POST":
        parameters.append(_KEY_PARAMETER)
    if parameters:
        operation["parameters"] = parameters
    return operation


def _response(status: int, kind: Any) -> dict[str, Any]:
    response = _StructResponse(description=HTTPStatus(status).phrase)
    response.kind = kind
    if status >= 400:
        response["content"] = _problem_response()["content"]
    elif kind is not None:
        response["content"] = _json_of(kind)
    return response


def _json_of(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return {"application/json": {"schema": schema}}


def _problem_response() -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": "A problem", "content": {PROBLEM_JSON: {"schema": schema}}}


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}
