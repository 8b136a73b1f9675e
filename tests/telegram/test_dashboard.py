"""A dashboard in a group of Telegram: one message with its picture, changed in place, not to be lost."""

from bot.delivery.channel import Picture
from bot.delivery.worker import Hooks, Worker
from bot.reporting.engine import Reporting, Sources


async def test_one_message_is_changed_in_place_and_comes_again_when_somebody_deletes_it(stage, kit):
    desk, drawn = stage.desk, []
    stage.channel.rates = (
        lambda _destination: ()
    )  # market time runs faster here than a group may be written to

    async def draw(request):
        drawn.append(request)
        return Picture(png=kit.png(len(drawn)), alt="words", name="liqwatch-BTCUSDT-24h.png")

    wall = lambda: desk.wall[0]  # noqa: E731 - the same clock for all
    worker = Worker(desk.state, [stage.channel], hooks=Hooks(draw=draw), wall_ms=wall)
    sources = Sources(market=desk.market, venues=desk.services.reports, ensure=desk.services.ensure)
    reporting = Reporting(desk.state, sources, wake=worker.wake, wall_ms=wall)

    async def refreshed():
        desk.market.at_ms += 300_000
        desk.wall[0] += 300_000
        assert await reporting.tick() == 1
        while await worker._round() == 0.0 or worker.health().under_way["telegram"]:
            for task in list(worker._lanes["telegram"].under_way):
                await task

    def dashboards():
        return [m for m in stage.api.shown(kit.GROUP) if "BTC dashboard" in m.get("caption", "")]

    await stage.say("/dashboard on btc", chat=kit.GROUP, user=kit.BOSS, topic=kit.TOPIC)
    await refreshed()
    (first,) = dashboards()
    assert first["message_thread_id"] == kit.TOPIC
    assert "Price $113,204" in first["caption"]
    shown = first["photo"][-1]["file_id"]
    await refreshed()
    assert dashboards() == [first]
    assert first["photo"][-1]["file_id"] != shown, "the picture is a new one"
    stage.there.messages.pop((kit.GROUP, first["message_id"]))
    await refreshed()
    await refreshed()
    await refreshed()
    (again,) = dashboards()
    assert again["message_id"] != first["message_id"]
    assert "edit_date" in again
