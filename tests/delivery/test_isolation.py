"""All far ends at once, over real sockets: one that hangs holds up no other, and criticals go first."""

import asyncio
import contextlib
import importlib.util
import sys
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr
from sqlalchemy import select

from bot.delivery.addresses import Address, HouseAddresses
from bot.delivery.apprise import AppriseChannel
from bot.delivery.backoff import Backoff
from bot.delivery.discord import DiscordChannel, make_client
from bot.delivery.discord import Post as DiscordPost
from bot.delivery.email import EmailChannel, Security, Sender, SendGrid, Smtp, SmtpServer
from bot.delivery.guard import Dialler, Networks
from bot.delivery.inapp import InApp
from bot.delivery.telegram import Ledger, TelegramChannel
from bot.delivery.telegram import Post as TelegramPost
from bot.delivery.webhook import WebhookChannel
from bot.delivery.worker import Worker, WorkerConfig
from engine.model import Severity
from storage.outbox import State
from storage.tables import Delivery

pytest.importorskip("apprise", reason="needs apprise: make apprise")
PEERS = Path(__file__).parents[1] / "peers"
QUICK = WorkerConfig(drain_s=0.2, look_every_s=0.1, backoff=Backoff(base_s=0.05, cap_s=0.2))
SENDER = Sender("Liqwatch", "alerts@example.org")
LONG_S = 30.0
PLACES = {
    "discord": "discord:42",
    "telegram": "telegram:42",
    "email": "house",
    "sendgrid": "house",
    "webhook": "house",
    "apprise": "house",
    "inapp": "discord:42",
}


def load(name):
    """Load a peer by its path: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, PEERS / f"{name}.py")
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


class Ends:
    """Every far end there is, and what makes each of them hang."""

    async def start(self, stack):
        self.discord = await load("discord").Discord().start()
        self.telegram = await load("telegram").BotApi().start()
        self.telegram.there.chat(42)
        self.mail = await load("mail").MailServer().start()
        self.sendgrid = await load("sendgrid").SendGrid().start()
        self.receiver = await load("receiver").Receiver().start()
        for end in (self.discord, self.telegram, self.mail, self.sendgrid, self.receiver):
            stack.push_async_callback(end.stop)
        self.apprise_hangs = False
        self.sink_hangs = False
        app = web.Application()
        app.router.add_post("/hook", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.apprise_port = runner.addresses[0][1]

    async def _take(self, _request):
        await asyncio.sleep(LONG_S if self.apprise_hangs else 0)
        return web.Response()

    async def sink(self, _user, _message):
        await asyncio.sleep(LONG_S if self.sink_hangs else 0)
        return True

    def hang(self, name):
        match name:
            case "discord":
                self.discord.stall("POST", r"/channels/\d+/messages", LONG_S, times=9)
            case "telegram":
                self.telegram.stall("sendMessage", LONG_S, times=9)
            case "email":
                self.mail.waits["EHLO"] = LONG_S
            case "sendgrid":
                self.sendgrid.plan = ["hang"] * 9
            case "webhook":
                self.receiver.plan = ["stall"] * 9
            case "apprise":
                self.apprise_hangs = True
            case "inapp":
                self.sink_hangs = True

    async def channels(self, stack, state, wall_ms):
        client = make_client(api_url=self.discord.api_url, gateway_url=self.discord.gateway_url)
        await client.login(load("discord").TOKEN)
        stack.push_async_callback(client.close)
        post = TelegramPost(load("telegram").TOKEN, self.telegram.url)
        stack.push_async_callback(post.close)
        places = HouseAddresses(
            {
                "email": Address("me@example.org"),
                "webhook": Address(self.receiver.url, load("receiver").SECRET),
                "apprise": Address(f"json://127.0.0.1:{self.apprise_port}/hook?rto=60", trusted=True),
            }
        )
        dialler = Dialler(Networks(["127.0.0.1/32"]))
        smtp = Smtp(SmtpServer(host="127.0.0.1", port=self.mail.port, security=Security.NONE))
        grid = SendGrid(SecretStr(load("sendgrid").KEY), self.sendgrid.url)
        ways = [
            EmailChannel(smtp, places, sender=SENDER, per_minute=6000),
            EmailChannel(grid, places, sender=SENDER, per_minute=6000),
            WebhookChannel(dialler, places),
            AppriseChannel(dialler, places),
        ]
        ways[1].name = "sendgrid"
        for way in ways:
            stack.push_async_callback(way.close)
        inapp = InApp(state, wall_ms=wall_ms)
        inapp.register("discord:42", self.sink)
        ledger = Ledger(state, _nothing)
        return [DiscordChannel(DiscordPost(client)), TelegramChannel(post, ledger), inapp, *ways]


async def _nothing(_symbol):
    """Take note of nothing: no rule changes here."""


@pytest.fixture
async def ends():
    async with contextlib.AsyncExitStack() as stack:
        made = Ends()
        await made.start(stack)
        yield made


@contextlib.asynccontextmanager
async def working(ends, state, kit):
    async with contextlib.AsyncExitStack() as stack:
        channels = await ends.channels(stack, state, kit.wall_ms)
        worker = Worker(state, channels, config=QUICK)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await asyncio.wait_for(task, 30)


def queue_everywhere(session, kit):
    for channel, place in PLACES.items():
        for severity in (Severity.INFO, Severity.CRITICAL):
            kit.queue(
                session,
                f"{channel}-{severity}",
                user_id="discord:42" if channel != "telegram" else "telegram:42",
                channel=channel,
                destination=place,
                severity=severity,
            )


async def arrived(state):
    def read(session):
        query = select(Delivery.alert_id).where(Delivery.state.in_([State.ACCEPTED, State.DELIVERED]))
        return set(session.scalars(query))

    return await state.read(read)


@pytest.mark.parametrize("stuck", list(PLACES))
async def test_one_far_end_that_hangs_holds_up_no_other(ends, state, kit, stuck):
    ends.hang(stuck)
    await state.run(lambda session: queue_everywhere(session, kit))
    wanted = {f"{name}-{severity}" for name in PLACES for severity in ("info", "critical") if name != stuck}
    async with working(ends, state, kit):

        async def all_there():
            return wanted <= await arrived(state)

        await kit.until(all_there, timeout_s=60)
        assert not any(alert.startswith(f"{stuck}-") for alert in await arrived(state)) or stuck == "inapp"


async def test_with_all_well_everything_arrives_once(ends, state, kit):
    await state.run(lambda session: queue_everywhere(session, kit))
    async with working(ends, state, kit):

        async def all_there():
            return len(await arrived(state)) == 2 * len(PLACES)

        await kit.until(all_there, timeout_s=60)
    assert len(ends.mail.mails) == len(ends.sendgrid.mails) == len(ends.receiver.events) == 2


async def test_criticals_of_a_channel_go_before_what_can_wait(ends, state, kit):
    def fill(session):
        for number in range(30):
            kit.queue(session, f"i{number}", channel="webhook", destination="house", severity=Severity.INFO)
        kit.queue(session, "crit", channel="webhook", destination="house", severity=Severity.CRITICAL)

    await state.run(fill)
    async with working(ends, state, kit):
        await kit.until(lambda: len(ends.receiver.events) >= 3, timeout_s=60)
    first = [event["data"]["severity"] for event in ends.receiver.events]
    assert first[0] == "critical"


async def test_a_mail_whose_answer_was_lost_comes_again_under_the_same_id_and_says_so(ends, state, kit):
    ends.mail.drops["DATA"] = 1
    await state.run(lambda s: kit.queue(s, "a1", channel="email", destination="house"))
    async with working(ends, state, kit):
        await kit.until(lambda: len(ends.mail.mails) == 2, timeout_s=60)
    first, second = ends.mail.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]
    told = "You may have had this before"
    assert told not in first.part("text/plain").get_content()
    assert told in second.part("text/plain").get_content()
