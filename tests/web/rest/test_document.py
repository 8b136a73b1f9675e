"""The OpenAPI document has every address, every example answers as its model says, and the page shows all."""

import re
from html.parser import HTMLParser

import jsonschema_rs
import orjson
import pytest

PAGES_OWN = re.compile(
    r"/$|/static|/vendor|/sw.js|/api/|/panel/|/ws/heatmap|/ws/panel|/openapi.json|/docs|/\{kind"
)
"""What the page talks to, and the documents themselves."""


@pytest.fixture
async def document(full):
    async with full.get("/openapi.json") as answer:
        assert answer.status == 200
        assert answer.headers["ETag"]
        return orjson.loads(await answer.read())


async def test_every_address_is_in_the_document(full, document):
    app = full.server._runner.app
    served = {resource.canonical for resource in app.router.resources()}
    assert document["openapi"] == "3.1.0"
    assert {path for path in served if not PAGES_OWN.match(path)} == set(document["paths"])
    wanted = (
        "/liquidations/heatmap-timeseries /liquidations/levels /zones /liquidations /candles /symbols "
        "/exchanges /exchanges/health /accuracy /healthz /readyz /metrics /ws/stats"
    )
    assert set(wanted.split()) == set(document["paths"])
    names = [item["get"]["operationId"] for item in document["paths"].values()]
    assert len(names) == len(set(names))
    assert document["paths"]["/liquidations/levels"]["get"]["deprecated"] is True


async def test_every_example_answers_as_its_model_says(full, document):
    for path, item in document["paths"].items():
        operation = item["get"]
        for example in operation["x-examples"]:
            async with full.get(example) as answer:
                assert answer.status == 200, example
                content = operation["responses"]["200"]["content"]
                assert answer.content_type in {kind.partition(";")[0] for kind in content}, path
                body = await answer.read()
            if answer.content_type == "application/json":
                schema = content["application/json"]["schema"] | {"components": document["components"]}
                jsonschema_rs.validate(schema, orjson.loads(body))


async def test_every_parameter_and_field_is_described(document):
    for item in document["paths"].values():
        for parameter in item["get"]["parameters"]:
            assert len(parameter["description"]) > 10
            assert "x-allowed" not in parameter["schema"]
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name


class Reader(HTMLParser):
    """Note what a page refers to, and which places it has."""

    def __init__(self):
        super().__init__()
        self.links, self.places, self.tags = [], set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        named = dict(attrs)
        self.places.add(named.get("id"))
        self.links += [named[key] for key in ("href", "src") if key in named]


async def test_the_reference_page_needs_nothing_from_elsewhere(full, document):
    async with full.get("/docs") as answer:
        assert answer.content_type == "text/html"
        html = await answer.text()
    page = Reader()
    page.feed(html)
    assert not page.tags & {"script", "style", "iframe", "img"}
    for link in page.links:
        assert link.startswith(("/", "#")), link
        if link.startswith("#"):
            assert link[1:] in page.places, link
        else:
            async with full.get(link) as answer:
                assert answer.status == 200, link
    for path, item in document["paths"].items():
        assert f"GET {path}" in html
        for parameter in item["get"]["parameters"]:
            assert f"<code>{parameter['name']}</code>" in html
