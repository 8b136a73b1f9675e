"""The HTTP API and the health pages."""

import asyncio

import pytest

from bot.supervisor import PartState
from bot.web.encode import unpack


async def test_symbols_come_with_their_facts(site):
    async with site.get("/api/symbols") as answer:
        body = await answer.json()
    assert body["source"] == "replay"
    assert body["windows"] == ["12h", "24h", "3d", "7d", "30d"]
    btc = body["symbols"][0]
    assert btc["symbol"] == "BTCUSDT"
    assert btc["price"] == pytest.approx(112_000)
    assert btc["zones"] == 4


async def test_a_heatmap_comes_in_both_forms(site):
    async with site.get(
        "/api/heatmap", params={"symbol": "btc", "window": "24h", "format": "binary"}
    ) as answer:
        assert answer.content_type == "application/vnd.liqwatch.heatmap"
        header, frame = unpack(await answer.read())
    async with site.get("/api/heatmap", params={"symbol": "BTC-PERP", "window": "24h"}) as answer:
        body = await answer.json()
    assert header["label"] == body["label"] == "REPLAY 2025-10-10 20:35 UTC"
    assert frame.ts.tolist() == body["ts"]
    assert len(body["edges"]) == frame.bins + 1
    assert len(body["long_usd"]) == len(frame)
    assert max(map(max, body["short_usd"])) == pytest.approx(frame.scale.dollars(frame.short).max(), rel=0.03)


async def test_candles_come_with_the_heatmaps_step(site):
    async with site.get("/api/candles", params={"symbol": "ETH", "window": "7d"}) as answer:
        body = await answer.json()
    assert body["step_ms"] == 900_000
    assert body["fields"] == ["ts", "open", "high", "low", "close"]
    ts, opened, high, low, close = body["candles"][-1]
    assert ts % 900_000 == 0
    assert low <= min(opened, close) <= max(opened, close) <= high


async def test_an_answer_is_made_once_and_known_by_its_etag(site):
    params = {"symbol": "btc", "window": "3d", "format": "binary"}

    async def fetch():
        async with site.get("/api/heatmap", params=params) as answer:
            return answer.headers["ETag"], await answer.read()

    answers = await asyncio.gather(*(fetch() for _ in range(8)))
    assert site.market.grids == 1
    assert len({etag for etag, _ in answers}) == 1
    async with site.get("/api/heatmap", params=params, headers={"If-None-Match": answers[0][0]}) as answer:
        assert answer.status == 304
    site.market.candle()
    assert (await fetch())[0] != answers[0][0]


async def test_a_failure_is_not_kept(site):
    params = {"symbol": "btc", "window": "3d"}
    site.market.fault = RuntimeError("for a moment")
    async with site.get("/api/heatmap", params=params) as answer:
        assert answer.status == 500
    site.market.fault = None
    async with site.get("/api/heatmap", params=params) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({}, "symbol is missing"),
        ({"symbol": "DOGE9"}, "DOGE9"),
        ({"symbol": "BTC", "window": "99h"}, "12h, 24h, 3d, 7d, 30d"),
        ({"symbol": "BTC", "format": "xml"}, "json or binary"),
    ],
)
async def test_a_wrong_request_is_answered_with_what_is_allowed(site, params, says):
    async with site.get("/api/heatmap", params=params) as answer:
        assert answer.status == 400
        problem = await answer.json(content_type="application/problem+json")
    assert says in problem["detail"]


async def test_the_process_is_alive_and_ready(site):
    async with site.get("/healthz") as answer:
        assert await answer.json() == {"status": "alive"}
    async with site.get("/readyz") as answer:
        body = await answer.json()
        assert answer.status == 200, body
    assert body["status"] == "ready"
    assert body["parts"][0]["name"] == "feed"


async def test_a_part_that_is_down_is_named(site, make_part):
    site.parts.append(make_part("delivery", PartState.RESTARTING, last_error="OSError: gone"))
    async with site.get("/readyz") as answer:
        assert answer.status == 503
        body = await answer.json()
    assert body["reasons"] == ["delivery is restarting: OSError: gone"]


async def test_a_lesser_part_does_not_make_it_unready(site, make_part):
    site.parts.append(make_part("lag", PartState.RESTARTING, essential=False))
    async with site.get("/readyz") as answer:
        assert answer.status == 200


async def test_a_market_that_is_not_loaded_is_said(site):
    del site.market.close["ETHUSDT"]
    async with site.get("/readyz") as answer:
        assert answer.status == 503
        assert (await answer.json())["reasons"] == ["ETHUSDT is not loaded yet."]
    site.market.symbols = ()
    async with site.get("/readyz") as answer:
        assert "No market" in (await answer.json())["reasons"][0]


async def test_a_heatmap_may_be_asked_of_another_model(site):
    params = {"symbol": "btc", "window": "24h", "model": "leverage", "weights": "10/20/30/25/15"}
    async with site.get("/api/heatmap", params={"symbol": "btc", "window": "24h"}) as answer:
        usual, etag = await answer.json(), answer.headers["ETag"]
    async with site.get("/api/heatmap", params=params) as answer:
        body = await answer.json()
        assert answer.headers["ETag"] != etag
    assert (usual["model"], usual["unit"]) == ("flow", "expected_liquidations_usd")
    assert (body["model"], body["unit"]) == ("leverage 10/20/30/25/15", "standing_notional_usd")
    (preset,) = site.market.presets
    assert preset.weights == (0.1, 0.2, 0.3, 0.25, 0.15)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"symbol": "btc", "model": "magic"},
            "There is no model 'magic'; there are: flow, leverage, simple.",
        ),
        ({"symbol": "btc", "model": "simple", "weights": "1/2"}, "simple has 5 levels"),
        ({"symbol": "btc", "weights": "many"}, "are no weights"),
        ({"symbol": "eth", "model": "leverage"}, "leverage follows open interest, and there is none for ETH"),
    ],
)
async def test_a_model_that_cannot_be_is_refused_with_words(site, asked, told):
    async with site.get("/api/heatmap", params=asked) as answer:
        assert answer.status == 400
        assert told in (await answer.json())["detail"]


async def test_levels_are_what_stands_now(site):
    params = {"symbol": "btc", "bin_bp": "10", "min_usd": "5"}
    async with site.get("/api/levels", params=params) as answer:
        body = await answer.json()
    assert body["fields"] == ["price_low", "price_high", "notional_usd", "distance"]
    ((low, high, usd, distance),) = body["long_levels"]
    assert (low, high) == pytest.approx((112_000 * 0.99, 112_000 * 0.99 * 1.001))
    assert (usd, distance, body["short_levels"]) == (1_000_005, 0.0095, [])
    assert (body["label"], body["unit"]) == ("REPLAY 2025-10-10 20:35 UTC", "expected_liquidations_usd")
    for wrong in ({"bin_bp": "0"}, {"bin_bp": "nan"}, {"min_usd": "-1"}, {"min_usd": "much"}):
        async with site.get("/api/levels", params={"symbol": "btc", **wrong}) as answer:
            assert answer.status == 400
            assert "must be a number from" in (await answer.json())["detail"]
    async with site.get("/api/levels") as answer:
        assert (await answer.json())["detail"].startswith("symbol is missing")
