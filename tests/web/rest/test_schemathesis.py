"""Requests made from the OpenAPI document, sensible and not, are answered as the document says."""

import asyncio

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance

EXAMPLES = 12
READ = {"symbol": ["BTC", "ETHUSDT"], "exchanges": ["binance", "okx,bybit"], "window": ["90m", "2d", "7d"]}
"""What is read here: the document allows names of markets that other installations have."""

settings_of_a_run = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


def run(document: dict, base: str, path: str, mode: GenerationMode) -> int:
    """Make requests to one address; return how many. Raise what schemathesis finds."""
    load_all_checks()
    operation = schemathesis.openapi.from_dict(document)[path]["GET"]
    made = 0

    @settings_of_a_run
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        nonlocal made
        made += 1
        # What fits the document may still ask for a market or an exchange that is not read.
        case.call_and_validate(base_url=base, excluded_checks=[positive_data_acceptance])

    ask()
    return made


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
async def test_every_address_keeps_to_the_document(full, mode):
    async with full.get("/openapi.json") as answer:
        document = orjson.loads(await answer.read())
    for item in document["paths"].values():
        for parameter in item["get"]["parameters"]:
            if mode is GenerationMode.POSITIVE and parameter["name"] in READ:
                parameter["schema"] = {"type": "string", "enum": READ[parameter["name"]]}
    for path, item in document["paths"].items():
        if mode is GenerationMode.NEGATIVE and not item["get"]["parameters"]:
            continue
        made = await asyncio.to_thread(run, document, full.base, path, mode)
        assert made >= (6 if item["get"]["parameters"] else 1), path
