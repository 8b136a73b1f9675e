"""Write the reference page of the API from its OpenAPI document: plain HTML without a script."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Liqwatch · HTTP API</title>
<meta name="color-scheme" content="dark light">
<link rel="icon" href="/static/icons/liqwatch.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/reference.css">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
"""


def page(document: Mapping[str, Any]) -> str:
    """Return the page."""
    paths = document["paths"]
    schemas = document["components"]["schemas"]
    parts = [
        HEAD,
        f"<header><h1>{escape(document['info']['title'])} HTTP API</h1>",
        f"<p>{escape(document['info']['description'])}</p>",
        '<p><a href="/openapi.json">The OpenAPI document</a> · <a href="/">The chart</a></p></header>',
        '<nav aria-label="Addresses"><ul>',
        *(
            f'<li><a href="#{escape(each["get"]["operationId"])}">{escape(path)}</a></li>'
            for path, each in paths.items()
        ),
        '</ul></nav>\n<main id="main">',
        *(_operation(path, each["get"]) for path, each in paths.items()),
        "<h2>What answers hold</h2>",
        *(_schema(name, schema) for name, schema in sorted(schemas.items())),
        "</main></body></html>\n",
    ]
    return "\n".join(parts)


def _operation(path: str, operation: Mapping[str, Any]) -> str:
    old = ' <span class="old">deprecated</span>' if operation.get("deprecated") else ""
    examples = "".join(
        f'<li><a href="{escape(each)}"><code>GET {escape(each)}</code></a></li>'
        for each in operation["x-examples"]
    )
    return (
        f'<section id="{escape(operation["operationId"])}">'
        f"<h2><code>GET {escape(path)}</code>{old}</h2><p>{escape(operation['description'])}</p>"
        f"<ul class=examples>{examples}</ul>{_parameters(operation['parameters'])}"
        f"{_responses(operation['responses'])}</section>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return "<p>No parameters.</p>"
    rows = [
        (
            f"<code>{escape(each['name'])}</code>{' (required)' if each['required'] else ''}",
            escape(str(each["schema"].get("default", ""))),
            escape(each["description"]),
        )
        for each in parameters
    ]
    return _table(("Parameter", "Default", "What it means"), rows)


def _responses(responses: Mapping[str, Any]) -> str:
    rows = [
        (escape(status), _content(each), escape(each["description"])) for status, each in responses.items()
    ]
    return _table(("Status", "Content", "When"), rows)


def _content(response: Mapping[str, Any]) -> str:
    return "<br>".join(
        f"{_link(each['schema'])} <small>{escape(media)}</small>"
        for media, each in response.get("content", {}).items()
    )


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    rows = [
        (f"<code>{escape(field)}</code>", _link(each), escape(each.get("description", "")))
        for field, each in schema.get("properties", {}).items()
    ]
    about = escape(schema.get("description", ""))
    return (
        f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3><p>{about}</p>'
        f"{_table(('Field', 'Type', 'What it means'), rows)}</section>"
    )


def _link(schema: Mapping[str, Any]) -> str:
    """Return what a value is, in a few words, with a link where it is described."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_link(each) for each in schema["anyOf"])
    kind = schema.get("type", "any")
    kinds = kind if isinstance(kind, list) else [kind]
    if "array" in kinds and "items" in schema:
        rest = "".join(f" or {escape(each)}" for each in kinds if each != "array")
        return f"list of {_link(schema['items'])}{rest}"
    return escape(" or ".join(kinds))


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{each}</th>' for each in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
