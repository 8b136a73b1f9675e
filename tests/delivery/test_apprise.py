"""Alerts through apprise: the real library against a server that its json:// and form:// lead to."""

import asyncio
import base64
import json
import threading

import pytest
from aiohttp import web

from bot.delivery import apprise
from bot.delivery.addresses import Address, HouseAddresses
from bot.delivery.apprise import AppriseChannel, defused, for_user, service_of
from bot.delivery.breaker import Unwell
from bot.delivery.guard import Dialler, Networks
from engine.errors import Permanent, Retryable, UserError
from engine.model import Severity

pytest.importorskip("apprise", reason="needs apprise: make apprise")


@pytest.fixture
def messages(load_messages):
    return load_messages


@pytest.fixture
async def server():
    """A server that keeps what it gets; `status` is what it answers, None hangs."""

    class Server:
        status = 200

        def __init__(self):
            self.got = []

        async def take(self, request):
            self.got.append(await request.json())
            if self.status is None:
                await asyncio.sleep(600)
            return web.Response(status=self.status, headers={"Location": "http://127.0.0.1:1/"})

    made = Server()
    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/{path:.*}", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    made.url = f"json://127.0.0.1:{made.port}/hook?cto=2&rto=2"
    yield made
    await runner.cleanup()


def channel(url, *, named=("127.0.0.1/32",), trusted=True, **more):
    addresses = HouseAddresses({"apprise": Address(url, trusted=trusted)})
    return AppriseChannel(Dialler(Networks(named)), addresses, **more)


async def send(one, message):
    return await one.send(message, key="k" * 64, edit_of=None)


async def test_an_alert_arrives_with_its_picture(server, messages):
    await send(channel(server.url), messages.message())
    (got,) = server.got
    assert got["title"] == "🚨 BTC is 0.8% above a $42M long zone"
    assert messages.LONGS in got["message"]
    assert got["type"] == "failure"
    (picture,) = got["attachments"]
    assert picture["filename"] == "liqwatch-BTCUSDT-24h.png"
    assert base64.b64decode(picture["base64"]).startswith(b"\x89PNG")


async def test_severities_are_told(server, messages):
    one = channel(server.url)
    for severity in Severity:
        await send(one, messages.message(severity=severity, picture=None))
    assert sorted(got["type"] for got in server.got) == ["failure", "info", "warning"]


async def test_what_is_refused_is_tried_again(server, messages):
    server.status = 503
    with pytest.raises(Unwell):
        await send(channel(server.url), messages.message())


async def test_a_service_that_hangs_blocks_neither_the_loop_nor_the_next_one(server, messages):
    server.status = None
    stuck = channel(server.url.replace("rto=2", "rto=60"), timeout_s=0.3)
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with pytest.raises(TimeoutError):
        await send(stuck, messages.message())
    assert ticks > 5
    ticking.cancel()
    assert all(t.daemon for t in threading.enumerate() if t.name == "apprise")


async def test_threads_that_never_end_are_bounded(server, messages, monkeypatch):
    monkeypatch.setattr(apprise, "MOST_HANGING", 1)
    server.status = None
    one = channel(server.url.replace("rto=2", "rto=60"), timeout_s=0.2)
    with pytest.raises(TimeoutError):
        await send(one, messages.message())
    with pytest.raises(Retryable, match="too many services hang"):
        await send(one, messages.message())


async def test_a_private_host_is_not_called_unless_the_operator_named_it(server, messages):
    with pytest.raises(Retryable):
        await send(channel(server.url, named=()), messages.message())
    with pytest.raises(Retryable):
        await send(channel(f"json://localhost:{server.port}", named=()), messages.message())
    assert server.got == []


@pytest.mark.parametrize(
    "url",
    [
        "json://hooks.example.org/x",
        "jsons://127.0.0.1/",
        "mailto://user:password@example.org",
        "syslog://",
        "dbus://",
        "windows://",
        "file:///etc/passwd",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?rto=100000",
        "discord://a/b\r\njson://127.0.0.1",
        "not an address",
        "",
    ],
)
def test_a_user_reaches_no_server_of_their_choice(url):
    with pytest.raises(UserError):
        for_user(url)
    with pytest.raises(Permanent):
        service_of(Address(url))


def test_every_service_for_users_is_at_a_fixed_place():
    from apprise.manager_plugins import NotificationManager

    plugins = NotificationManager()
    for schema in apprise.FOR_USERS:
        assert not any("{host}" in template for template in plugins[schema].templates), schema


def test_a_user_names_a_usual_service():
    service = service_of(Address("tgram://123456789:AAEabcdefghijklmnopqrstuvwxyz012345/12"))
    assert service.service_name == "Telegram"


async def test_an_address_that_apprise_does_not_know(messages):
    with pytest.raises(Permanent, match="does not understand"):
        await send(channel("nothing://x"), messages.message())


async def test_mentions_and_marks_of_others_do_nothing(server, messages):
    await send(channel(server.url), messages.evil())
    await send(channel(server.url), messages.oversized())
    told = json.dumps(server.got[0], ensure_ascii=False)
    for wanted in ("@everyone", "<!channel>", "<@42>"):
        assert wanted not in told
    assert not set("\u202e\x00\x1b\ud800") & set(told)
    assert len(server.got[1]["message"]) < 4000
    assert "\n" not in server.got[1]["title"]


def test_defused_text_reads_the_same():
    assert defused("a@b <!here>").replace("\u2060", "") == "a@b <!here>"
