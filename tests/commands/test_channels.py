"""Channels of users from first word to last alert: a real mail server, a real receiver, the worker."""

import asyncio
import importlib.util
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from bot.commands.reply import Caller, Front
from bot.delivery.addresses import HouseAddresses, OwnAddresses
from bot.delivery.email import EmailChannel, Security, Sender, Smtp, SmtpServer
from bot.delivery.guard import Dialler, Networks
from bot.delivery.inapp import InApp
from bot.delivery.own import Own
from bot.delivery.webhook import WebhookChannel, secret_bytes
from bot.delivery.worker import Worker
from engine.model import Tick, UserId
from storage.outbox import State, revise
from storage.sealed import Sealer
from storage.tables import Alert, Delivery

TESTS = Path(__file__).parents[1]
HERE = Networks(("127.0.0.1/32",))
SEALER = Sealer(SecretStr("k" * 40))
ME = Caller(user_id=UserId("local:owner"), front=Front.PANEL)
YOU = Caller(user_id=UserId("discord:42"), front=Front.DISCORD, place="c1", private=False)
MINUTE_MS = 60_000


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


mail = load("peers_mail", TESTS / "peers" / "mail.py")
peer = load("peers_receiver", TESTS / "peers" / "receiver.py")


@pytest.fixture
async def server():
    started = await mail.MailServer().start()
    yield started
    await started.stop()


@pytest.fixture
async def receiver():
    started = await peer.Receiver(secret=None).start()
    yield started
    await started.stop()


class Room:
    """A desk with channels of users, and the worker that empties the outbox."""

    def __init__(self, desk, own, worker, server):
        self.desk, self.own, self.worker, self.server = desk, own, worker, server
        self.say, self.ok, self.state = desk.say, desk.ok, desk.state

    async def code(self):
        """Return the code in the last mail."""
        text = self.server.mails[-1].part("text/plain").get_content()
        return re.search(r"/channels verify (\d{8})", text)[1]

    async def add_mail(self, address="me@example.org", caller=ME):
        await self.ok(f"/channels add email {address}", caller)
        reply = await self.ok(f"/channels verify {await self.code()}", caller)
        return int(re.search(r"E-mail (\d+)", reply.title)[1])

    async def add_hook(self, receiver, caller=ME):
        reply = await self.ok(f"/channels add webhook {receiver.url}", caller)
        receiver.secret = secret_bytes(dict(reply.fields)["Secret, shown this once"])
        text = receiver.events[-1]["data"]["text"]
        done = await self.ok(f"/channels verify {re.search(r'[0-9]{8}', text)[0]}", caller)
        return int(re.search(r"Webhook (\d+)", done.title)[1])

    def somebody(self):
        """Return a user who was never there."""
        self.others = getattr(self, "others", 100) + 1
        return Caller(user_id=UserId(f"telegram:{self.others}"), front=Front.TELEGRAM)

    async def told(self, condition):
        async with asyncio.timeout(30):
            while not (found := condition()):
                self.worker.wake()
                await asyncio.sleep(0.01)
        return found

    async def settled(self):
        """Wait until nothing waits to be sent any more, and return what became of all, oldest first."""
        open_ = [State.QUEUED, State.SENDING, State.RETRY, State.UNKNOWN]
        while await self.state.read(
            lambda s: s.scalars(select(Delivery.delivery_id).where(Delivery.state.in_(open_))).all()
        ):
            self.worker.wake()
            await asyncio.sleep(0.01)
        rows = await self.state.read(
            lambda s: list(s.scalars(select(Delivery).order_by(Delivery.delivery_id)))
        )
        return [(row.channel, row.destination, row.state) for row in rows]

    async def fire(self, price=112_400.0):
        """Let price come near the zone at 112,300 from far above."""
        market = self.desk.market
        for at in (118_000.0, price):
            market.at_ms += 1_000
            tick = Tick(venue="binance", symbol="BTCUSDT", ts=market.at_ms, price=at)
            await self.desk.alerting.on_tick(tick, market.view("BTCUSDT").zones)


@pytest.fixture
async def room(desk, with_services, server):
    addresses = HouseAddresses({}, OwnAddresses(desk.state, SEALER))
    carrier = Smtp(SmtpServer(host="127.0.0.1", port=server.port, security=Security.NONE))
    sender = Sender("Liqwatch", "alerts@example.org")
    ways = [
        EmailChannel(carrier, addresses, sender=sender, per_minute=6000),
        WebhookChannel(Dialler(HERE), addresses),
    ]

    def wall_ms():
        return desk.wall[0]

    own = Own(desk.state, SEALER, ways, HERE, wall_ms=wall_ms)
    desk.commands = with_services(channels=own)
    desk.services = replace(desk.services, channels=own)
    worker = Worker(desk.state, [InApp(desk.state, wall_ms=wall_ms), *ways], wall_ms=wall_ms)
    desk.alerting.delivers(("email", "webhook"))
    own.turn = worker.turn
    running = asyncio.create_task(worker.run())
    yield Room(desk, own, worker, server)
    worker.stop()
    await running
    for way in ways:
        await way.close()


async def test_an_address_is_added_proven_told_and_removed(room):
    added = await room.ok("/channels add email me@example.org")
    assert added.title == "E-mail 1 waits for its code"
    assert added.ephemeral
    (first,) = room.server.mails
    assert first.to == ["me@example.org"]
    assert (await room.say("/watch btc to=1")).error.startswith("E-mail 1 waits for its code")
    proven = await room.ok(f"/channels verify {await room.code()}")
    assert proven.title == "E-mail 1 is yours, and on"
    card = await room.ok("/watch btc to=1")
    assert dict(card.fields)["Goes to"] == "E-mail 1"
    await room.fire()
    await room.told(lambda: len(room.server.mails) > 1)
    assert await room.settled() == [("email", "1", State.ACCEPTED)]
    assert "BTC" in room.server.mails[-1].message["Subject"]
    (row,) = (await room.ok("/channels list")).table.rows
    assert row == ("1", "E-mail me@example.org", "all", "on", "just now")
    asked = await room.ok("/channels remove 1")
    assert asked.title == "Remove E-mail 1?"
    assert "1 of your alerts go there" in asked.text
    assert (await room.desk.press(asked.buttons[0][0].action, YOU)).error == "You have no channel 1."
    gone = await room.desk.press(asked.buttons[0][0].action)
    assert "1 of your alerts went there" in gone.text
    assert dict((await room.ok("/alert show 1")).fields)["Goes to"] == "here, in the app"
    assert (await room.say("/channels test 1")).error == "You have no channel 1."


async def test_a_webhook_is_signed_with_the_secret_that_was_shown_once(room, receiver):
    number = await room.add_hook(receiver)
    line, headers, body = receiver.requests[0]
    assert line.startswith("POST /hook")
    assert peer.problem(headers, body, receiver.secret) == ""
    assert receiver.events[0]["type"] == "channel.code"
    told = await room.ok("/channels list")
    assert told.table.rows[0][1] == "Webhook http://127.0.0.1/…"
    assert "whsec" not in str(told)
    await room.ok(f"/watch btc to=#{number}")
    await room.fire()
    await room.told(lambda: len(receiver.events) > 1)
    assert (receiver.bad, receiver.events[1]["type"]) == ([], "alert.fired")


async def test_a_wrong_code_counts_and_five_end_it(room):
    await room.ok("/channels add email me@example.org")
    right = await room.code()
    wrong = f"{(int(right) + 1) % 10**8:08d}"
    for _ in range(5):
        assert "not the code" in (await room.say(f"/channels verify {wrong}")).error
    assert "5 wrong codes" in (await room.say(f"/channels verify {right}")).error
    assert (await room.ok("/channels list")).table.rows[0][3] == "waits for its code"


async def test_a_code_expires_and_cannot_be_replayed(room):
    await room.ok("/channels add email me@example.org")
    old = await room.code()
    room.desk.wall[0] += 10 * MINUTE_MS
    assert "10 minutes" in (await room.say(f"/channels verify {old}")).error
    await room.ok("/channels add email me@example.org")
    assert "not the code" in (await room.say(f"/channels verify {old}")).error
    right = await room.code()
    await room.ok(f"/channels verify {right}")
    assert "No code waits" in (await room.say(f"/channels verify {right}")).error


async def test_a_stranger_gets_three_codes_a_day_whoever_asks(room):
    for n in range(3):
        asker = Caller(user_id=UserId(f"telegram:{n}"), front=Front.TELEGRAM)
        await room.ok("/channels add email stranger@example.org", asker)
    assert "3 codes" in (await room.say("/channels add email Stranger+x@example.org", ME)).error
    assert len(room.server.mails) == 3
    assert (await room.ok("/channels list")).table is None
    room.desk.wall[0] += 24 * 60 * MINUTE_MS
    await room.ok("/channels add email stranger@example.org")


async def test_a_user_tries_no_more_than_three_addresses_a_day(room):
    for n in range(3):
        await room.ok(f"/channels add email a{n}@example.org")
    assert "3 codes" in (await room.say("/channels add email a4@example.org")).error
    assert len(room.server.mails) == 3


async def test_no_private_address_is_called_and_the_sentence_is_the_same(room, receiver):
    said = {
        (await room.say(f"/channels add webhook {url}")).error
        for url in ("http://10.0.0.1/x", "http://localhost:22/", "http://[::1]:8080/", "gopher://a.example/x")
    }
    assert len(said) == 1
    assert receiver.requests == []


async def test_what_takes_no_code_is_forgotten(room, receiver):
    room.server.reply("RCPT", "550 5.1.1 no such user")
    assert "could not be sent" in (await room.say("/channels add email nobody@example.org")).error
    for step in (404, 302, "drop", "garbage"):
        receiver.plan = [step]
        refused = await room.say(f"/channels add webhook {receiver.url}", room.somebody())
        assert refused.error == "The code could not be sent: nothing there took it."
        room.desk.wall[0] += 24 * 60 * MINUTE_MS
    assert (await room.ok("/channels list")).table is None


async def test_a_code_keeps_to_the_pace_of_its_channel_and_says_where_that_takes_too_long(room):
    way = room.worker._lanes["email"].attempt
    way.pacer.obey(60.0, destination=None)
    room.own._patience_s = 0.05
    reply = await room.say("/channels add email me@example.org")
    assert reply.error == "Much is being sent just now. Try again in a minute."
    assert room.server.mails == []
    way.pacer._lanes._all.shut_until_s = 0.0
    await room.add_mail()


async def test_two_users_never_see_each_others(room):
    mine = await room.add_mail()
    assert (await room.ok("/channels list", YOU)).table is None
    for line in (f"/channels test {mine}", f"/channels set {mine} label=x", f"/channels remove {mine}"):
        assert (await room.say(line, YOU)).error == f"You have no channel {mine}."
    assert "You have no channel" in (await room.say(f"/watch btc to={mine}", YOU)).error
    assert "You have no E-mail" in (await room.say("/watch btc to=email", YOU)).error
    suggest = room.desk.commands.suggest
    assert [c.value for c in await suggest("channels test", "id", "", ME)] == [str(mine)]
    assert await suggest("channels test", "id", "", YOU) == []
    places = [c.value for c in await suggest("watch", "to", "", YOU)]
    assert str(mine) not in places
    assert [c.value for c in await suggest("watch", "to", "", ME)] == ["dm", "here", "channel", str(mine)]


async def test_a_delivery_of_one_user_never_finds_the_address_of_another(room):
    mine = await room.add_mail()
    addresses = OwnAddresses(room.state, SEALER)
    assert (await addresses.find("email", str(mine), "local:owner")).text == "me@example.org"
    assert await addresses.find("email", str(mine), "discord:42") is None
    assert await addresses.find("webhook", str(mine), "local:owner") is None
    await room.ok("/channels add email other@example.org")
    assert await addresses.find("email", str(mine + 1), "local:owner") is None
    assert await addresses.find("email", f"code:{mine + 1}", "local:owner") is not None


async def test_in_groups_they_are_not_spoken_of(room):
    group = Caller(user_id=UserId("telegram:7"), front=Front.TELEGRAM, place="-1001", private=False)
    assert "private chat" in (await room.say("/channels list", group)).error
    assert (await room.ok("/channels list", YOU)).ephemeral  # a reply that nobody else sees


async def test_without_a_key_they_are_off_and_say_so(desk):
    for line in ("/channels list", "/channels add email me@example.org", "/channels verify 12345678"):
        assert "LIQWATCH_SECRET_KEY" in (await desk.say(line)).error


async def test_severities_decide_what_goes_where(room, receiver):
    hook = await room.add_hook(receiver)
    await room.add_mail()
    changed = await room.ok(f"/channels set {hook} severities=info order=2 label=desk")
    assert dict(changed.fields) == {"severities": "info", "order": "2", "label": "desk"}
    rows = (await room.ok("/channels list")).table.rows
    assert [row[0] for row in rows] == ["2", "1"]
    assert "severities is all" in (await room.say(f"/channels set {hook} severities=loud")).error
    assert "Say what to set" in (await room.say(f"/channels set {hook}")).error
    await room.ok("/watch btc")
    await room.fire()
    await room.told(lambda: len(room.server.mails) > 1)
    sent = await room.settled()
    assert sorted(sent)[:2] == [("email", "2", State.ACCEPTED), ("inapp", "local:owner", State.ACCEPTED)]
    assert not [place for place in sent if place[0] == "webhook"]


async def test_what_one_channel_refuses_for_good_goes_to_the_next(room, receiver):
    hook = await room.add_hook(receiver)
    await room.add_mail()
    await room.ok(f"/watch btc to={hook} within=3%")
    await room.ok("/channels set 2 severities=warning,critical")
    receiver.plan = [410]
    await room.ok("/alert test")
    await room.told(lambda: len(room.server.mails) > 1)
    assert await room.settled() == [("webhook", "1", State.FAILED), ("email", "2", State.ACCEPTED)]
    text = room.server.mails[-1].part("text/plain").get_content()
    assert "Webhook 1 is off (it answered 410" in text
    state = (await room.ok("/channels list")).table.rows[0][3]
    assert state.startswith("off: it answered 410")
    assert "is off" in (await room.say("/watch eth to=1")).error
    assert "took a test" in (await room.ok("/channels test 1")).title
    assert (await room.ok("/channels list")).table.rows[0][3] == "on"
    await room.ok("/watch eth to=1")


async def test_an_alert_for_a_channel_that_is_off_goes_to_the_next_at_once(room, receiver):
    await room.add_hook(receiver)
    await room.add_mail()
    await room.ok("/watch btc to=1")
    receiver.plan = [410]
    assert "410" in (await room.say("/channels test 1")).error
    await room.fire()
    await room.told(lambda: len(room.server.mails) > 1)
    assert ("webhook", "1") not in [place[:2] for place in await room.settled()]
    told = [m.part("text/plain").get_content() for m in room.server.mails[1:]]
    assert any("Webhook 1 is off" in text for text in told)


async def test_a_channel_that_is_gone_is_told_of_where_the_alert_is_told_as_well(room, receiver):
    await room.add_hook(receiver)
    await room.add_mail()
    await room.ok("/watch btc")
    receiver.plan = [410]
    await room.fire()
    await room.told(lambda: len(room.server.mails) > 2)
    await room.settled()
    titles = [str(m.message["Subject"]) for m in room.server.mails]
    assert sum("Webhook 1 is off" in title for title in titles) == 1
    kinds = await room.state.read(lambda s: s.scalars(select(Alert.kind)).all())
    assert kinds.count("notice") == 1
    assert "Webhook 1 is off" not in str(await room.ok("/alert history"))


async def test_where_all_fails_the_app_has_it(room, receiver):
    hook = await room.add_hook(receiver)
    await room.ok(f"/watch btc to={hook}")
    receiver.plan = [400]
    await room.ok("/alert test")
    await room.told(lambda: len(receiver.requests) > 1)
    assert await room.settled() == [
        ("webhook", "1", State.FAILED),
        ("inapp", "local:owner", State.ACCEPTED),
    ]


async def test_an_edit_that_a_mail_cannot_take_is_no_failure_of_the_channel(room):
    await room.add_mail()
    await room.ok("/watch btc to=1")
    await room.fire()
    await room.told(lambda: len(room.server.mails) > 1)
    alert = await room.state.read(lambda s: s.scalars(select(Delivery.alert_id)).first())
    body = {"title": "more", "text": "text"}
    await room.state.run(lambda s: revise(s, alert, body, room.desk.wall[0], epoch=0))
    room.desk.wall[0] += MINUTE_MS
    assert await room.settled() == [("email", "1", State.ACCEPTED), ("email", "1", State.VOID)]
    assert (await room.ok("/channels list")).table.rows[0][3] == "on"


async def test_who_talks_in_a_chat_is_told_there_what_no_channel_takes(room):
    asker = room.somebody()
    room.desk.alerting.delivers(("email", "telegram"))
    number = await room.add_mail(caller=asker)
    await room.ok(f"/channels set {number} severities=info", asker)
    await room.ok(f"/watch btc to={number}", asker)
    await room.fire()
    rows = await room.state.read(lambda s: s.execute(select(Delivery.channel, Delivery.destination)).all())
    assert [tuple(row) for row in rows] == [("telegram", asker.user_id)]


async def test_alerts_of_any_shape_go_to_a_channel_and_away_again(room):
    await room.add_mail()
    saved = await room.ok("/alert add btc above 130000 to=1 save=yes")
    assert dict(saved.fields)["Goes to"] == "E-mail 1"
    number = re.search(r"alert (\d+)", saved.title)[1]
    moved = await room.ok(f"/alert edit {number} to=dm save=yes")
    assert dict(moved.fields)["Goes to"] == "here, in the app"
    again = await room.ok(f"/alert edit {number} to=email save=yes")
    assert dict(again.fields)["Goes to"] == "E-mail 1"
    assert "You have no channel 9" in (await room.say(f"/alert edit {number} to=9 save=yes")).error


async def test_an_alert_for_a_kind_that_is_no_longer_set_up_is_told_at_home(room):
    await room.add_mail()
    await room.ok("/watch btc to=1")
    room.desk.alerting.delivers(())
    await room.fire()
    sent = await room.settled()
    assert sent[0] == ("inapp", "local:owner", State.ACCEPTED)
    body = await room.state.read(lambda s: s.scalars(select(Delivery.message)).first())
    assert body["note"] == "E-mail 1 is off (it is not set up here), so this came here."
