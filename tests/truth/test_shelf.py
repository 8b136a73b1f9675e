"""Test which report speaks for a symbol, and in which words."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bot.truth import develop, words
from bot.truth.gather import Wish, _names, gather, hourly
from bot.truth.picture import alt_text, draw_report
from bot.truth.place import directory_of, opened
from bot.truth.shelf import SHIPPED, Shelf, Shown, load_shelf, shipped
from config.settings import load
from engine.errors import DataError
from engine.model import HOUR_MS
from engine.scoring.measures import Interval
from storage.truth import Liquidations


def test_the_shipped_result_is_labelled_and_its_line_says_so():
    shelf = Shelf()
    shown = shelf.of("ETHUSDT")
    assert (shown.own, shown.report.symbol) == (False, "BTCUSDT")
    assert "Development result" in shown.label
    assert shelf.line("BTCUSDT", "flow").endswith("(development)")
    assert shelf.line("BTCUSDT", "unheard") == ""
    body = json.dumps(shown.report.to_dict())
    assert len(body) < 40_000, "aggregate scores only"


def test_an_own_result_comes_first(report):
    shelf = Shelf(own={"BTCUSDT": Shown(report=report, made_ms=1, own=True)})
    assert "this installation" in shelf.of("BTCUSDT").label
    assert shelf.line("BTCUSDT", "flow").endswith("(own data)")
    assert not shelf.of("ETHUSDT").own


async def test_the_newest_readable_report_is_loaded(settings, report):
    older = replace(report, seed=99)
    async with opened(settings) as store:
        await store.add_report("BTCUSDT", 1, older.to_dict())
        await store.add_report("BTCUSDT", 2, report.to_dict())
        await store.add_report("ETHUSDT", 3, {"format": 0})
        await store.add_calibration("BTCUSDT", "flow", 5, {"factor": [1, 2]})
        shelf = await load_shelf(store)
        assert await store.calibration("BTCUSDT", "flow") == (5, {"factor": [1, 2]})
        assert await store.calibration("BTCUSDT", "other") is None
    assert set(shelf.own) == {"BTCUSDT"}
    assert shelf.of("BTCUSDT").report.seed == report.seed


def test_the_picture_is_drawn_and_told(report):
    assert draw_report(report).startswith(b"\x89PNG")
    assert draw_report(replace(report, zones=())).startswith(b"\x89PNG")
    assert "Explained: flow" in alt_text(report)


def test_verdicts_follow_the_rule(report):
    assert words.verdict(report, "flow").startswith("flow works")
    assert report.to_dict()["works"] == {"flow": True}
    assert words.verdict(report, "none") == "none was not measured."
    assert words.zone_verdict(replace(report, zones=()), 1) == "Zones were not measured."
    small = Interval(value=0.009, low=0.005, high=0.013)
    thin = tuple(replace(s, over_distance=small) if s.name == "flow" else s for s in report.skills)
    assert "small and not settled" in words.verdict(replace(report, skills=thin), "flow")
    assert replace(report, skills=thin).to_dict()["works"] == {"flow": False}
    above = Interval(value=0.1, low=0.05, high=0.2)
    fooled = tuple(replace(s, over_distance=above) if s.role.value == "placebo" else s for s in report.skills)
    assert "so does a placebo" in words.verdict(replace(report, skills=fooled), "flow")
    unsure = Interval(value=0.1, low=-0.05, high=0.2)
    weak = tuple(replace(s, over_distance=unsure) if s.name == "flow" else s for s in report.skills)
    assert "not shown to work: what it adds" in words.verdict(replace(report, skills=weak), "flow")


def test_what_ships_claims_no_more_than_was_measured():
    found = shipped().report
    assert found.adds("flow")
    assert not found.works("flow")
    printed = json.loads(json.dumps(found.to_dict()))
    assert (printed["works"]["flow"], printed["adds"]["flow"]) == (False, True)
    assert "settled" not in printed
    kept = json.loads(SHIPPED.read_text())["report"]
    assert (kept["works"], kept["adds"]) == (printed["works"], printed["adds"])
    assert "works" not in words.verdict(found, "flow")
    assert "small and not settled" in words.verdict(found, "flow")
    line = words.line(found, "flow", own=False)
    assert line == "explains 87% bar by bar, 76% standing still, price alone 83% (development)"


def test_figures_that_are_not_known_are_dashes():
    assert words.percent(float("nan")) == "–"
    assert words.pair((float("nan"), 0.5)) == "–/0.500"
    assert words.interval(Interval(value=float("nan"), low=0.0, high=0.0)) == "–"
    assert words.interval(None) == ""


def test_an_hour_counts_where_all_of_it_is_known():
    ts = np.array([0, 1_800_000, 3_600_000]) + 10 * HOUR_MS
    half = Liquidations(venue="a", step_ms=1_800_000, ts=ts, usd=np.ones((3, 2)))
    hours, usd = hourly(half)
    assert hours.tolist() == [10]
    assert usd.tolist() == [[2.0, 2.0]]


def test_sums_over_venues_are_not_counted_twice():
    assert _names(("all", "okx"), ()) == ("all",)
    assert _names(("okx", "bybit"), ()) == ("bybit", "okx")
    assert _names(("okx", "bybit"), ("okx", "gone")) == ("okx",)


async def test_reports_without_candles_are_not_enough(settings):
    async with opened(settings) as store:
        with pytest.raises(DataError, match="liqwatch import"):
            await gather(store, Wish(symbol="BTCUSDT"), settings)


def test_the_directory_is_that_of_the_source(tmp_path):
    def found(**more):
        return directory_of(load({"storage.data_dir": tmp_path, **more})).name

    assert found(**{"source.kind": "live"}) == "live"
    assert found(**{"source.kind": "auto"}) == "replay"
    (tmp_path / "live").mkdir()
    assert found(**{"source.kind": "auto"}) == "live"


def test_the_shipped_result_is_made_from_a_report(report, tmp_path, monkeypatch):
    monkeypatch.setattr(develop, "SHIPPED", tmp_path / "development.json")
    (tmp_path / "report.json").write_text(json.dumps(report.to_dict()))
    develop.main(tmp_path / "report.json")
    made = json.loads((tmp_path / "development.json").read_text())
    assert made["report"]["symbol"] == "BTCUSDT"
    assert shipped().report.hours == 2327


def test_a_shelf_shows_what_is_put_on_it_later(report):
    shelf = Shelf()
    assert shelf.line("BTCUSDT", "flow").endswith("(development)")
    shelf.put("BTCUSDT", report, made_ms=5)
    assert shelf.line("BTCUSDT", "flow").endswith("(own data)")
    assert (shelf.of("BTCUSDT").own, shelf.of("BTCUSDT").made_ms) == (True, 5)
    assert shelf.line("ETHUSDT", "flow").endswith("(development)")


def test_models_that_an_own_report_leaves_out_are_spoken_for_by_the_shipped_one(report):
    shelf = Shelf(own={"BTCUSDT": Shown(report=report, made_ms=1, own=True)})
    shipped_line = "explains 77% bar by bar, 68% standing still, price alone 83% (development)"
    assert shelf.line("BTCUSDT", "leverage") == shipped_line
    assert shelf.line("BTCUSDT", "leverage 10/20/30/25/15") == "", "other weights were not measured"
    assert shelf.line("BTCUSDT", "simple").startswith("explains 74%")


def test_what_ships_says_of_open_interest_that_it_is_not_shown_to_work():
    found = shipped().report
    assert found.models == ("flow", "leverage", "simple")
    assert found.standing == ("leverage", "simple")
    assert words.others(found) == "leverage and simple are not shown to work."
    assert "so does a placebo" in words.verdict(found, "leverage")
    assert draw_report(found).startswith(b"\x89PNG")


def test_other_models_are_listed_and_judged_beside_the_first(report):
    assert words.others(report) == ""
    names = [skill.name for skill in words.summary_skills(shipped().report, "flow")]
    assert names[:5] == ["flow", "price only", "distance only", "leverage", "simple"]
    two = replace(report, models=("price only", "flow"))
    assert words.others(two) == words.verdict(report, "flow")
    assert words.others(replace(report, models=("flow", "gone"))) == "gone is not shown to work."


def test_dollars_of_what_stands_are_marked(report):
    skill = replace(report.skill("flow"), usd_ratio=(4.5, 6.25))
    assert words.row(skill)[-1] == "4.50/6.25"
    assert words.row(skill, stands=True)[-1] == "4.50/6.25 standing"
