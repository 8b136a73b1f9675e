"""Every metric of the document exists, and counts what it says when that happens."""

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog

from bot.measures import Counts
from config.api_sections import ApiSettings

TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
(TABLE,) = re.findall(r"\| metric \| says \|\n\| --- \| --- \|\n((?:\|.*\n)+)", TEXT)
DOCUMENTED = {name for row in TABLE.splitlines() for name in re.findall(r"`([a-z0-9_]+)`", row.split("|")[1])}


def counts() -> Counts:
    """Return what the other parts count, over parts whose numbers are made up."""
    market = SimpleNamespace(
        columns_found=Counter(memory=3, store=1, made=2),
        symbols=("BTCUSDT",),
        refused_candles=4,
        now_ms=lambda: 10_000,
        view=lambda _: SimpleNamespace(price_ts=7_500),
    )
    alerting = SimpleNamespace(
        health=lambda: SimpleNamespace(watches={"BTCUSDT": 5}, unwritten_history=6, fault="")
    )
    worker = SimpleNamespace(
        health=lambda: SimpleNamespace(under_way={"discord": 7}, ended={"delivered": 8}, fault="no disk")
    )
    return Counts(market, alerting, worker)


async def read(site) -> dict[str, float]:
    """Return every sample of /metrics."""
    async with site.get("/metrics") as answer:
        assert answer.status == 200
        lines = [line for line in (await answer.text()).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def family(sample: str) -> str:
    return re.sub(r"(_bucket|_sum|_count)?$", "", sample.partition("{")[0], count=1)


async def test_what_is_documented_is_there_and_what_is_there_is_documented(serve):
    site = await serve(measures=counts())
    async with site.get("/symbols") as answer:
        await answer.read()
    found = {family(name) for name in await read(site)}
    found = {name for name in found if not name.startswith("process_") and not name.endswith("_created")}
    assert found == DOCUMENTED


async def test_other_parts_are_counted_as_they_say(serve):
    found = await read(await serve(measures=counts()))
    for name, value in {
        'columns_found_total{layer="memory"}': 3,
        'columns_found_total{layer="store"}': 1,
        'columns_found_total{layer="made"}': 2,
        'cache_hits_total{cache="columns"}': 3,
        'cache_misses_total{cache="columns"}': 3,
        'cache_hit_ratio{cache="columns"}': 0.5,
        "symbols": 1,
        "candles_refused_total": 4,
        'price_age_seconds{symbol="BTCUSDT"}': 2.5,
        'rules{symbol="BTCUSDT"}': 5,
        "alert_history_unwritten": 6,
        "alerting_well": 1,
        'deliveries_under_way{channel="discord"}': 7,
        'deliveries_total{state="delivered"}': 8,
        "delivery_well": 0,
    }.items():
        assert found[name] == value, name


async def test_requests_are_counted_timed_and_limited(serve):
    site = await serve(api=ApiSettings(rate_per_s=0.1, burst=2))
    for status in (200, 400, 429):
        path = "/symbols" if status != 400 else "/zones?symbol="
        async with site.get(path) as answer:
            assert answer.status == status
    found = await read(site)
    assert found['http_requests_total{route="/symbols",status="200"}'] == 1
    assert found['http_requests_total{route="/zones",status="400"}'] == 1
    assert found['http_requests_total{route="/symbols",status="429"}'] == 1
    assert found["http_requests_limited_total"] == 1
    assert found['http_request_duration_seconds_count{route="/symbols"}'] == 2
    assert found['http_request_duration_seconds_sum{route="/symbols"}'] > 0


async def test_parts_and_exchanges_are_told_one_by_one(serve, make_part):
    from bot.supervisor import PartState

    site = await serve()
    site.parts.append(make_part("broken", PartState.RESTARTING))
    found = await read(site)
    assert found['part_up{part="feed"}'] == 1
    assert found['part_up{part="broken"}'] == 0
    assert found['part_restarts_total{part="feed"}'] == 0
    assert found['venue_up{venue="binance"}'] == 1
    assert found["event_loop_lag_seconds"] >= 0


async def told(socket, *kinds: str) -> dict:
    async with asyncio.timeout(10):
        while True:
            message = await socket.receive()
            body = json.loads(message.data) if isinstance(message.data, str) else {"type": "binary"}
            if body["type"] in kinds:
                return body


async def test_the_stream_counts_who_came_what_was_said_and_what_was_sent(serve):
    site = await serve(ws={"update_interval_s": 0.02, "rate_per_s": 1000})
    before = await read(site)
    with structlog.testing.capture_logs() as lines:
        async with site.ws("/ws/heatmap") as socket:
            await socket.send_json({"type": "subscribe", "channels": ["market", "zones"], "symbols": ["BTC"]})
            for kind in ("subscribed", "market", "zones"):
                await told(socket, kind)
            site.market.tick("BTCUSDT", 112_100.0)
            await told(socket, "price")
            during = await read(site)
        async with asyncio.timeout(10):
            while site.server.stream.connections:
                await asyncio.sleep(0.01)
    after = await read(site)
    moved = {name: during[name] - before[name] for name in during if name.startswith("ws_")}
    assert moved["ws_active_connections"] == 1
    assert moved["ws_connections_total"] == 1
    assert moved["ws_messages_received_total"] == 1
    assert moved["ws_snapshots_sent_total"] == 2
    assert moved["ws_broadcasts_total"] >= 1
    assert moved["ws_broadcast_seconds_total"] > 0
    assert moved["ws_messages_sent_total"] >= 5  # hello, subscribed, two snapshots, a price
    assert moved["ws_bytes_sent_total"] > 500
    assert moved['ws_subscriptions{channel="market"}'] == 1
    assert moved['ws_subscriptions{channel="heatmap"}'] == 0
    assert after["ws_active_connections"] == 0
    assert after['ws_subscriptions{channel="market"}'] == 0
    assert after["ws_connections_total"] == during["ws_connections_total"]
    broadcasts = [line for line in lines if line["event"] == "stream.broadcast" and line["channel"]]
    assert broadcasts[-1].items() >= {"channel": "market:BTCUSDT", "clients": 1}.items()
    assert {"n", "bytes", "took_ms"} <= broadcasts[-1].keys()


@pytest.mark.parametrize(
    ("settings", "reason", "status"),
    [
        ({"enabled": False}, "off", 503),
        ({"max_connections": 1}, "full", 503),
        ({"max_per_address": 1}, "address", 429),
    ],
)
async def test_who_is_not_let_in_is_counted_by_the_reason(serve, settings, reason, status):
    site = await serve(ws=settings)
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    first = await site.ws("/ws/heatmap") if reason != "off" else None
    async with site.get("/ws/heatmap", headers=headers) as answer:
        assert answer.status == status
    found = await read(site)
    assert {
        name: value for name, value in found.items() if name.startswith("ws_connections_refused") and value
    } == {f'ws_connections_refused_total{{reason="{reason}"}}': 1}
    async with site.get("/ws/stats") as answer:
        assert (await answer.json())["refused"] == {reason: 1}
    if first is not None:
        await first.close()


async def test_slow_clients_are_counted_with_what_they_missed(serve):
    site = await serve()
    tally = site.server.stream.tally
    tally.slow, tally.dropped, tally.closed = 3, 40, 2
    found = await read(site)
    assert found["ws_slow_consumers_total"] == 3
    assert found["ws_messages_dropped_total"] == 40
    assert found["ws_slow_consumers_closed_total"] == 2
    async with site.get("/ws/stats") as answer:
        stats = await answer.json()
    assert (stats["slow_consumers"], stats["slow_consumers_closed"]) == (3, 2)
