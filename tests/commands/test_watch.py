"""`/watch` sets one alert a market and repeats in full what was understood; `/unwatch` takes it away."""

import asyncio
from dataclasses import replace

import pytest

from bot.commands.reply import Front, Tone
from engine.model import HOUR_MS, Severity, Side
from storage.rules import MAX_RULES, NewRule, add_rule, list_rules, to_watch, watch_params


async def watches(desk, owner="local:owner"):
    return [to_watch(rule) for rule in await desk.state.read(lambda s: list_rules(s, owner))]


async def test_the_defaults_in_one_step_and_in_full_words(desk):
    reply = await desk.ok("/watch btc")
    assert reply.title == "Watching BTC"
    assert reply.tone is Tone.GOOD
    told = dict(reply.fields)
    assert told["Alert"] == "1, on"
    assert told["Tells you"] == "critical within 1%, warning within 3%, info within 5%"
    assert told["Smallest zone"] == "auto: $20,000,000 now, the largest 5% of the last 21 days"
    assert told["Sides"] == "longs below the price and shorts above it"
    assert told["Same zone again"] == "after 1 hour"
    assert told["Goes to"] == "here, in the app"
    assert told["Used"] == "1/20 alerts, at most 50 messages a day"
    assert "Nearest now: $38M of shorts at $114,200, 0.70% above." in reply.text
    assert [b.label for row in reply.buttons for b in row] == [
        "Test",
        "Snooze 1 h",
        "Pause",
        "Edit",
        "Remove",
        "All alerts",
    ]
    [watch] = await watches(desk)
    assert watch.within == ((Severity.CRITICAL, 0.01), (Severity.WARNING, 0.03), (Severity.INFO, 0.05))
    assert watch.min_notional_usd is None
    assert desk.alerting.health().watches == {"BTCUSDT": 1}


async def test_what_is_given_is_kept_and_repeated_in_full(desk):
    reply = await desk.ok("/watch btc within=0.5%,2% min=50M side=long cooldown=90m")
    told = dict(reply.fields)
    assert told["Tells you"] == "critical within 0.5%, warning within 2%"
    assert told["Smallest zone"] == "$50,000,000"
    assert told["Sides"] == "longs, below the price"
    assert told["Same zone again"] == "after 1 hour 30 minutes"
    [watch] = await watches(desk)
    assert (watch.min_notional_usd, watch.side, watch.cooldown_s) == (50e6, Side.LONG, 5_400)


async def test_one_distance_is_a_warning(desk):
    told = dict((await desk.ok("/watch btc 2%")).fields)
    assert told["Tells you"] == "warning within 2%"


async def test_a_second_watch_changes_the_first_and_says_so(desk):
    await desk.ok("/watch btc min=50M side=long")
    reply = await desk.ok("/watch btc cooldown=2h side=both")
    assert reply.title == "Changed your BTC watch"
    assert "You were watching BTC already, so that alert was updated: cooldown and side." in reply.text
    [watch] = await watches(desk)
    assert (watch.min_notional_usd, watch.side, watch.cooldown_s) == (50e6, None, 7_200)
    same = await desk.ok("/watch btc")
    assert "already; there is still one alert" in same.text
    assert len(await watches(desk)) == 1
    await desk.ok("/watch btc min=auto")
    assert (await watches(desk))[0].min_notional_usd is None


async def test_watching_again_wakes_a_paused_or_snoozed_alert(desk):
    await desk.ok("/watch btc")
    for silenced in ("/alert pause 1", "/alert snooze 1"):
        await desk.ok(silenced)
        assert "It is on again." in (await desk.ok("/watch btc")).text
    [watch] = await watches(desk)
    assert not watch.paused
    assert watch.snoozed_until_ms is None


async def test_many_at_once_make_one_alert(desk, me):
    replies = await asyncio.gather(*(desk.commands.dispatch("/watch btc", me) for _ in range(8)))
    assert not any(reply.failed for reply in replies)
    assert len(await watches(desk)) == 1


async def test_what_a_user_has_set_is_the_default(desk):
    await desk.ok("/settings set within=1%,2%,4% cooldown=2h daily_limit=20")
    told = dict((await desk.ok("/watch eth")).fields)
    assert told["Tells you"] == "critical within 1%, warning within 2%, info within 4%"
    assert told["Same zone again"] == "after 2 hours"
    assert told["Used"].endswith("at most 20 messages a day")


async def test_no_more_than_the_limit(desk, me):
    def fill(session):
        for number in range(MAX_RULES):
            params = watch_params({Severity.WARNING: 0.03}, hysteresis=0.0025)
            add_rule(
                session, me.user_id, NewRule(symbol=f"C{number}USDT", params=params), now_ms=0, wall_ms=0
            )

    await desk.state.run(fill)
    reply = await desk.say("/watch btc")
    assert "20 alerts, the most" in reply.error
    assert len(await watches(desk)) == MAX_RULES


async def test_nothing_near_and_nothing_known_are_said(desk, view_with):
    await desk.ok("/watch btc min=900M")
    assert "No zone of that size is near BTC now" in (await desk.ok("/watch btc")).text
    desk.market.views["BTCUSDT"] = view_with(zones=None)
    reply = await desk.ok("/watch btc min=auto")
    assert "Zones are still being judged" in reply.text
    assert dict(reply.fields)["Smallest zone"].endswith("not known yet")
    view = view_with(price=114_200.0)
    desk.market.views["BTCUSDT"] = view
    assert "right here" in (await desk.ok("/watch btc")).text
    assert "Zones are still being judged" in (await desk.ok("/watch sol")).text


async def test_where_alerts_go_on_a_chat(desk, other):
    public = replace(other, private=False, place="channel-9")
    assert dict((await desk.ok("/watch btc", public)).fields)["Goes to"] == "Discord, a direct message"
    refused = await desk.say("/watch btc to=here", public)
    assert "Only who manages this chat" in refused.error
    assert refused.example == "/watch btc to=dm"
    manager = replace(public, may_post=True)
    assert dict((await desk.ok("/watch btc to=here", manager)).fields)["Goes to"] == "Discord, this chat"
    [rule] = await desk.state.read(lambda s: list_rules(s, other.user_id))
    assert (rule.to_channel, rule.to_place) == ("discord", "channel-9")
    await desk.ok("/watch btc min=5M", manager)
    [rule] = await desk.state.read(lambda s: list_rules(s, other.user_id))
    assert rule.to_place == "channel-9", "changing something else leaves the place"
    private = replace(other, user_id="telegram:5", front=Front.TELEGRAM, place="5")
    assert (
        dict((await desk.ok("/watch btc to=here", private)).fields)["Goes to"] == "Telegram, a direct message"
    )


async def test_unwatch(desk):
    await desk.ok("/watch btc")
    await desk.ok("/watch eth")
    reply = await desk.ok("/unwatch btc")
    assert reply.title == "Stopped watching BTC"
    assert reply.text == "You still watch ETH."
    assert (await desk.press(reply.buttons[0][0].action)).title == "Watching BTC"
    refused = await desk.say("/unwatch sol")
    assert refused.error == "You are not watching SOL. You watch ETH and BTC."
    asked = await desk.ok("/unwatch all")
    assert asked.title == "Stop watching ETH and BTC?"
    assert len(await watches(desk)) == 2
    everything = await desk.press(asked.buttons[0][0].action)
    assert everything.title == "Stopped watching ETH and BTC"
    assert await watches(desk) == []
    assert desk.alerting.health().watches == {}
    assert (await desk.say("/unwatch all")).error == "You are not watching anything."


async def test_a_watch_is_its_owners_alone(desk, other):
    await desk.ok("/watch btc")
    assert "not watching" in (await desk.say("/unwatch btc", other)).error
    assert len(await watches(desk)) == 1


@pytest.mark.parametrize("hours", [1, 8])
async def test_snoozed_until_market_time(desk, hours):
    await desk.ok("/watch btc")
    await desk.ok(f"/alert snooze 1 {hours}h")
    [watch] = await watches(desk)
    assert watch.snoozed_until_ms == desk.market.at_ms + hours * HOUR_MS
