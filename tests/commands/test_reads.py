"""What only reads: zones, market, symbols, status, start, help, replay."""

from dataclasses import replace

import pytest

from adapters.venue import Feed, VenueHealth, VenueState
from bot.commands.parts import NOT_ADVICE
from bot.commands.reply import Caller, Front, Tone
from bot.supervisor import PartHealth, PartState
from engine.model import HOUR_MS, UserId, ZoneSet


def zone_set(**changes) -> ZoneSet:
    plain = ZoneSet(
        venue="binance",
        symbol="BTCUSDT",
        ts=0,
        price=113_204.5,
        zones=(),
        samples_h=600,
        threshold_ready=True,
        auto_min_usd=float("nan"),
    )
    return replace(plain, **changes)


async def test_zones_stand_in_the_order_of_their_prices(desk):
    reply = await desk.ok("/zones btc")
    assert reply.table.headings == ("Side", "Price range", "Distance", "Notional", "Age", "Share")
    assert reply.table.rows == (
        ("↑ shorts", "116,000 – 116,200", "+2.5%", "$12M", "3h", "25%"),
        ("↑ shorts", "114,000 – 114,400", "+0.70%", "$38M", "3h", "25%"),
        ("↓ longs", "111,800 – 112,300", "−0.80%", "$62M", "3h", "25%"),
    )
    assert reply.price == 113_204.5


async def test_zones_come_with_a_card_of_the_same_zones(desk):
    reply = await desk.ok("/zones btc short layout=portrait")
    assert (reply.images[0].width, reply.images[0].height) == (1080, 1350)
    assert "Shorts above: $38M at +0.70%" in reply.images[0].alt
    assert "Longs" not in reply.images[0].alt
    assert "portrait" in reply.buttons[0][0].action
    desk.market.views["BTCUSDT"] = replace(desk.market.view("BTCUSDT"), zones=zone_set())
    assert not (await desk.ok("/zones btc")).images


async def test_a_market_comes_with_a_card_of_the_same_numbers(desk):
    reply = await desk.ok("/market btc layout=portrait")
    assert (reply.images[0].width, reply.images[0].height) == (1080, 1350)
    assert "Price $113,204 (−3.47% in 24 h). Volume 24 h: $38B. Open interest: $9.5B" in reply.images[0].alt
    assert "portrait" in reply.buttons[0][0].action
    desk.market.days = 0
    assert not (await desk.ok("/market btc")).images


async def test_zones_of_one_side_and_count(desk):
    reply = await desk.ok("/zones btc short 1")
    assert [row[1] for row in reply.table.rows] == ["114,000 – 114,400"]
    again = await desk.press(reply.buttons[0][0].action)
    assert again.table == reply.table
    assert again.edits


async def test_nothing_denser_than_usual_is_an_answer(desk, view_with):
    desk.market.views["BTCUSDT"] = view_with(zones=zone_set())
    reply = await desk.ok("/zones btc")
    assert "Nothing denser than usual nearby" in reply.text
    assert reply.table is None
    assert "above the price" in (await desk.ok("/zones btc short")).text


async def test_zones_say_on_how_little_they_rest(desk, view_with):
    desk.market.views["BTCUSDT"] = view_with(zones=zone_set(samples_h=31, threshold_ready=False))
    assert "takes 48 hours, there are 31" in (await desk.ok("/zones btc")).text
    desk.market.views["BTCUSDT"] = view_with(zones=zone_set(samples_h=200), warm=False, history_days=5.5)
    told = (await desk.ok("/zones btc")).text
    assert "Judged on 8.3 of 21 days" in told
    assert "5.5 of 7 days" in told
    desk.market.views["BTCUSDT"] = view_with(zones=None)
    assert "still being read" in (await desk.ok("/zones btc")).text


async def test_inside_a_zone_it_is_here(desk, view_with):
    view = view_with()
    desk.market.views["BTCUSDT"] = replace(view, price=114_200.0)
    assert [row[2] for row in (await desk.ok("/zones btc")).table.rows][1] == "here"


async def test_market_says_what_it_knows_and_what_it_has_not(desk, view_with):
    reply = await desk.ok("/market btc")
    known = dict(reply.fields)
    assert reply.title == "BTC $113,204"
    assert known["Price"] == "$113,204, interpolated, just now"
    assert known["24 h change"] == "−3.47%"
    assert known["24 h range"] == "$112,000 to $122,500"
    assert known["24 h volume"] == "$38B"
    assert known["Open interest"] == "$9.5B (84,213 BTC), +2.10% in 24 h"
    assert (
        reply.text == "Not available in this replay: funding, the long/short ratio and reported liquidations."
    )
    desk.market.views["BTCUSDT"] = view_with(
        open_interest=None, oi_change_24h=None, change_24h=None, volume_24h_usd=None, low_24h=None
    )
    assert list(dict((await desk.ok("/market btc")).fields).values()).count("not available") == 4
    desk.market.feeds = frozenset(Feed)
    assert (await desk.ok("/market btc")).text == ""


async def test_symbols_lists_searches_and_turns_pages(desk):
    reply = await desk.ok("/symbols")
    assert reply.title == "4 markets"
    assert reply.table.rows[0] == ("BTCUSDT", "$113,204", "−3.47%", "Binance")
    assert reply.table.rows[2] == ("SOLUSDT", "–", "–", "read once it is asked for")
    assert [row[0] for row in (await desk.ok("/symbols pepe")).table.rows] == ["PEPEUSDT"]
    assert [row[0] for row in (await desk.ok("/symbols etg")).table.rows] == ["ETHUSDT"]
    assert "No market is like “zzzzqq”" in (await desk.say("/symbols zzzzqq")).error
    desk.market.symbols = tuple(f"C{n}USDT" for n in range(45))
    first = await desk.ok("/symbols")
    assert first.title == "45 markets, page 1 of 3"
    second = await desk.press(first.buttons[-1][0].action)
    assert second.title.endswith("page 2 of 3")
    assert second.edits
    assert [b.label for b in second.buttons[-1]] == ["Previous", "Next"]
    assert len((await desk.ok("/symbols 99")).table.rows) == 5


async def test_status_shows_source_parts_and_what_is_not_configured(desk, other, with_services, me):
    reply = await desk.ok("/status")
    assert reply.title == "All is well"
    assert dict(reply.fields)["Source"] == "replay of recorded candles, 60× as fast"
    assert dict(reply.fields)["Response"] == "good, 99% of steps within 3 ms"
    assert dict(reply.fields)["Binance"] == "up; data just now, 1,234 messages"
    assert reply.table.rows == (("feed", "running"),)
    assert "Not configured: Discord: put LIQWATCH_DISCORD_TOKEN=… into .env" in reply.text
    assert "LIQWATCH" not in (await desk.ok("/status", other)).text
    desk.tape.paused = True
    assert dict((await desk.ok("/status")).fields)["Source"].endswith("paused")
    desk.tape.speed, desk.tape.paused = None, False
    assert dict((await desk.ok("/status")).fields)["Source"].endswith("as fast as possible")
    desk.tape.ended = True
    assert dict((await desk.ok("/status")).fields)["Source"].endswith("ended")


async def test_status_names_what_is_not_well_without_its_inner_words(desk, with_services, me):
    sick = PartHealth(
        name="feed", state=PartState.RESTARTING, since_s=0, restarts=3, last_error="KeyError: /srv/secret"
    )
    down = VenueHealth(venue="okx", state=VenueState.DOWN, reconnects=2, detail="no answer")
    desk.market.health = lambda: [down]
    reply = await with_services(health=lambda: [sick], loop_lag_ms=lambda: 250.0).dispatch("/status", me)
    assert reply.title == "Something is not well"
    assert reply.tone is Tone.WARN
    assert dict(reply.fields)["OKX"] == "down; reconnected 2×"
    assert reply.table.rows == (("feed", "restarting, restarted 3×"),)
    assert "OKX: no answer." in reply.text
    assert dict(reply.fields)["Response"].startswith("slow")
    assert "secret" not in repr(reply)


async def test_status_tells_whoever_runs_this_what_to_do(desk, with_services, me):
    off = PartHealth(
        name="telegram", state=PartState.STOPPED, since_s=0, restarts=0, advice="Copy the token again."
    )
    commands = with_services(health=lambda: [off])
    assert "telegram: Copy the token again." in (await commands.dispatch("/status", me)).text
    guest = Caller(user_id=UserId("telegram:42"), front=Front.TELEGRAM, place="42")
    assert "token" not in (await commands.dispatch("/status", guest)).text


async def test_start_welcomes_with_three_buttons_and_one_line(desk):
    reply = await desk.ok("/start")
    assert [b.label for b in reply.buttons[0]] == ["BTC heatmap", "Watch BTC", "Help"]
    assert reply.text.endswith(NOT_ADVICE)
    for button in reply.buttons[0]:
        assert not (await desk.press(button.action)).failed


@pytest.mark.parametrize(
    ("payload", "command"),
    [
        ("heatmap_btc_7d", "heatmap"),
        ("settings_show", "settings show"),
        ("settings-show", "settings show"),
        ("watch_eth", "watch"),
        ("data_forget", "start"),
        ("alert_remove_all", "start"),
        ("nonsense", "start"),
    ],
)
async def test_a_deep_link_runs_what_is_harmless(desk, payload, command):
    reply = await desk.ok(f"/start {payload}")
    assert reply.command == command
    assert reply.notice.count("REPLAY") == 1


async def test_help_lists_everything_and_explains_each(desk, other):
    reply = await desk.ok("/help")
    assert NOT_ADVICE in reply.text
    names = [row[0] for row in reply.table.rows]
    assert "/heatmap" in names
    assert "/replay status|pause|resume|seek|speed" in names
    assert "/data show|export|forget" in names
    assert not any("/replay" in row[0] for row in (await desk.ok("/help", other)).table.rows)
    verbs = [name.partition(" ") for name in names]
    for name in [f"{noun} {verb}".strip() for noun, _, all_ in verbs for verb in all_.split("|")]:
        one = await desk.ok(f"/help {name}")
        assert one.title.startswith(name)
        assert "For example: " in one.text
    assert (await desk.ok("/help alert")).title == "/alert"
    assert "forget-now" not in repr(await desk.ok("/help data"))
    assert (await desk.ok("/help hm")).title.startswith("/heatmap")
    shown = {
        name: (await desk.ok(f"/help {name}")).buttons[0] for name in ("watch", "alert", "data", "zones")
    }
    assert (
        [b.label for b in shown["watch"]] == [b.label for b in shown["alert"]] == ["New alert", "All alerts"]
    )
    assert (await desk.press(shown["data"][0].action)).title == "What is stored about you"
    assert (await desk.press(shown["zones"][0].action)).title == "BTC zones"
    near = await desk.say("/help wacth")
    assert near.buttons[0][0].label == "/help watch"
    assert "There is no command" in (await desk.say("/help zzzzqq")).error
    for row in reply.buttons:
        for button in row:
            assert not (await desk.press(button.action)).failed


async def test_the_replay_is_steered(desk, other, with_services, me):
    assert dict((await desk.ok("/replay")).fields)["Stands at"] == "2025-10-10 20:35 UTC"
    paused = await desk.ok("/replay pause")
    assert desk.tape.paused
    assert paused.buttons[0][0].label == "Resume"
    assert (await desk.press(paused.buttons[0][0].action)).edits
    assert not desk.tape.paused
    await desk.ok("/replay seek 2025-10-10 21:00")
    await desk.ok("/replay seek 21:15")
    back = await desk.ok("/replay seek -1h")
    at = desk.tape.position_ms
    assert desk.tape.sought == [at + 25 * 60_000, at + 40 * 60_000, at - HOUR_MS]
    assert "void" in back.text
    await desk.ok("/replay speed 600")
    assert desk.tape.speed == 600
    await desk.ok("/replay speed max")
    assert desk.tape.speed is None
    assert "The recording goes from" in (await desk.say("/replay seek 2020-01-01")).error
    assert "no such day" in (await desk.say("/replay seek 2025-02-31")).error
    desk.tape.ended = True
    assert "over" in (await desk.say("/replay resume")).error
    assert (await desk.say("/replay pause", other)).failed
    assert "nothing to steer" in (await with_services(replay=None).dispatch("/replay pause", me)).error
    assert (await desk.say("/replay pause", replace(other, front=Front.TELEGRAM))).failed
