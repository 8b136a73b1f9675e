"""Make the OpenAPI 3.1 document of the API from its routes and their models."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.web.api import BINARY
from bot.web.rest.kept import JSON
from bot.web.rest.problems import MEDIA_TYPE, Problem
from bot.web.rest.route import Route

REF = "#/components/schemas/{model}"
TOLD = {
    304: "The client has this answer",
    400: "A parameter is wrong: which, what was sent, what is allowed",
    401: "The token is missing or wrong",
    404: "There is no data of what was asked for",
    413: "The request has a body that is too large",
    429: "Too many requests from this address: ask again after Retry-After seconds",
    500: "Something went wrong here; the log says more under the incident",
    503: "Busy or not ready: ask again",
}
ABOUT = """Where leveraged positions would be liquidated: estimates from public data, not advice.
Times are milliseconds UTC, prices are in quote currency, ..._usd is dollars, shares are fractions.
Every refusal is a problem document (RFC 9457)."""


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the document."""
    models: list[type[BaseModel]] = [Problem, *(r.answer for r in routes if r.answer is not None)]
    pairs = [(model, "serialization") for model in dict.fromkeys(models)]
    _, schemas = models_json_schema(pairs, ref_template=REF)  # type: ignore[arg-type]  # a literal
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Liqwatch",
            "version": version("liqwatch"),
            "description": ABOUT.replace("\n", " "),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": {route.path: {"get": _operation(route)} for route in routes},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"metrics": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": route.about or f"{route.summary}.",
        "parameters": _parameters(route),
        "responses": _responses(route),
        "x-examples": [f"{route.path}?{query}" if query else route.path for query in route.examples],
    }
    if route.deprecation is not None:
        operation["deprecated"] = True
        operation["description"] += f" It goes on {route.deprecation.sunset}."
    if route.private:
        operation["security"] = [{}, {"metrics": []}]
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    """Return the parameters, required ones first; what the route's first example has are their examples."""
    schema = route.ask.model_json_schema()
    shown = dict(parse_qsl(route.examples[0]))
    required = schema.get("required", [])
    found = sorted(schema.get("properties", {}).items(), key=lambda each: each[0] not in required)
    return [
        _parameter(name, prop, required=name in required, example=shown.get(name)) for name, prop in found
    ]


def _parameter(name: str, prop: Mapping[str, Any], *, required: bool, example: str | None) -> dict[str, Any]:
    kept = {key: value for key, value in prop.items() if key not in ("title", "description", "examples")}
    allowed = kept.pop("x-allowed", "")
    kinds = [kind for kind in kept.pop("anyOf", []) if kind.get("type") != "null"]
    if kinds:
        kept |= kinds[0]
    if kept.get("default", ...) is None:
        del kept["default"]
    parameter = {
        "name": name,
        "in": "query",
        "required": required,
        "description": f"{prop.get('description', name)} ({allowed})",
        "schema": kept,
    }
    if example is not None:
        parameter["example"] = _typed(example, kept.get("type", "string"))
    return parameter


def _typed(example: str, kind: str) -> str | float | int:
    return int(example) if kind == "integer" else float(example) if kind == "number" else example


def _responses(route: Route) -> dict[str, Any]:
    good = {media: _content(route, media) for media in route.media_types}
    responses: dict[str, Any] = {
        "200": {"description": "The answer", "headers": _headers(route), "content": good},
        "304": {"description": TOLD[304]},
    }
    refusals = {
        400,
        413,
        500,
        *route.statuses,
        *((429,) if route.limited else ()),
        *((401,) if route.private else ()),
    }
    for status in sorted(refusals):
        content = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="Problem")}}}
        if status == 503 and route.answer is not None and not route.limited:
            content = good | content
        responses[str(status)] = {"description": TOLD[status], "content": content}
    return responses


def _content(route: Route, media: str) -> dict[str, Any]:
    if media == JSON and route.answer is not None:
        return {"schema": {"$ref": REF.format(model=route.answer.__name__)}}
    if media == BINARY:
        return {"schema": {"type": "string", "format": "binary"}}
    return {"schema": {"type": "string"}}


def _headers(route: Route) -> dict[str, Any]:
    names = ["ETag", "X-Request-Id"]
    if route.deprecation is not None:
        names += ["Deprecation", "Sunset", "Link"]
    return {name: {"schema": {"type": "string"}} for name in names}
