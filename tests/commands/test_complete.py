"""While somebody types, what could follow is offered, and never fails."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.reply import Front


def test_commands(desk):
    assert desk.commands.complete("/he")[:2] == ["/help ", "/heatmap "]
    assert "/alert snooze " in desk.commands.complete("/alert s")
    assert "/watch " in desk.commands.complete("/wacth")
    assert len(desk.commands.complete("")) == 25
    assert "/replay pause" in desk.commands.complete("/replay")
    assert not [c for c in desk.commands.complete("/replay", front=Front.DISCORD) if "replay" in c]


def test_values_by_parameter(desk):
    assert desk.commands.complete("/heatmap b")[0] == "/heatmap btc"
    assert desk.commands.complete("/heatmap etg")[0] == "/heatmap eth"
    assert desk.commands.complete("/heatmap btc 2") == ["/heatmap btc 24h"]
    assert "/heatmap btc layout=" in desk.commands.complete("/heatmap btc ")
    assert desk.commands.complete("/heatmap btc layout=p") == ["/heatmap btc layout=portrait"]
    assert desk.commands.complete("/settings set tz=berl")[0] == "/settings set tz=Europe/Berlin"
    assert "/settings set quiet=off" in desk.commands.complete("/settings set quiet=o")
    assert "/help watch" in desk.commands.complete("/help wa")


def test_only_what_stands_before_the_cursor_counts(desk):
    assert desk.commands.complete("/heatmap b and more", 10)[0] == "/heatmap btc"


def test_the_panel_gets_labels(desk):
    first = desk.commands.completions("/hea")[0]
    assert first.line == "/heatmap "
    assert first.label.startswith("/heatmap [symbol]")
    assert first.about


async def test_values_for_one_option(desk, me, other):
    symbols = await desk.commands.suggest("heatmap", "symbol", "", me)
    assert [c.value for c in symbols] == ["btc", "eth", "sol", "pepe"]
    zones = await desk.commands.suggest("settings set", "tz", "new y", me)
    assert zones[0].value == "America/New_York"
    assert len(await desk.commands.suggest("settings set", "tz", "a", me)) <= 25
    await desk.ok("/watch btc")
    mine = await desk.commands.suggest("alert pause", "id", "", me)
    assert (mine[0].value, mine[0].label) == ("1", "1 · BTCUSDT · within 1%, 3%, 5% of a zone")
    assert "1" not in [c.value for c in await desk.commands.suggest("alert pause", "id", "", other)]
    assert await desk.commands.suggest("nope", "id", "", me) == []
    assert await desk.commands.suggest("alert pause", "nope", "", me) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), cursor=st.none() | st.integers(-5, 80))
async def test_nothing_typed_makes_it_fail(desk, me, text, cursor):
    for line in (text, f"/heatmap {text}", f"/settings set {text}"):
        assert len(desk.commands.complete(line, cursor)) <= 25
    assert len(await desk.commands.suggest("settings set", "tz", text, me)) <= 25
