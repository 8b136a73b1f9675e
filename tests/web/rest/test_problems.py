"""A wrong request is told which field, what was sent and what is allowed."""

import pytest

from engine.errors import StorageError

HEATMAP = "/liquidations/heatmap-timeseries"
WRONG = [
    ("/zones", {}, "symbol", None, "a symbol that /symbols lists"),
    ("/zones", {"symbol": "DOGE9"}, "symbol", "DOGE9", "I read BTC and ETH"),
    ("/zones", {"symbol": "BTC", "exchanges": "mtgox"}, "exchanges", "mtgox", "some of binance, split"),
    ("/zones", {"symbol": "BTC", "side": "up"}, "side", "up", "one of both, long, short"),
    ("/zones", {"symbol": "BTC", "min_usd": "nan"}, "min_usd", "nan", "a number from 0"),
    ("/zones", {"symbol": "BTC", "min_usd": "-1"}, "min_usd", "-1", "a number from 0"),
    ("/zones", {"symbol": "BTC", "colour": "red"}, "colour", None, "symbol, exchanges, side, min_usd"),
    ("/candles", {"symbol": "BTC", "interval": "7m"}, "interval", "7m", "one of 5m, 15m, 1h, 4h"),
    ("/candles", {"symbol": "BTC", "window": "1 day"}, "window", "1 day", "a number and m, h or d"),
    ("/candles", {"symbol": "BTC", "window": "401d"}, "window", "401d", "400d at most"),
    ("/candles", {"symbol": "BTC", "window": "30d"}, "window", "30d", "at most 5,000 times"),
    ("/candles", {"symbol": "BTC", "start": "yesterday"}, "start", "yesterday", "milliseconds UTC"),
    ("/candles", {"symbol": "BTC", "start": "2025-02-30T00:00Z"}, "start", "2025-02-30T00:00Z", "a day that"),
    ("/candles", {"symbol": "BTC", "start": "2035-01-01T00:00Z"}, "start", "2035-01-01T00:00Z", "before"),
    (HEATMAP, {"symbol": "BTC", "window": "30d"}, "window", "30d", "at most 2,000 times"),
    (HEATMAP, {"symbol": "BTC", "bins": "5000"}, "bins", "5000", "from 50 to 1000"),
    (HEATMAP, {"symbol": "BTC", "bins": "1000", "window": "6d"}, "bins", "1000", "at most 578 for 1,728"),
    (HEATMAP, {"symbol": "BTC", "format": "xml"}, "format", "xml", "json or binary"),
    (HEATMAP, {"symbol": "BTC", "model": "magic"}, "model", "magic", "one of flow, leverage, simple"),
    (HEATMAP, {"symbol": "BTC", "leverage_weights": "1/2"}, "leverage_weights", "1/2", "5 weights split"),
    (HEATMAP, {"symbol": "BTC", "leverage_weights": "heavy"}, "leverage_weights", "heavy", "numbers split"),
    (HEATMAP, {"symbol": "BTC", "low": "0"}, "low", "0", "above 0"),
    ("/healthz", {"x": "1"}, "x", None, "no parameters"),
]


@pytest.mark.parametrize(("path", "params", "field", "sent", "allowed"), WRONG)
async def test_a_wrong_field_is_named_with_what_is_allowed(site, path, params, field, sent, allowed):
    async with site.get(path, params=params) as answer:
        assert answer.status == 400
        problem = await answer.json(content_type="application/problem+json")
    assert (problem["status"], problem["field"], problem.get("sent")) == (400, field, sent)
    assert allowed in problem["allowed"]
    assert problem["detail"].endswith(".")


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"window": "1h", "start": "2025-10-08T00:00Z"}, "does not go with start"),
        ({"end": "2025-10-08T00:00Z"}, "end needs a start"),
        ({"low": "2", "high": "1"}, "low must be below high"),
        ({"start": "2025-10-08T00:00Z", "end": "2025-10-07T00:00Z"}, "a time after start"),
    ],
)
async def test_what_does_not_go_together_is_said(site, fetch, params, told):
    problem = await fetch(site, HEATMAP, status=400, symbol="BTC", **params)
    assert told in problem["detail"]


async def test_a_parameter_twice_is_refused(site, fetch):
    async with site.get("/zones?symbol=BTC&symbol=ETH") as answer:
        assert (await answer.json())["detail"] == "symbol is given twice."


async def test_a_stretch_before_all_data_is_not_there(site, fetch):
    asked = {"symbol": "BTC", "interval": "4h", "start": "2024-10-08T00:00Z", "end": "2024-10-09T00:00Z"}
    for path in (HEATMAP, "/candles"):
        assert "no" in (await fetch(site, path, status=404, **asked))["detail"]


async def test_what_cannot_be_had_now_says_when_to_come_back(site):
    site.market.fault = StorageError("the disk is full of secrets")
    async with site.get(HEATMAP, params={"symbol": "BTC", "interval": "4h"}) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        assert "secrets" not in await answer.text()


async def test_a_failure_within_is_an_incident_and_is_not_kept(site, fetch):
    site.market.fault = RuntimeError("secret detail of the inside")
    problem = await fetch(site, HEATMAP, status=500, symbol="BTC", interval="4h")
    assert "secret" not in str(problem)
    assert problem["incident"]
    site.market.fault = None
    await fetch(site, HEATMAP, symbol="BTC", interval="4h")
