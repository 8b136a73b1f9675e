"""Reports come on time, once, over restarts and outages; dashboards stay one message."""

import asyncio

from bot.alerting.audit import audit
from engine.errors import Gone, Permanent, Retryable
from storage.outbox import State
from storage.servers import set_server


async def test_a_report_comes_at_its_time_with_its_picture_and_not_before(desk, post, boss):
    await desk.ok("/report add btc every=4h", boss)  # it is 20:35, so at 00:00
    assert await post.tick(204) == 0
    assert await post.tick(1) == 1
    (kind, message) = post.far.calls[0]
    assert (kind, message.destination, message.title) == ("post", "300", "BTC heatmap, 24h")
    assert message.text.startswith("Price $113,204")
    assert "Longs below: $62M 111,800 – 112,300 (−0.80%)" in message.text
    assert not message.note
    assert (post.asked[0].what, post.asked[0].symbol) == ("heatmap", "BTCUSDT")
    assert await post.tick(1) == 0
    assert await post.tick(239) == 1
    assert [kind for kind, _ in post.far.calls] == ["post", "post"]


async def test_what_was_missed_while_down_comes_once_and_says_so(desk, post, build, boss):
    await desk.ok("/report add btc every=1h", boss)
    await post.tick(30)
    again = build(post.far)
    assert await again.tick(9 * 60) == 1
    (_, message) = post.far.calls[-1]
    assert "Due at" in message.note
    assert "22:00" in message.note
    assert await again.tick(1) == 0, "nine were missed, one is told"


async def test_a_process_that_dies_between_queueing_and_sending_posts_once(desk, post, build, boss):
    await desk.ok("/report add btc every=1h", boss)
    desk.market.at_ms += 30 * 60_000
    desk.wall[0] += 30 * 60_000
    assert await post.reporting.tick() == 1  # and dies here: nothing was sent
    again = build()
    assert await again.reporting.tick() == 0
    await again.deliver()
    assert len(again.far.calls) == 1


async def test_two_posters_at_once_queue_one(desk, post, build, boss):
    await desk.ok("/report add btc every=1h", boss)
    desk.market.at_ms += 30 * 60_000
    queued = await asyncio.gather(post.reporting.tick(), build().reporting.tick())
    assert sum(queued) == 1


async def test_the_one_before_is_edited_where_that_is_set(desk, post, boss):
    await desk.ok("/report add btc every=1h post=edit", boss)
    await post.tick(30)
    await post.tick(60)
    assert [kind for kind, _ in post.far.calls] == ["post", "edit"]
    assert len(post.far.shown) == 1


async def test_a_dashboard_is_posted_at_once_and_stays_one_message(desk, post, build, boss):
    await desk.ok("/dashboard on btc", boss)
    for _ in range(4):
        assert await post.tick(5) == 1
    restarted = build(post.far)
    assert await restarted.tick(5) == 1
    kinds = [kind for kind, _ in post.far.calls]
    assert kinds == ["post", "edit", "edit", "edit", "edit"]
    assert "open interest" in post.far.calls[-1][1].text


async def test_a_dashboard_that_somebody_deleted_is_posted_again(desk, post, boss):
    await desk.ok("/dashboard on btc", boss)
    await post.tick()
    post.far.errors = [Permanent("the message is not there any more")]
    await post.tick(5)
    await post.tick(5)
    await post.tick(5)
    assert [kind for kind, _ in post.far.calls] == ["post", "edit", "post", "edit"]
    assert len(post.far.shown) == 2


async def test_old_edits_of_a_dashboard_do_not_pile_up(desk, post, boss):
    await desk.ok("/dashboard on btc", boss)
    for _ in range(20):
        await post.tick(5)
    assert len(await post.rows()) <= 10
    assert len(post.far.shown) == 1


async def test_a_place_that_is_gone_lets_the_report_rest_and_its_maker_is_told_once(desk, post, boss):
    await desk.ok("/report add btc every=1h", boss)
    post.far.errors = [Gone("the channel was deleted")]
    await post.tick(30)
    for _ in range(3):
        assert await post.tick(60) == 0
    (report,) = await post.reports()
    assert report.off_reason == "the channel was deleted"
    told = [m for _, m in post.far.calls[1:]]
    assert [m.destination for m in told if m.title == "A report of yours rests"] == ["discord:42"]
    listed = await desk.ok("/report list", boss)
    assert "rests: the channel was deleted" in listed.table.rows[0][-1]
    await desk.ok("/report resume 1", boss)
    assert await post.tick(60) == 1


async def test_what_could_not_be_sent_is_said_anew_and_not_twice(desk, post, boss):
    await desk.ok("/report add btc every=30m", boss)
    post.far.errors = [Retryable("Discord is in trouble", retry_after_s=2_700.0)]
    await post.tick(25)
    desk.market.at_ms += 30 * 60_000
    desk.wall[0] += 30 * 60_000 - 60_000
    await post.reporting.tick()
    rows = [r for r in await post.rows() if r.state in (State.QUEUED, State.RETRY)]
    assert len(rows) == 1


async def test_a_replay_that_runs_fast_does_not_flood_a_channel(desk, post, boss):
    await desk.ok("/report add btc every=1h", boss)
    for _ in range(10):
        desk.market.at_ms += 3_600_000
        desk.wall[0] += 1_000
        await post.reporting.tick()
    await post.deliver()
    assert len(post.far.calls) == 1


async def test_a_replay_that_is_moved_back_gets_its_reports_again(desk, post, boss):
    await desk.ok("/report add btc every=1h", boss)
    await post.tick(30)
    desk.market.at_ms -= 20 * 86_400_000
    await post.tick()
    assert await post.tick(61) == 1


async def test_quiet_hours_of_the_server_hush_reports(desk, post, boss):
    await desk.ok("/report add btc every=1h", boss)
    values = {"quiet": "20:00-23:00", "tz": "UTC"}
    await desk.state.run(lambda s: set_server(s, "discord:200", values, wall_ms=1))
    await post.tick(30)
    assert post.far.calls[0][1].silent
    await post.tick(150)
    assert not post.far.calls[-1][1].silent


async def test_times_are_those_of_the_server(desk, post, boss):
    await desk.ok("/setup set tz=Asia/Tokyo", boss)
    reply = await desk.ok("/report add btc every=daily at=08:00", boss)  # 23:00 UTC
    assert ("Next", "23:00 UTC") in reply.fields
    assert await post.tick(145) == 1
    assert post.asked[0].tz == "Asia/Tokyo"


async def test_zones_and_liquidations_tell_their_figures(desk, post, boss):
    await desk.ok("/report add btc every=1h kind=zones", boss)
    await post.tick(30)
    (_, message) = post.far.calls[0]
    assert message.title == "BTC zones"
    assert "↑ 114,000 – 114,400" in message.text
    refused = await desk.say("/report add btc every=1h kind=liquidations", boss)
    assert refused.failed, "this recording has none, and none is made up"


async def test_a_market_without_a_price_waits_and_is_told_later(desk, post, boss):
    await desk.ok("/report add sol every=1h", boss)
    assert await post.tick(30) == 0
    desk.market.views["SOLUSDT"] = desk.market.view("BTCUSDT")
    assert await post.tick(1) == 1


async def test_the_auditor_finds_nothing_amiss(desk, post, boss):
    await desk.ok("/report add btc every=1h", boss)
    await desk.ok("/dashboard on btc", boss)
    post.far.errors = [None, Gone("the channel was deleted")]
    for _ in range(3):
        await post.tick(31)
    clocks = {"wall_ms": desk.wall[0], "now_ms": desk.market.at_ms}
    assert await desk.state.read(lambda s: audit(s, **clocks)) == []
