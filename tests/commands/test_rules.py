"""`/alert add` and its like: what is shown is what is saved, once, by whom it was shown to."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.venue import Feed
from bot.commands.rule_read import understood
from bot.commands.spec import NearMiss
from config.settings import AlertSettings
from engine.errors import UserError
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Candles
from engine.rules.condition import kinds
from engine.rules.phrases import vocabulary
from engine.rules.stored import LEVEL, RULE
from storage.drafts import MAX_DRAFTS
from storage.rules import ZONE_PROXIMITY, Ended, end_rules, get_rule, list_rules
from storage.tables import Draft, Rule

LINE = "btc falls 3% in 15m"
FALLS = 14
"""How often price falls by five percent in the candles stored."""


@pytest.fixture
async def past(desk, store):
    """Thirty days of candles: once in two days price falls by 5 %, and comes back slowly."""
    count = 38 * DAY_MS // STEP_MS
    end = desk.market.at_ms // STEP_MS * STEP_MS
    ts = end - np.arange(count, 0, -1) * STEP_MS
    close = np.full(count, 100_000.0)
    for number in range(FALLS):
        at = count - 288 - number * 2 * 288
        close[at : at + 200] = 95_000 + np.linspace(0, 5_000, 200)
    nothing = np.full(count, np.nan)
    candles = Candles(
        ts=ts,
        open=np.concatenate([close[:1], close[:-1]]),
        high=close,
        low=close,
        close=close,
        volume=np.ones(count),
        quote_volume=nothing,
        taker_buy_volume=nothing,
        open_interest=nothing,
    )
    await store.add_candles("BTCUSDT", "binance", candles)
    await store.flush()


def labels(reply):
    return {b.label: b.action for row in reply.buttons for b in row}


async def mine(desk, owner="local:owner"):
    return await desk.state.read(lambda s: list_rules(s, owner))


async def test_shown_with_what_it_would_have_done_then_saved_once(desk, past):
    shown = await desk.ok(f"/alert add {LINE} severity=critical cooldown=2h note='to hedge'")
    assert shown.title == "Save this alert on BTC?"
    assert shown.text.startswith("When BTC falls 3 % within 15 minutes: sent as critical")
    assert f"Over the 30 days stored this would have fired {FALLS} times, on " in shown.text
    assert dict(shown.fields)["Again"] == "after 2 hours"
    assert dict(shown.fields)["Note"] == "to hedge"
    assert await mine(desk) == []
    saved = await desk.press(labels(shown)["Save"])
    assert saved.title == "Saved alert 1, BTC"
    assert saved.edits
    again = await desk.press(labels(shown)["Save"])
    assert again.title == "You have this already as alert 1"
    [rule] = await mine(desk)
    assert (rule.kind, rule.symbol, rule.note, rule.cooldown_s) == (RULE, "BTCUSDT", "to hedge", 7_200)
    assert rule.params["severity"] == "critical"
    assert dict(saved.fields)["Watches"] == "btc falls 3% in 15m severity=critical"


async def test_a_typed_confirmation_saves_what_was_shown_last(desk):
    assert (await desk.say("/alert save")).error == "There is no alert that waits to be saved."
    await desk.ok("/alert add btc above 120000")
    await desk.ok("/alert add btc below 60000")
    assert (await desk.ok("/alert save")).title == "Saved alert 1, BTC"
    [rule] = await mine(desk)
    assert rule.kind == LEVEL
    assert rule.params["value"] == 60_000


async def test_save_at_once_for_scripts(desk):
    reply = await desk.ok("/alert add btc below 60000 save=yes")
    assert reply.title == "Saved alert 1, BTC"
    assert "BTC is at $113,204, 47% away." in reply.text
    again = await desk.ok("/alert add btc below 60000 save=yes")
    assert again.title == "You have this already as alert 1"
    assert len(await mine(desk)) == 1
    above = await desk.ok("/alert add btc above 100000")
    assert "above it already: you are told once it has been back" in above.text


@pytest.mark.parametrize(
    "line",
    [
        "/alert add type=price_change symbol=btc by=3% window=15m direction=down",
        "/alert add price_change btc by=3% window=15m direction=down",
        "/alert add falls 3 % in 15m symbol=BTC-PERP",
        "/alert add when bitcoin falls 3% in 15 min",
        "/alert me when $btc falls 3% in 15m",
        "/alert add btc falls 3% in 15m severity warning cooldown 1h",
        "/alert add warning btc falls 3% in 15m always",
    ],
)
async def test_many_ways_to_say_the_same(desk, line):
    await desk.ok(f"/alert add {LINE} save=yes")
    assert (await desk.ok(line)).title == "You have this already as alert 1"


async def test_fields_one_by_one(desk):
    given = {"type": "price_change", "symbol": "btc", "by": "3%", "window": "15m", "direction": "down"}
    reply = await desk.commands.call(
        "alert add", given | {"save": "true", "severity": "info"}, replace_front()
    )
    assert reply.title == "Saved alert 1, BTC"
    told = await desk.commands.call(
        "alert add",
        {"type": "price_range_exit", "with": "low=60000 high=65000", "symbol": "btc"},
        replace_front(),
    )
    assert "leaves the range of 60,000 to 65,000" in told.text


def replace_front():
    """Return somebody on Discord."""
    from bot.commands.reply import Caller, Front
    from engine.model import UserId

    return Caller(user_id=UserId("discord:42"), front=Front.DISCORD, place="c1")


async def test_a_market_that_is_not_named_is_asked_for_or_taken_from_the_settings(desk):
    asked = await desk.ok("/alert add falls 3% in 15m severity=critical")
    assert asked.title == "On which market?"
    shown = await desk.press(labels(asked)["ETH"])
    assert shown.title == "Save this alert on ETH?"
    assert "critical" in shown.text
    await desk.ok("/settings set symbol=eth")
    assert (await desk.ok("/alert add falls 3% in 15m")).title == "Save this alert on ETH?"


async def test_what_is_not_understood_is_refused_with_what_comes_near(desk):
    reply = await desk.say("/alert add btc flals 3% in 15m")
    assert "not a condition I know" in reply.error
    assert reply.example == "/alert add btc falls 3% in 15m"
    assert not (await desk.say(reply.example)).failed
    reply = await desk.say("/alert add btc falls 300% in 15m")
    assert "out of range" in reply.error
    assert not (await desk.say(reply.example)).failed
    assert "twice" in (await desk.say(f"/alert add {LINE} severity=info severity=critical")).error
    reply = await desk.say("/alert add bct falls 3% in 15m")
    assert "Did you mean btc" in reply.error
    assert reply.example == "/alert add btc falls 3% in 15m"


async def test_what_could_never_become_true_here_is_said(desk):
    reply = await desk.say("/alert add btc funding above 0.05%")
    assert reply.error.startswith("This installation lacks funding, which funding_level needs")
    reply = await desk.say("/alert add btc falls 3% in 15m on kraken")
    assert reply.error == "BTC is not read from kraken here, but from binance."
    desk.market.feeds = frozenset(Feed)
    assert not (await desk.say("/alert add btc funding above 0.05%")).failed


async def test_a_zone_alone_is_what_watch_makes_others_are_rules(desk):
    await desk.ok("/alert add btc within 1% of long zone severity=critical save=yes")
    await desk.ok("/alert add btc within 1% of long zone severity=critical once save=yes")
    await desk.ok("/watch btc")
    assert [r.kind for r in await mine(desk)] == [ZONE_PROXIMITY, RULE, ZONE_PROXIMITY]
    listed = (await desk.ok("/alert list")).table.rows
    assert listed[0][2:4] == ("within 1% of a long zone", "critical")
    assert listed[1][2].startswith("near 1% long zone")
    await desk.ok("/unwatch btc")
    assert [r.kind for r in await mine(desk)] == [RULE]


async def test_a_storm_is_warned_about(desk, past):
    shown = await desk.ok("/alert add btc volume above 1.2x in 1h or btc moves 0.05% in 1m")
    assert "is a storm" in shown.text or "never have fired" in shown.text or "times" in shown.text
    loud = await desk.ok("/alert add btc rises 0.05% in 10m hysteresis=none")
    assert ("storm" in loud.text) == (loud.tone.value == "warn")


async def test_drafts_are_ones_own_few_and_end(desk, other):
    shown = await desk.ok(f"/alert add {LINE}")
    for label, action in labels(shown).items():
        told = await desk.press(action, other)
        assert told.error.startswith("That is not a draft of yours"), label
    assert await mine(desk, other.user_id) == []
    desk.wall[0] += 2 * HOUR_MS
    late = await desk.press(labels(shown)["Save"])
    assert "more than an hour old" in late.error
    assert late.example == f"/alert add {LINE}"
    for number in range(MAX_DRAFTS + 3):
        desk.wall[0] += 1
        await desk.ok(f"/alert add btc below {60_000 + number}")
    count = await desk.state.read(lambda s: s.query(Draft).count())
    assert count == MAX_DRAFTS
    assert await mine(desk) == []


async def test_cancel_and_change_before_saving(desk):
    shown = await desk.ok(f"/alert add {LINE} severity=info")
    asked = await desk.press(labels(shown)["Change"])
    assert f"/alert add {LINE} severity=info" in asked.text
    assert "Info" not in labels(asked)
    changed = await desk.press(labels(asked)["Critical"])
    assert "sent as critical" in changed.text
    assert "sent as info" not in changed.text
    back = await desk.press(labels(asked)["As it was"])
    assert "sent as an info" in back.text
    assert (await desk.press(labels(changed)["Cancel"])).title == "Nothing was saved"
    assert "not a draft" in (await desk.press(labels(changed)["Save"])).error
    assert await mine(desk) == []


async def test_editing_shows_again_and_keeps_the_number(desk):
    await desk.ok(f"/alert add {LINE} note=first save=yes")
    shown = await desk.ok("/alert edit 1 by=4% for=5m repeat=once expires=3d severity=critical")
    assert shown.title == "Change alert 1 to this?"
    assert "falls 4 % within 15 minutes" in shown.text
    assert "for 5 minutes without a break" in shown.text
    saved = await desk.press(labels(shown)["Save"])
    assert saved.title == "Changed alert 1, BTC"
    [rule] = await mine(desk)
    assert (rule.rule_id, rule.kind, rule.note) == (1, RULE, "first")
    whole = await desk.ok("/alert edit 1 btc rises 2% in 1h and btc makes 24h high save=yes")
    assert "rises 2 % within 1 hour and BTC" in whole.text
    assert "once, then never again" in whole.text
    calm = await desk.ok("/alert edit 1 for=none expires=none repeat=always note=none save=yes")
    assert "without a break" not in calm.text
    [rule] = await mine(desk)
    assert rule.note == ""
    assert "has 2 conditions" in (await desk.say("/alert edit 1 by=5%")).error
    for line in ("btc within 1% of long zone and btc falls 2% in 1h", "btc falls 4% within 15m", LINE):
        said = await desk.ok(f"/alert edit 1 {line} save=yes")
        assert said.text.startswith((await desk.say(f"/alert add {line}")).text.partition(":")[0])
    assert "is on BTC" in (await desk.say("/alert edit 1 eth falls 3% in 15m")).error


async def test_what_stands_beside_a_rule_is_changed_at_once(desk):
    await desk.ok(f"/alert add {LINE} save=yes")
    reply = await desk.ok('/alert edit 1 cooldown=4h note="mind the gap" paused=on')
    assert reply.title == "Changed alert 1, BTC"
    assert dict(reply.fields)["Alert"] == "1, paused"
    [rule] = await mine(desk)
    assert (rule.cooldown_s, rule.note, rule.paused) == (14_400, "mind the gap", True)
    assert (await desk.ok("/alert edit 1")).title == "What should be otherwise about alert 1?"
    assert (await desk.say("/alert edit 9 severity=info")).error == "You have no alert 9."


async def test_quiet_hours_may_hold_the_criticals_of_one_alert(desk):
    told = await desk.ok(f"/alert add {LINE} severity=critical quiet_critical=yes save=yes")
    assert dict(told.fields)["In quiet hours"] == "criticals wait as well"
    await desk.ok("/watch btc")
    await desk.ok("/alert edit 2 quiet_critical=yes")
    await desk.ok("/alert edit 1 by=4% save=yes")
    await desk.ok("/alert edit 2 within=0.5%,2% save=yes")
    await desk.ok("/watch btc min=5M")
    assert [rule.params["quiet_critical"] for rule in await mine(desk)] == [True, True]
    for number in (1, 2):
        changed = await desk.ok(f"/alert edit {number} quiet_critical=no")
        assert "In quiet hours" not in dict(changed.fields)
    assert not any(rule.params.get("quiet_critical") for rule in await mine(desk))


async def test_editing_a_watch(desk):
    await desk.ok("/watch btc")
    shown = await desk.ok("/alert edit 1 within=0.5%,2% min=5M side=long")
    await desk.press(labels(shown)["Save"])
    [rule] = await mine(desk)
    assert rule.params["within"] == {"critical": 0.005, "warning": 0.02}
    assert (rule.params["min_notional_usd"], rule.params["side"]) == (5e6, "long")
    assert "within=1%,3%" in (await desk.say("/alert edit 1 severity=info")).example
    await desk.ok("/alert edit 1 btc falls 3% in 15m save=yes")
    assert [r.kind for r in await mine(desk)] == [RULE]
    assert "has no within" in (await desk.say("/alert edit 1 within=2%")).error


async def test_the_same_is_told_and_there_is_a_most(desk, with_services):
    await desk.ok(f"/alert add {LINE} save=yes")
    shown = await desk.ok(f"/alert add {LINE}")
    assert shown.title == "You have this already as alert 1"
    few = with_services(defaults=AlertSettings(most_rules=1))
    desk.seconds[0] += 60
    reply = await few.dispatch("/alert add btc below 60000", desk_caller())
    assert reply.error == "You have 1 alerts, the most there can be."
    assert "1/1" in (await few.dispatch("/alert list", desk_caller())).title
    await desk.ok("/alert add btc below 60000 once save=yes")
    await desk.state.run(lambda s: end_rules(s, [2], Ended.FIRED_ONCE, desk.market.at_ms))
    for line in ("resume 2", "edit 2 note=anew", "edit 2 expires=3d save=yes", "edit 2 expires=3d"):
        desk.seconds[0] += 60
        reply = await few.dispatch(f"/alert {line}", desk_caller())
        assert reply.error == "You have 1 alerts, the most there can be.", line


def desk_caller():
    from bot.commands.reply import Caller, Front
    from engine.model import UserId

    return Caller(user_id=UserId("local:owner"), front=Front.PANEL)


async def test_every_kind_is_looked_after(desk):
    await desk.ok(f"/alert add {LINE} save=yes")
    await desk.ok("/alert add btc below 60000 save=yes")
    for line in (
        "/alert pause 1",
        "/alert resume 1",
        "/alert snooze 2 for=8h",
        "/alert show 2",
        "/alert test 1",
    ):
        await desk.ok(line)
    rows = (await desk.ok("/alert list")).table.rows
    assert rows[0] == ("1", "BTC", "falls 3% in 15m", "warning", "on", "here, in the app")
    assert rows[1][2:5] == ("below 60000", "warning", "snoozed until 11 Oct 04:35 UTC")
    await desk.ok("/alert remove 1 sure=yes")
    assert [r.rule_id for r in await mine(desk)] == [2]


async def test_what_has_ended_says_why_and_begins_anew(desk):
    await desk.ok(f"/alert add {LINE} once save=yes")
    await desk.ok("/alert add btc below 60000 expires=1h save=yes")
    now = desk.market.at_ms
    await desk.state.run(lambda s: end_rules(s, [1], Ended.FIRED_ONCE, now))
    await desk.state.run(lambda s: end_rules(s, [2], Ended.EXPIRED, now + HOUR_MS))
    desk.market.at_ms += 2 * HOUR_MS
    listed = await desk.ok("/alert list")
    assert listed.title == "Your alerts, 0/20"
    assert listed.table.rows[0][4] == "ended 20:35 UTC: it was to tell once, and has"
    assert "give it a new end" in (await desk.say("/alert resume 2")).error
    await desk.ok("/alert resume 1")
    assert (await desk.state.read(lambda s: get_rule(s, "local:owner", 1))).ended_ms is None
    await desk.ok("/alert edit 2 expires=3d save=yes")
    assert (await desk.state.read(lambda s: s.get(Rule, 2))).ended_ms is None


async def test_conditions_and_templates(desk):
    every = await desk.ok("/alert conditions")
    shown = [row[0] for row in every.table.rows]
    assert "/alert add btc falls 3% in 15m" in shown
    assert "Not here, for want of data: " in every.text
    for line in shown:
        assert not (await desk.say(line)).failed, line
    for kind in kinds():
        one = await desk.ok(f"/alert conditions {kind}")
        assert one.table.rows[-1][0] == "hysteresis"
    assert "Did you mean price_change" in (await desk.say("/alert conditions price_chnge")).error
    listed = await desk.ok("/alert templates")
    desk.market.feeds = frozenset(Feed)
    for row in listed.table.rows:
        name = row[0].split()[2]
        assert (await desk.ok(f"/alert template {name} btc")).title == "Save this alert on BTC?"
        assert (await desk.ok(f"{row[0]} symbol=eth")).title == "Save this alert on ETH?"
    told = await desk.ok("/alert template long-squeeze btc within=2% severity=critical")
    assert "within 2 %" in told.text
    bad = await desk.say("/alert template long-squeeze btc within=20%")
    assert "out of range" in bad.error
    assert not (await desk.say(bad.example)).failed
    assert "Did you mean long-squeeze" in (await desk.say("/alert template long-squeze btc")).error


async def test_a_code_carries_the_rule_alone(desk, other):
    await desk.ok(f"/alert add {LINE} note=secret expires=3d severity=critical to=here save=yes")
    shared = await desk.ok("/alert share 1")
    code = shared.text.split()[2]
    assert len(code) == 32
    assert (await desk.ok("/alert share 1")).text == shared.text, "the same rule has the same code"
    shown = await desk.ok(f"/alert import {code} eth", other)
    assert shown.title == "Save this alert on ETH?"
    assert "secret" not in repr(shown)
    assert "local:owner" not in repr(shown)
    await desk.press(labels(shown)["Save"], other)
    [copied] = await mine(desk, other.user_id)
    assert (copied.note, copied.symbol, copied.params["severity"]) == ("", "ETHUSDT", "critical")
    assert "expires_ms" not in copied.params
    await desk.ok("/alert remove 1 sure=yes")
    assert len(await mine(desk, other.user_id)) == 1
    assert not (await desk.say(f"/alert import {code} btc", other)).failed, "a code outlives its alert"
    for unknown in ("f" * 32, "1", "a" * 300):
        assert (await desk.say(f"/alert import {unknown} btc")).error == "There is no alert of that code."


async def test_completion_of_rules(desk, me):
    lines = desk.commands.complete("/alert add btc fal")
    assert "/alert add btc falls 3% in 15m" in lines
    assert "/alert add eth falls 3% in 15m" in desk.commands.complete("/alert add eth falls")
    values = await desk.commands.suggest("alert template", "name", "squeeze", me)
    assert {v.value for v in values} == {"long-squeeze", "short-squeeze"}
    assert "price_change" in {
        v.value for v in await desk.commands.suggest("alert conditions", "type", "price", me)
    }
    await desk.ok(f"/alert add {LINE} save=yes")
    [known] = await desk.commands.suggest("alert edit", "id", "1", me)
    assert known.label == "1 · BTCUSDT · falls 3% in 15m"


VERBS = ("add", "edit 1", "template", "template breakout", "import")
WORDS = [
    *sorted(vocabulary()),
    *(
        "btc",
        "eth",
        "and",
        "or",
        "(",
        ")",
        "3%",
        "15m",
        "60000",
        "5x",
        "10M",
        "for=5m",
        "once",
        "severity=info",
    ),
    *(
        "severity=",
        "note='x",
        "cooldown=2h",
        "cooldown=",
        "to=here",
        "to=moon",
        "expires=-1",
        "by=3%",
        "type=liq_single",
    ),
    *(
        "=",
        '"',
        "hysteresis=nan",
        "symbol=eth",
        "save=no",
        "window",
        "held",
        "on",
        "bybit",
        "\u202e",
        "𝟛%",
        ">=",
        "1e9",
    ),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verb=st.sampled_from(VERBS), said=st.lists(st.sampled_from(WORDS), max_size=14))
def test_no_line_breaks_the_parser(parser, verb, said):
    line = f"/alert {verb} {' '.join(said)}"
    better = ()
    try:
        call = parser.understand(line)
        if call.has("when"):
            understood(call.text("when"), f"/alert {verb}", 0)
    except NearMiss as error:
        better = error.lines
    except UserError as error:
        better = (error.example,)
    for one in better:
        parser.understand(one)


@pytest.mark.parametrize("seed", range(4))
async def test_every_refusal_leads_to_a_line_that_works(desk, seed):
    chance = random.Random(seed)
    await desk.ok(f"/alert add {LINE} save=yes")
    for _ in range(40):
        line = f"/alert {chance.choice(VERBS)} {' '.join(chance.choices(WORDS, k=chance.randrange(9)))}"
        reply = await desk.say(line)
        assert "on our side" not in reply.error, line
        assert "Traceback" not in reply.error, line
        told = [line]
        while reply.failed and len(told) < 4:
            told.append(reply.example)
            reply = await desk.say(reply.example)
        assert not reply.failed, told
