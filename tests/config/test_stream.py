"""The stream's settings have the names that its page gives them, and bounds."""

import re
from pathlib import Path

import pytest

from config.settings import known_settings, load
from engine.errors import ConfigError

PAGE = (Path(__file__).parents[2] / "docs" / "websocket.md").read_text()


def test_every_setting_is_on_the_page_with_its_default():
    rows = dict(re.findall(r"^\| `(LIQWATCH_WS_\w+)` \| ([\d.]+) \|", PAGE, re.MULTILINE))
    known = {each.env: each.default for each in known_settings() if each.path.startswith("ws.")}
    assert {name: float(value) for name, value in rows.items()} == {
        name: float(value) for name, value in known.items()
    }


def test_they_are_read_from_the_environment(tmp_path):
    given = {
        "LIQWATCH_WS_ENABLED": "false",
        "LIQWATCH_WS_UPDATE_INTERVAL": "0.5",
        "LIQWATCH_WS_MAX_CONNECTIONS": "7",
    }
    ws = load(environ=given, directory=tmp_path).ws
    assert (ws.enabled, ws.update_interval_s, ws.max_connections) == (False, 0.5, 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [("UPDATE_INTERVAL", "0"), ("MAX_CONNECTIONS", "0"), ("MAX_FRAME_BYTES", "10"), ("BUFFER_KB", "much")],
)
def test_what_cannot_be_is_refused_by_name(tmp_path, name, value):
    with pytest.raises(ConfigError) as refused:
        load(environ={f"LIQWATCH_WS_{name}": value}, directory=tmp_path)
    assert f"LIQWATCH_WS_{name}" in str(refused.value)
