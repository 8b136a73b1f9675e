"""The HTTP API of a whole process: real heatmaps, real counts of every part, nothing of its user."""

import json

import aiohttp
import pytest

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

HEATMAP = "/liquidations/heatmap-timeseries?symbol=BTC&interval=1h&window=3d"


async def test_the_api_answers_and_counts(launch):
    process = await launch()
    panel = await process.panel()
    assert not (await panel.say("/watch btc"))["error"]
    async with aiohttp.ClientSession(panel.base, timeout=aiohttp.ClientTimeout(total=30)) as client:

        async def text(path):
            async with client.get(path) as answer:
                assert answer.status == 200, path
                return await answer.text()

        body = json.loads(await text(HEATMAP))
        assert max(map(max, body["long_usd"])) > 0
        assert [part["exchange"] for part in body["exchanges"]] == ["binance"]
        assert json.loads(await text("/zones?symbol=BTC"))["zones"]
        weeks = "start=2025-10-05T00:00Z&end=2025-10-07T00:00Z"
        assert json.loads(await text(f"/liquidations/heatmap-timeseries?symbol=ETH&interval=4h&{weeks}"))
        metrics = await text("/metrics")
        for line in (
            'rules{symbol="BTCUSDT"} 1.0',
            'columns_found_total{layer="made"} 1.0',
            'cache_misses_total{cache="answers"} 2.0',
            'part_up{part="delivery"} 1.0',
            "alerting_well 1.0",
            "delivery_well 1.0",
            'venue_up{venue="binance"} 1.0',
        ):
            assert line in metrics.splitlines(), line
        everything = [metrics]
        for path in ("/symbols", "/exchanges", "/exchanges/health", "/readyz", "/ws/stats", "/openapi.json"):
            everything.append(await text(path))
    owner = panel.hello["user"]
    assert owner
    assert not [said for said in everything if owner in said]
    assert await process.terminate() == 0
