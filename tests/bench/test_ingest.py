"""Frames that ingest is timed with are events of their own, and all of them arrive."""

import asyncio
import json
import subprocess
import sys

import pytest

from bench import ingest, ingest_latency, ingest_other
from bench.ingest_frames import venues
from engine.model import Liquidation, OpenInterest, Tick

KNOWN = {venue.name: venue for venue in venues()}


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_repeated_frame_holds_an_event_of_its_own(name):
    venue = KNOWN[name]
    for recorded, kind in ((venue.trades, Tick), (venue.liquidations, Liquidation)):
        assert recorded
        parsed = [venue.read(frame) for frame in venue.repeated(recorded, 50)]
        assert not any(each.dropped for each in parsed)
        events = [event for each in parsed for event in each.events if type(event) is not OpenInterest]
        assert len({(e.ts, e.price) for e in events if type(e) is kind}) == 50


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_what_is_timed_on_its_way_to_disk_arrives_there(name):
    assert asyncio.run(ingest._stored_per_s(KNOWN[name], 300)) > 0
    assert ingest._parsed_per_s(KNOWN[name], 300) > 0


async def test_prices_reach_every_rule_soon():
    found = await ingest_latency.evaluated(rate=200, seconds=1.0, rules=5)
    assert found.share > 0.95
    assert 0 < found.median_ms <= found.p99_ms < 1_000


def test_without_cryptofeed_its_figures_are_empty_with_the_reason(monkeypatch):
    monkeypatch.delenv(ingest_other.SETTING, raising=False)
    figures, why = ingest_other.compared(tuple(KNOWN.values()), 10)
    assert set(figures.values()) == {None}
    assert ingest_other.SETTING in why
    monkeypatch.setenv(ingest_other.SETTING, "/nowhere/python")
    assert "FileNotFoundError" in ingest_other.compared(tuple(KNOWN.values()), 10)[1]


def test_another_parser_is_timed_on_the_same_frames(monkeypatch):
    given = []

    def run(command, **how):
        given.append(json.loads(how["input"]))
        said = json.dumps({"binance": 10.0, "bybit": 20.0, "okx": 30.0})
        return subprocess.CompletedProcess(command, 0, stdout=f"noise\n{said}\n")

    monkeypatch.setenv(ingest_other.SETTING, sys.executable)
    monkeypatch.setattr(subprocess, "run", run)
    figures, why = ingest_other.compared(tuple(KNOWN.values()), 20)
    assert why == ""
    assert figures["cryptofeed_okx_parsed_per_s"] == 30.0
    assert figures["cryptofeed_okx_frames_here_per_s"] > 0
    assert {name: len(frames) for name, frames in given[0].items()} == {"binance": 20, "bybit": 10, "okx": 10}
