"""The panel: commands, buttons and alerts of the local user, over one socket."""

import asyncio
import re

import pytest
from aiohttp import WSMsgType

from engine.model import Severity


class Page:
    """Speak to the panel as the page does."""

    def __init__(self, socket) -> None:
        self.socket = socket

    async def next(self, *kinds: str) -> dict:
        async with asyncio.timeout(5):
            while True:
                message = await self.socket.receive()
                assert message.type is WSMsgType.TEXT, message
                body = message.json()
                if body["type"] in kinds:
                    return body

    async def ask(self, line: str, request_id: int = 1) -> dict:
        await self.socket.send_json({"type": "command", "id": request_id, "line": line})
        return await self.next("reply", "error")


@pytest.fixture
async def page(site):
    async with site.ws("/ws/panel") as socket:
        yield Page(socket)


async def test_the_hello_says_who_and_what(page):
    hello = await page.next("hello")
    assert hello["version"] == 1
    assert hello["user"] == "local:owner"
    assert hello["source"] == "replay"
    assert hello["label"] == "REPLAY 2025-10-10 20:35 UTC"
    assert hello["unread"] == 0
    assert hello["catalogue"][0] == {
        "name": "heatmap",
        "usage": "/heatmap symbol",
        "summary": "The heatmap",
        "example": "/heatmap",
    }


async def test_a_command_is_answered_with_its_picture_by_address(page, site):
    answer = await page.ask("/heatmap btc", 41)
    assert answer["id"] == 41
    reply = answer["reply"]
    assert reply["title"] == "BTC, last 24 hours"
    assert reply["error"] == ""
    image = reply["images"][0]
    assert (image["width"], image["height"]) == (1280, 720)
    assert image["alt"] == "BTC heatmap, 24 hours"
    assert re.fullmatch(r"/panel/blobs/[\w-]{32}/btc-24h\.png", image["url"])
    async with site.get(image["url"]) as picture:
        assert picture.status == 200
        assert picture.content_type == "image/png"
        assert (await picture.read()).startswith(b"\x89PNG")
        assert "private" in picture.headers["Cache-Control"]
    assert reply["buttons"][0][0] == {
        "label": "3d",
        "action": "v1:heatmap:-!:btc:3d",
        "url": "",
        "style": "plain",
    }


async def test_the_caller_is_the_local_user_and_never_an_operator(page, site):
    await page.ask("/zones btc")
    caller = site.commands.asked[0][1]
    assert caller.user_id == "local:owner"
    assert caller.front == "panel"
    assert caller.operator is False


async def test_tables_fields_and_files_arrive_plain(page, site):
    reply = (await page.ask("/zones btc"))["reply"]
    assert reply["table"]["numeric"] == ["Dollars"]
    assert reply["fields"] == [["Price", "$112,000"]]
    file = (await page.ask("/data export"))["reply"]["files"][0]
    assert file["bytes"] == 9
    async with site.get(file["url"]) as answer:
        assert answer.headers["Content-Disposition"] == "attachment"
        assert await answer.json() == {"me": 1}


async def test_a_failed_command_says_what_works(page):
    reply = (await page.ask("/nonsense"))["reply"]
    assert reply["error"] == "I do not know that command."
    assert reply["example"] == "/help"
    assert reply["tone"] == "bad"


async def test_a_crash_becomes_an_incident(page):
    error = await page.ask("/boom", 9)
    assert error["type"] == "error"
    assert error["id"] == 9
    assert re.fullmatch(r"[0-9a-f]{8}", error["incident"])
    assert "secret" not in str(error)


async def test_a_button_is_pressed_and_its_alert_acknowledged(page, site):
    await page.socket.send_json({"type": "press", "id": 2, "action": "v1:alert:pause:1", "delivery": 5})
    answer = await page.next("reply")
    assert answer["id"] == 2
    assert site.inapp.acked == [5]
    await page.socket.send_json({"type": "press", "id": 3, "action": "v1:heatmap:-!:btc:3d"})
    assert (await page.next("reply"))["reply"]["edits"] is True
    assert site.inapp.acked == [5]


async def test_lines_are_completed(page):
    await page.socket.send_json({"type": "complete", "id": 4, "line": "/heatmap b"})
    answer = await page.next("completions")
    assert answer["line"] == "/heatmap b"
    assert answer["items"] == [{"line": "/heatmap btc ", "label": "btc", "about": "BTCUSDT"}]


async def test_alerts_arrive_and_are_edited_in_place(page, site, make_alert):
    await page.next("hello")
    await site.inapp.push(make_alert(1))
    first = await page.next("alert")
    assert first["delivery"] == 1
    assert first["edit"] is False
    assert first["severity"] == "warning"
    assert first["image"]["width"] == 1280
    assert first["buttons"][0][0]["action"] == "v1:alert:snooze:1:1h"
    async with site.get(first["image"]["url"]) as picture:
        assert picture.status == 200
    await site.inapp.push(make_alert(1, delivery_id=2, revision=1, severity=Severity.CRITICAL, folded=3))
    second = await page.next("alert")
    assert second["alert"] == first["alert"]
    assert second["edit"] is True
    assert second["severity"] == "critical"
    assert second["folded"] == 3


async def test_the_inbox_comes_with_the_hello_and_its_pictures_on_demand(site, make_alert):
    await site.inapp.push(make_alert(1))
    await site.inapp.push(make_alert(2))
    async with site.ws("/ws/panel") as socket:
        page = Page(socket)
        assert (await page.next("hello"))["unread"] == 2
        first, second = await page.next("alert"), await page.next("alert")
        assert (first["delivery"], second["delivery"]) == (1, 2)
        assert first["inbox"] is True
        async with site.get(first["image"]["url"]) as picture:
            assert picture.status == 200
            assert (await picture.read()).startswith(b"\x89PNG")
        await socket.send_json({"type": "ack", "delivery": 1})
        assert (await page.next("unread"))["unread"] == 1
    assert site.inapp.seen == {1}


async def test_every_open_page_gets_the_alert(site, make_alert):
    async with site.ws("/ws/panel") as one, site.ws("/ws/panel") as other:
        pages = [Page(one), Page(other)]
        for page in pages:
            await page.next("hello")
        await site.inapp.push(make_alert(1))
        for page in pages:
            assert (await page.next("alert"))["delivery"] == 1


async def test_the_clock_ticks_while_replaying(page, site):
    await page.next("hello")
    site.market.clock_ms += 60_000
    clock = await page.next("clock")
    assert clock["now_ms"] >= 1_760_128_500_000
    assert clock["label"].startswith("REPLAY")


async def test_slow_commands_do_not_hold_up_others_but_have_a_bound(page, site):
    site.commands.gate = asyncio.Event()
    for number in range(20):
        await page.socket.send_json({"type": "command", "id": number, "line": "/zones btc"})
    error = await page.next("error")
    assert "busy" in error["message"]
    await page.socket.send_json({"type": "ping", "id": "p"})
    assert (await page.next("pong"))["id"] == "p"
    site.commands.gate.set()
    answers = [await page.next("reply") for _ in range(16)]
    assert {answer["id"] for answer in answers} == set(range(16))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"type":"command"}',
        '{"type":"command","line":7}',
        '{"type":"press","action":"' + "x" * 65 + '"}',
        '{"type":"command","line":"' + "x" * 1001 + '"}',
        '{"type":"ack","delivery":"one"}',
        '{"type":"ack","delivery":true}',
        '{"type":"sudo"}',
    ],
)
async def test_a_mistake_is_answered_and_the_line_stays(page, text):
    await page.socket.send_str(text)
    assert (await page.next("error"))["code"] == "bad_request"
    await page.socket.send_json({"type": "ping", "id": 1})
    await page.next("pong")


async def test_commands_end_with_the_page_that_asked(site):
    site.commands.gate = asyncio.Event()
    async with site.ws("/ws/panel") as socket:
        await socket.send_json({"type": "command", "id": 1, "line": "/zones"})
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.05)
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert not [name for name in names if name.startswith("panel ") and name != "panel clock"]


async def test_pictures_of_a_user_who_is_forgotten_are_gone(page, site):
    image = (await page.ask("/heatmap btc"))["reply"]["images"][0]
    site.server.forget("local:owner")
    async with site.get(image["url"]) as picture:
        assert picture.status == 404


async def test_no_more_alerts_are_taken_after_the_end(site):
    assert len(site.inapp.sinks) == 2  # the panel, and the stream
    await site.server.stop()
    await site.server.stop()
    assert site.inapp.sinks == []
