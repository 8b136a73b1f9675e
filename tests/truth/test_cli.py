"""Test import, accuracy and calibrate as somebody types them, on planted liquidations."""

import errno
import gzip
import json
import re

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from bot.lock import DirectoryLock
from bot.truth import cli
from bot.truth import files as files_
from engine.errors import DataError
from engine.model import HOUR_MS
from engine.scoring.report import Report


def counted(tmp_path):
    tables = ("imported_candles", "imported_liquidations", "imported_liquidation_events")
    with duckdb.connect(str(tmp_path / "data" / "replay" / "market.duckdb")) as base:
        return [len(base.table(name).fetchall()) for name in tables]


def test_the_planted_answer_is_found_shown_exported_and_drawn(imported, tmp_path, planted):
    out, picture = tmp_path / "out.parquet", tmp_path / "report.png"
    code, printed, _ = imported("accuracy", "btc", "--json", "--export", out, "--picture", picture)
    assert code == 0
    report = Report.from_dict(json.loads(printed))
    walk = {s.name: s for s in report.skills if s.kind.value == "walk-forward"}
    assert max(walk.values(), key=lambda s: s.explained).name == "flow"
    assert report.works("flow")
    assert walk["flow"].usd_ratio == pytest.approx((1.0, 1.0), abs=0.05)
    assert min(walk["flow"].spearman) > 0.8
    assert picture.read_bytes().startswith(b"\x89PNG")
    table = pq.read_table(out)
    assert set(table.column_names) == {"long", "short", "long_frozen", "short_frozen", "ts"}
    hour, _ = planted
    assert np.array_equal(table["ts"].cast("int64").to_numpy() // (HOUR_MS * 1000), hour)
    assert str(table.schema.field("ts").type) == "timestamp[us, tz=UTC]"
    assert json.loads(table.schema.metadata[b"pandas"])["index_columns"] == ["ts"]


def test_the_same_seed_prints_the_same(imported):
    first, second = (imported("accuracy", "btc", "--json")[1] for _ in range(2))
    assert first == second


def test_the_terminal_is_told_everything(imported):
    code, printed, _ = imported("accuracy", "btc")
    assert code == 0
    for part in ("price only", "distance only", "fixed 1/L", "days shuffled 3", "another hour", "flow works"):
        assert part in printed
    assert "not where price goes" in printed


def test_importing_again_changes_nothing(imported, files, tmp_path):
    before = counted(tmp_path)
    code, printed, _ = imported("import", "binance", "btc", files / "candles.csv")
    assert code == 0
    assert "candles of 5 minutes" in printed
    assert counted(tmp_path) == before


def test_nothing_is_half_imported(run, files, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("ts,long_usd,short_usd\n1760054400000,1,x\n")
    code, _, complaint = run("import", "binance", "btc", files / "candles.csv", bad)
    assert code == 1
    assert f"{bad}: row 1 (line 2), column short_usd: 'x' is not a number" in complaint
    assert counted(tmp_path) == [0, 0, 0]


CANDLE = "1760054400000,1,2,1,2,5"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "ts;open;high;low;close;volume\n1760054400000;1,5;2,5;1,5;2,5;5\n",
            "separated by semicolons. Save it",
        ),
        ("ts;long_usd;short_usd\n1760054400000;1;2\n", "with a point in decimals"),
        ("ts\tlong_usd\tshort_usd\n1760054400000\t1\t2\n", "separated by tabs. Save it"),
        (f"{CANDLE}\n{CANDLE}\n", "the first line holds values. Begin the file with a line of names"),
        ("1760054400000,7,8\n", "; ts,long_usd,short_usd for liquidations in sums; or ts,open_interest"),
        ("2025-10-10T00:00,long,100,2\n", "ts,side,price,quantity for single liquidations"),
        (f"ts,open,high,low,close,volume\n{CANDLE}\n", "a single candle does not say how long it is"),
        ("time,long_usd,short_usd\n1760054400000,1,2\n", "the header has no column ts"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_begins_wrong_is_told_what_to_do(run, tmp_path, text, why, packed):
    path = tmp_path / ("it.csv.gz" if packed else "it.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    code, _, complaint = run("import", "okx", "btc", path)
    assert code == 1
    assert complaint.startswith(f"{path}: ")
    assert why in complaint
    assert "neighbour" not in complaint
    assert "twice" not in complaint
    assert counted(tmp_path) == [0, 0, 0]


def test_a_file_that_is_no_csv_is_told_what_the_reader_found(run, tmp_path):
    for name in ("it.parquet", "it.csv.gz"):
        (tmp_path / name).write_bytes(b"1;2;3\n")
        assert f"{tmp_path / name}: cannot be read" in run("import", "okx", "btc", tmp_path / name)[2]


def test_two_alike_at_once_are_two_and_stay_two(run, tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("ts,side,price,quantity\n" + "1760054400001,long,100,2\n" * 2)
    for _ in range(2):
        assert run("import", "okx", "btc", path)[0] == 0
    assert counted(tmp_path) == [0, 0, 2]


def test_calibrating_keeps_the_default_where_it_made_the_reports(imported):
    code, printed, _ = imported("calibrate", "btc", "--json")
    (found,) = json.loads(printed)
    assert (code, found["model"]) == (0, "flow")
    assert found["factor"] == pytest.approx([1.0, 1.0], abs=0.3)
    assert found["shape"]["accepted"] is False
    assert "refused: the default stays" in imported("calibrate", "btc")[1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("accuracy", "btc"), "no 14 days of candles of BTCUSDT"),
        (("accuracy", "?"), "not a symbol"),
        (("accuracy", "btc", "--from", "soon"), "not a time"),
        (("import", "a b", "btc", "x.csv"), "not the name of a venue"),
        (("import", "okx", "btc", "nowhere.csv"), "no such file"),
    ],
)
def test_what_cannot_be_done_is_said(run, words, why):
    code, _, complaint = run(*words)
    assert code in (1, 2)
    assert why in complaint


def test_models_and_reports_that_are_not_there(imported):
    assert "there are: flow" in imported("accuracy", "btc", "--model", "magic")[2]
    assert "of okx" in imported("accuracy", "btc", "--venues", "okx")[2]


@pytest.mark.parametrize("command", ["accuracy", "calibrate"])
@pytest.mark.parametrize("named", ["kraken", "all,kraken"])
@pytest.mark.usefixtures("never_measured")
def test_whose_reports_there_are_is_said_where_others_are_asked_for(imported, command, named):
    code, _, complaint = imported(command, "btc", "--reported-by", named)
    assert code == 1
    assert "No liquidations of BTCUSDT reported by kraken are known; there are those of all:" in complaint
    assert "liqwatch import kraken BTCUSDT FILE" in complaint


@pytest.mark.usefixtures("never_measured")
def test_without_any_reports_it_is_said_how_to_bring_some(run, files):
    assert run("import", "binance", "btc", files / "candles.csv")[0] == 0
    complaint = run("accuracy", "btc")[2]
    assert "No reported liquidations of BTCUSDT are known. Bring some: liqwatch import VENUE" in complaint


@pytest.mark.parametrize(
    ("words", "example"),
    [
        (("accuracy", "btc"), "liqwatch accuracy BTCUSDT --model flow"),
        (("calibrate", "btc"), "liqwatch calibrate BTCUSDT --model flow"),
        (("precompute", "btc"), "liqwatch precompute BTCUSDT --model leverage"),
    ],
)
def test_the_example_is_of_the_command_that_was_typed(run, words, example):
    code, _, complaint = run(*words, "--model", "nope")
    assert code == 2
    assert "There is no model 'nope'" in complaint
    assert complaint.endswith(f"For example: {example}\n")


@pytest.fixture
def never_measured(monkeypatch):
    """Let the test fail where anything is measured at all."""

    def refuse(*_):
        raise AssertionError("measured before what was asked for was looked at")

    monkeypatch.setattr(cli, "measure", refuse)
    monkeypatch.setattr(cli, "calibrate_symbol", refuse)


@pytest.mark.parametrize("command", ["accuracy", "calibrate"])
@pytest.mark.usefixtures("never_measured")
def test_a_seed_below_zero_is_refused_at_once(imported, command):
    code, _, complaint = imported(command, "btc", "--seed", "-1")
    assert code == 2
    assert "--seed -1 is below 0" in complaint
    assert f"liqwatch {command} BTCUSDT --seed 1" in complaint


@pytest.mark.parametrize(
    ("flag", "name", "why"),
    [
        ("--export", "no/x.parquet", "no does not exist. Make it"),
        ("--export", "x.csv", "would hold Parquet: end its name in .parquet"),
        ("--export", "folder.parquet", "it is a directory"),
        ("--export", "file/x.parquet", "file is not a directory"),
        ("--picture", "no/x.png", "no does not exist. Make it"),
        ("--picture", "x.jpg", "would hold PNG: end its name in .png"),
    ],
)
@pytest.mark.usefixtures("never_measured")
def test_files_that_cannot_be_written_are_refused_before_anything_is_measured(
    imported, tmp_path, flag, name, why
):
    (tmp_path / "folder.parquet").mkdir()
    (tmp_path / "file").touch()
    code, printed, complaint = imported("accuracy", "btc", flag, tmp_path / name)
    assert (code, printed) == (2, "")
    assert why in complaint
    assert f"liqwatch accuracy BTCUSDT {flag}" in complaint
    assert ".new" not in complaint


def half_written(path):
    with files_.whole(path) as made:
        made.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "full", str(made))


def test_a_file_that_fails_while_it_is_written_is_named_and_not_left_behind(tmp_path):
    path = tmp_path / "x.png"
    told = re.escape(f"{path} cannot be written: No space left")
    with pytest.raises(DataError, match=told):
        half_written(path)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_served_is_left_alone(run, files, tmp_path):
    lock = DirectoryLock(tmp_path / "data" / "replay")
    lock.acquire()
    code, _, complaint = run("import", "binance", "btc", files / "candles.csv")
    lock.release()
    assert code == 1
    assert "already serves" in complaint


def test_models_of_ones_own_are_measured_like_the_shipped(imported, tmp_path, monkeypatch):
    own = tmp_path / "models.toml"
    own.write_text('[models.near]\nbase = "flow"\ntake_profit = "never"\n')
    monkeypatch.setenv("LIQWATCH_MODELS_FILE", str(own))
    code, printed, _ = imported("accuracy", "btc", "--model", "flow", "--model", "near", "--json")
    assert code == 0
    report = Report.from_dict(json.loads(printed))
    assert report.models == ("flow", "near")
    assert report.skill("near").explained < report.skill("flow").explained
    assert "there are: flow, leverage, simple, near" in imported("accuracy", "btc", "--model", "magic")[2]
