from pathlib import Path

import pytest

from config.settings import describe, env_example, known_settings, load
from config.show import MASK

REPOSITORY = Path(__file__).parents[2]
SECRETS = ("PANEL_TOKEN", "STATE_URL", "SECRET_KEY", "DISCORD_TOKEN", "TELEGRAM_TOKEN")


def rows(tmp_path, environ):
    return {row.key: row for row in describe(load(environ=environ, directory=tmp_path))}


def test_every_setting_is_described_with_its_origin(tmp_path):
    shown = rows(tmp_path, {"LIQWATCH_PORT": "9000", "LIQWATCH_SPEED": "max"})
    assert len(shown) == len(known_settings())
    assert shown["LIQWATCH_PORT"][1:] == ("9000", "environment")
    assert shown["LIQWATCH_SPEED"].value == "max"
    assert shown["LIQWATCH_SYMBOLS"][1:] == ("BTCUSDT,ETHUSDT", "default")
    assert shown["LIQWATCH_REQUIRE_ALL"].value == "0"
    assert shown["LIQWATCH_REPLAY_START"].value == ""
    assert shown["calibration.reference"][1:] == ("2 entries", "shipped defaults")


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_masked(tmp_path, name):
    value = "hunter2hunter2hunter2hunter2hunter2"
    shown = rows(tmp_path, {f"LIQWATCH_{name}": value})
    assert shown[f"LIQWATCH_{name}"].value == MASK
    assert value not in str(shown)
    assert rows(tmp_path, {})[f"LIQWATCH_{name}"].value == ""


def test_the_example_file_is_in_step():
    assert (REPOSITORY / ".env.example").read_text() == env_example()


def test_the_example_file_works_when_uncommented(tmp_path):
    lines = [line.removeprefix("# ") for line in env_example().splitlines() if line.startswith("# LIQWATCH_")]
    wanted = [line for line in lines if not line.startswith("LIQWATCH_CONFIG_FILE=")]
    (tmp_path / ".env").write_text("\n".join(wanted))
    uncommented = load(environ={}, directory=tmp_path)
    assert uncommented.model_dump() == load(environ={}, directory=tmp_path / "nowhere").model_dump()
    assert uncommented.origin("web.port").startswith(str(tmp_path / ".env"))


def test_the_example_file_holds_no_secret():
    filled = [
        line
        for line in env_example().splitlines()
        if line.startswith(tuple(f"# LIQWATCH_{n}=" for n in SECRETS))
    ]
    assert len(filled) == len(SECRETS)
    assert all(line.endswith("=") for line in filled)


def test_names_are_distinct():
    names = [known.name for known in known_settings()]
    assert len(names) == len(set(names))
