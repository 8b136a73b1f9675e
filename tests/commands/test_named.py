"""Typed lines are put the way a front with options takes them."""

import pytest

from bot.commands.named import named
from bot.commands.parse import Parser
from bot.commands.registry import Registry
from bot.commands.reply import Front
from bot.commands.symbols import Markets

PARSER = Parser(
    registry=Registry(), markets=Markets(known=("BTCUSDT", "ETHUSDT"), aliases={}), front=Front.DISCORD
)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("/report add btc every=4h to=dm", "/report add symbol:btc every:4h to:dm"),
        ("/liquidations eth 24h min=100k", "/liquidations symbol:eth window:24h min:100k"),
        ("/alert edit 7 btc falls 4% in 15m", "/alert edit id:7 when:btc falls 4% in 15m"),
        ("/alert add btc falls 3% in 15m save=yes", "/alert add when:btc falls 3% in 15m save:True"),
        ('/alert edit 7 note="add to the hedge"', "/alert edit id:7 note:add to the hedge"),
        ("Or a dashboard: /dashboard on btc", "Or a dashboard: /dashboard on symbol:btc"),
        (
            "Change one with /settings set, for example /settings set tz=Europe/Berlin",
            "Change one with /settings set, for example /settings set tz:Europe/Berlin",
        ),
        ("One.\nNow: /heatmap btc 12h\nTwo.", "One.\nNow: /heatmap symbol:btc window:12h\nTwo."),
    ],
)
def test_a_line_is_told_with_its_options_by_name(typed, told):
    assert named(PARSER, typed) == told


@pytest.mark.parametrize(
    "prose",
    [
        "/cancel ends this.",
        "/help watch explains one command.",
        "/help watch explains one command",
        "Say /watch again to change one you have.",
        "I do not know “/hlep”. Did you mean /help?",
        "/heatmap nosuchcoin",
        "Also: /hm, /map and /chart",
        "https://example.org/heatmap btc",
        "1/2 and 3 / 4",
    ],
)
def test_prose_and_what_does_not_work_stay_as_they_are(prose):
    assert named(PARSER, prose) == prose
