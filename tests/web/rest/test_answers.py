"""What the API answers: the surface, its parts, zones, candles, reports, and the forms they come in."""

import asyncio

import numpy as np
import pytest

from bot.web.encode import unpack

HEATMAP = "/liquidations/heatmap-timeseries"


async def test_a_heatmap_has_columns_bins_and_each_exchanges_part(full, fetch):
    body = await fetch(full, HEATMAP, symbol="btc", interval="15m", window="24h", bins="100")
    assert (body["symbol"], body["step_ms"], body["source"]) == ("BTCUSDT", 900_000, "replay")
    assert 96 <= len(body["ts"]) <= 98
    assert set(np.diff(body["ts"])) == {900_000}
    long, short, edges = (np.array(body[name]) for name in ("long_usd", "short_usd", "edges"))
    assert long.shape == short.shape == (len(body["ts"]), len(edges) - 1)
    assert (long.sum(), short.sum()) > (0, 0)
    below = edges[1:] <= body["close"][-1]
    assert long[-1][~below].sum() <= long[-1].max()
    parts = {each["exchange"]: each for each in body["exchanges"]}
    assert {name: round(part["share"], 3) for name, part in parts.items()} == {
        "binance": 0.7,
        "okx": 0.2,
        "bybit": 0.1,
    }
    whole = sum(np.array(part["long_profile_usd"]) for part in parts.values())
    assert whole.sum() == pytest.approx(long[-1].sum(), rel=0.01)


async def test_the_binary_form_is_the_same_surface(full, fetch):
    asked = {"symbol": "BTC", "interval": "1h", "window": "3d", "bins": "80"}
    body = await fetch(full, HEATMAP, **asked)
    async with full.get(HEATMAP, params=asked | {"format": "binary"}) as answer:
        assert answer.content_type == "application/vnd.liqwatch.heatmap"
        assert "Content-Encoding" not in answer.headers
        header, frame = unpack(await answer.read())
    async with full.get(HEATMAP, params=asked, headers={"Accept": answer.content_type}) as preferred:
        assert preferred.content_type == answer.content_type
        assert preferred.headers["ETag"] == answer.headers["ETag"]
    assert frame.ts.tolist() == body["ts"]
    exact, told = np.array(body["short_usd"]), frame.scale.dollars(frame.short)
    assert (exact > header["error_usd"]).mean() > 0.2
    whole_dollars = 0.5
    allowed = np.maximum(header["error"] * exact, header["error_usd"]) + whole_dollars
    assert (np.abs(told - exact) <= allowed).all()
    assert [each["exchange"] for each in header["exchanges"]] == ["binance", "okx", "bybit"]


async def test_one_side_and_some_exchanges(full, fetch):
    body = await fetch(full, HEATMAP, symbol="BTC", interval="4h", side="long", exchanges="okx,bybit")
    assert body["short_usd"] is None
    assert np.sum(body["long_usd"]) > 0
    assert [each["exchange"] for each in body["exchanges"]] == ["okx", "bybit"]
    assert full.market.asked_of[-1] == ("okx", "bybit")
    async with full.get(
        HEATMAP, params={"symbol": "BTC", "interval": "4h", "side": "short", "format": "binary"}
    ) as answer:
        _, frame = unpack(await answer.read())
    assert frame.long.max() == 0 < frame.short.max()


async def test_a_stretch_of_the_past_ends_where_it_was_asked_to(full, fetch):
    asked = {"symbol": "BTC", "interval": "1h", "start": "2025-10-08T00:00Z", "end": "2025-10-09T00:00Z"}
    body = await fetch(full, HEATMAP, **asked)
    assert (body["start"], body["end"], len(body["ts"])) == (1_759_881_600_000, 1_759_968_000_000, 24)
    assert await fetch(full, HEATMAP, **asked | {"start": "2025-10-08", "end": "2025-10-09"}) == body
    made = full.market.grids
    full.market.candle()
    assert await fetch(full, HEATMAP, **asked) == body
    assert full.market.grids == made, "the past does not change with a candle"


async def test_weights_of_ones_own_choose_the_model_that_has_them(full, fetch):
    body = await fetch(full, HEATMAP, symbol="BTC", interval="4h", leverage_weights="10/20/30/25/15")
    assert (body["model"], body["unit"]) == ("leverage 10/20/30/25/15", "standing_notional_usd")
    assert full.market.presets[-1].weights == (0.1, 0.2, 0.3, 0.25, 0.15)


async def test_an_answer_is_made_once_and_not_sent_again(full):
    params = {"symbol": "BTC", "interval": "15m"}

    async def get(**headers):
        async with full.get(HEATMAP, params=params, headers=headers) as answer:
            return answer.status, answer.headers, await answer.read()

    answers = await asyncio.gather(*(get() for _ in range(8)))
    assert full.market.grids == 1
    (status, headers, body), etag = answers[0], answers[0][1]["ETag"]
    assert (status, {one[1]["ETag"] for one in answers}) == (200, {etag})
    assert headers["Cache-Control"] == "no-cache"
    assert "Accept-Encoding" in headers["Vary"]
    for known in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        assert (await get(**{"If-None-Match": known}))[0] == 304
    assert (await get(**{"If-None-Match": '"other"'}))[2] == body
    full.market.candle()
    assert (await get(**{"If-None-Match": etag}))[0] == 200


@pytest.mark.parametrize(
    ("takes", "packed"), [("gzip", True), ("br, gzip;q=0.5", True), ("identity", False), ("gzip;q=0", False)]
)
async def test_an_answer_is_packed_for_who_takes_it(full, takes, packed):
    async with full.client.request(
        "GET", HEATMAP, params={"symbol": "BTC", "interval": "1h"}, headers={"Accept-Encoding": takes}
    ) as answer:
        assert (answer.headers.get("Content-Encoding") == "gzip") is packed
        assert (await answer.json())["symbol"] == "BTCUSDT"


async def test_the_predecessor_says_since_when_it_is_one_and_until_when(full):
    for params, status in (({"symbol": "BTC"}, 200), ({"symbol": "nope"}, 400)):
        async with full.get("/liquidations/levels", params=params) as answer:
            assert answer.status == status
            assert answer.headers["Deprecation"] == "@1793491200"
            assert answer.headers["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
            assert f'<{HEATMAP}>; rel="successor-version"' in answer.headers["Link"]
    async with full.get("/zones", params={"symbol": "BTC"}) as answer:
        assert "Deprecation" not in answer.headers


async def test_zones_come_nearest_first_with_their_age(full, fetch):
    body = await fetch(full, "/zones", symbol="BTC")
    distances = [zone["distance"] for zone in body["zones"]]
    assert distances == sorted(distances)
    assert len(distances) == 4
    assert body["zones"][0]["age_s"] == 9000
    body = await fetch(full, "/zones", symbol="BTC", side="long", min_usd="6e7", exchanges="okx")
    assert [(zone["side"], zone["notional_usd"]) for zone in body["zones"]] == [("long", 62e6)]
    assert full.market.asked_of[-1] == ("okx",)


async def test_candles_fold_to_any_interval(full, fetch):
    fine = await fetch(full, "/candles", symbol="BTC", interval="5m", window="8h")
    coarse = await fetch(full, "/candles", symbol="BTC", interval="4h", window="8h")
    assert len(fine["ts"]) == 96
    assert set(np.diff(coarse["ts"])) == {14_400_000}
    assert coarse["close"][-1] == fine["close"][-1]
    assert max(coarse["high"]) >= max(fine["high"])
    assert sum(coarse["volume"][1:]) <= len(fine["ts"])
    assert coarse["quote_volume_usd"][0] is None


async def test_what_was_liquidated_comes_by_exchange(full, fetch):
    body = await fetch(full, "/liquidations", symbol="BTC", window="1h", limit="1")
    assert body["total_usd"] == 4e6
    assert {each["exchange"]: each["long_usd"] for each in body["exchanges"]} == {
        "binance": 0.0,
        "okx": 3e6,
        "bybit": 0.0,
    }
    assert [(each["exchange"], each["notional_usd"]) for each in body["largest"]] == [("okx", 3e6)]
    assert sum(step["short_usd"] for step in body["steps"]) == 1e6
    assert (await fetch(full, "/liquidations", window="1h", exchanges="bybit"))["total_usd"] == 1e6


async def test_without_reports_that_is_said(site, fetch):
    problem = await fetch(site, "/liquidations", status=404, symbol="BTC")
    assert "none were recorded" in problem["detail"]


async def test_symbols_exchanges_and_accuracy(full, fetch):
    body = await fetch(full, "/symbols")
    assert [(each["symbol"], each["zones"]) for each in body["symbols"]] == [("BTCUSDT", 4), ("ETHUSDT", 4)]
    body = await fetch(full, "/exchanges")
    assert [each["exchange"] for each in body["exchanges"]] == ["binance", "okx", "bybit"]
    assert body["exchanges"][2]["coverage"] == "full"
    body = await fetch(full, "/accuracy", symbol="BTC")
    assert body["own"] is False
    assert {"model", "baseline", "placebo"} <= {skill["role"] for skill in body["skills"]}


async def test_the_health_of_exchanges_is_worked_out_once_in_a_while(full, fetch):
    before = await fetch(full, "/exchanges/health")
    full.market.clock_ms += 60_000
    assert await fetch(full, "/exchanges/health") == before
    async with full.get("/exchanges/health") as answer:
        assert answer.headers["Cache-Control"] == "max-age=10"


async def test_what_only_the_one_who_runs_this_may_see(serve, token):
    from config.api_sections import ApiSettings

    site = await serve(host="0.0.0.0", panel_token=token, api=ApiSettings(metrics_token="m" * 20))  # noqa: S104
    for path in ("/metrics", "/ws/stats"):
        for given, status in (("", 401), ("Bearer wrong", 401), (f"Bearer {'m' * 20}", 200)):
            async with site.get(path, headers={"Authorization": given} if given else {}) as answer:
                assert answer.status == status
                assert (status == 200) == ("WWW-Authenticate" not in answer.headers)


async def test_metrics_name_what_was_done(full):
    for _ in range(2):
        async with full.get(HEATMAP, params={"symbol": "BTC", "interval": "4h"}) as answer:
            await answer.read()
    async with full.ws("/ws/heatmap") as socket:
        await socket.receive()
        async with full.get("/metrics") as answer:
            text = await answer.text()
            assert answer.content_type == "text/plain"
        async with full.get("/ws/stats") as answer:
            stats = await answer.json()
    assert stats["connections"] == 1
    assert stats["messages_sent"] >= 1
    for line in (
        'http_requests_total{route="/liquidations/heatmap-timeseries",status="200"} 2.0',
        'cache_hits_total{cache="answers"} 1.0',
        'cache_misses_total{cache="answers"} 1.0',
        'cache_hit_ratio{cache="answers"} 0.5',
        "ws_active_connections 1.0",
        'part_up{part="feed"} 1.0',
        'venue_up{venue="binance"} 1.0',
    ):
        assert line in text.splitlines()
    assert "event_loop_lag_seconds" in text
    assert "127.0.0.1" not in text
