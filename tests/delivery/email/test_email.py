"""Alerts by e-mail: the real carriers against a real mail server and a SendGrid on this machine."""

import asyncio
import base64
import importlib.util
import io
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from pydantic import SecretStr

from bot.delivery.addresses import Address, HouseAddresses
from bot.delivery.breaker import Barred, Breakers, Unwell
from bot.delivery.email import EmailChannel, Security, Sender, SendGrid, Smtp, SmtpServer, smtp
from bot.delivery.links import Links
from engine.errors import Gone, Permanent, Retryable, SealUnknown
from engine.model import Severity

TESTS = Path(__file__).parents[2]


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_mail", TESTS / "peers" / "mail.py")
grid = load("peers_sendgrid", TESTS / "peers" / "sendgrid.py")
certificates = load("peers_certificates", TESTS / "peers" / "certificates.py")
messages = load("delivery_messages", TESTS / "delivery" / "messages.py")

TO = "me@example.org"
KEY = "ab12" * 16
SENDER = Sender("Liqwatch", "alerts@example.org")
LINKS = Links("https://liqwatch.example.org/", b"k" * 32)
LOGIN = ("alerts", "a-password-nobody-logs")


@pytest.fixture(scope="module")
def authority():
    return certificates.Authority()


@pytest.fixture
async def serve():
    started = []

    async def start(**given):
        started.append(await peer.MailServer(**given).start())
        return started[-1]

    yield start
    for server in started:
        await server.stop()


@pytest.fixture
async def sendgrid():
    server = await grid.SendGrid().start()
    yield server
    await server.stop()


def channel(carrier, *, to=TO, links=LINKS, **more):
    addresses = HouseAddresses({"email": Address(to)})
    return EmailChannel(carrier, addresses, sender=SENDER, links=links, per_minute=6000, **more)


def over_smtp(server, *, security=Security.NONE, **more):
    return channel(Smtp(SmtpServer(host="127.0.0.1", port=server.port, security=security, **more)))


async def send(one, message=None, key=KEY):
    return await one.send(message or messages.message(), key=key, edit_of=None)


async def test_a_mail_is_text_page_and_picture(serve):
    server = await serve()
    receipt = await send(over_smtp(server))
    assert receipt.remote_id is None
    (mail,) = server.mails
    assert (mail.sender, mail.to) == ("alerts@example.org", [TO])
    head = mail.message
    assert head["Subject"] == "🚨 BTC is 0.8% above a $42M long zone"
    assert head["From"] == "Liqwatch <alerts@example.org>"
    assert head["To"] == TO
    assert head["Auto-Submitted"] == "auto-generated"
    assert head["Importance"] == "high"
    assert head["Date"].datetime.tzinfo is not None
    assert [p.get_content_type() for p in head.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    text = mail.part("text/plain").get_content()
    for wanted in ("CRITICAL: BTC is 0.8% above", messages.LONGS, "Zone: 110,500–110,900", "22:35 CEST"):
        assert wanted in text
    picture = mail.part("image/png")
    assert picture.get_content_disposition() == "inline"
    assert Image.open(io.BytesIO(picture.get_content())).size == (64, 36)
    page = mail.part("text/html").get_content()
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in page
    assert 'alt="BTC heatmap with the zone marked"' in page


async def test_a_mail_that_is_sent_twice_can_be_told_by_its_id(serve):
    server = await serve()
    one = over_smtp(server)
    await send(one)
    await send(one, replace(messages.message(), may_repeat=True))
    await send(one, key="cd34" * 16)
    first, second, other = (mail.message["Message-ID"] for mail in server.mails)
    assert first == second == f"<{KEY[:40]}@example.org>"
    assert other != first
    assert "You may have had this before" in server.mails[1].part("text/plain").get_content()


async def test_with_a_public_address_there_is_one_click_to_stop_and_buttons(serve):
    server = await serve()
    await send(over_smtp(server))
    (mail,) = server.mails
    head = mail.message
    assert head["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    stop = head["List-Unsubscribe"].strip("<>")
    token = stop.removeprefix("https://liqwatch.example.org/unsubscribe/")
    assert LINKS.read("unsubscribe", token) == ("email", "house")
    page, text = mail.part("text/html").get_content(), mail.part("text/plain").get_content()
    for label in ("Open the chart", "Snooze 1 h", "Pause", "Stop these mails"):
        assert f">{label}</a>" in page
        assert f"{label}: https://liqwatch.example.org/" in text


async def test_headers_with_a_long_word_are_not_encoded(serve):
    server = await serve()
    host = f"{'a' * 60}.{'b' * 60}.example.org"
    one = over_smtp(server)
    one._links, one._sender = Links(f"https://{host}", b"k" * 32), Sender("Liqwatch", f"alerts@{host}")
    await send(one)
    (mail,) = server.mails
    head = mail.raw.partition(b"\r\n\r\n")[0].decode()
    assert f"\r\nList-Unsubscribe: <https://{host}/unsubscribe/" in head
    assert f"\r\nMessage-ID: <{KEY[:40]}@{host}>\r\n" in head
    assert f"Content-ID: <picture.{KEY[:40]}@{host}>\r\n".encode() in mail.raw
    assert max(map(len, mail.raw.split(b"\r\n"))) <= 998


async def test_without_one_there_are_no_links_but_what_to_type(serve):
    server = await serve()
    one = channel(Smtp(SmtpServer(host="127.0.0.1", port=server.port, security=Security.NONE)), links=None)
    await send(one)
    (mail,) = server.mails
    page, text = mail.part("text/html").get_content(), mail.part("text/plain").get_content()
    assert mail.message["List-Unsubscribe"] is None
    assert "http" not in text
    assert "href" not in page
    assert "/alert snooze 12 for=1h (Snooze 1 h), /alert pause 12 (Pause) or /alert why a1 (Why?)." in text


async def test_a_recording_says_so_before_anything_else(serve):
    server = await serve()
    label = "REPLAY 2025-10-10 20:35 UTC"
    await send(over_smtp(server), messages.message(label=label, late_s=600, severity=Severity.WARNING))
    (mail,) = server.mails
    page = mail.part("text/html").get_content()
    assert 0 < page.index(f">{label}<") < page.index("<h1")
    assert "Late by 10 min." in mail.part("text/plain").get_content()
    assert mail.message["Importance"] is None


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_the_line_is_encrypted_and_logged_in(serve, authority, tmp_path, security):
    context = authority.serve(tmp_path)
    server = await serve(tls=context, implicit=security is Security.TLS, login=LOGIN)
    user, password = LOGIN
    tls = authority.trust
    await send(over_smtp(server, security=security, user=user, password=SecretStr(password), tls=tls))
    (mail,) = server.mails
    assert mail.encrypted
    assert server.logins == 1


async def test_a_server_with_a_foreign_certificate_gets_neither_mail_nor_password(serve, authority, tmp_path):
    server = await serve(tls=authority.serve(tmp_path), login=LOGIN)
    one = over_smtp(server, security=Security.STARTTLS, user=LOGIN[0], password=SecretStr(LOGIN[1]))
    with pytest.raises(Unwell):
        await send(one)
    assert server.logins == 0
    assert server.mails == []


async def test_a_server_that_cannot_encrypt_is_not_written_to(serve):
    server = await serve()
    with pytest.raises(Unwell):
        await send(over_smtp(server, security=Security.STARTTLS))
    assert server.mails == []


async def test_a_refused_login_pauses_the_channel(serve, authority, tmp_path):
    server = await serve(tls=authority.serve(tmp_path), login=LOGIN)
    wrong = SecretStr("something-else-altogether")
    one = over_smtp(server, security=Security.STARTTLS, user=LOGIN[0], password=wrong, tls=authority.trust)
    with pytest.raises(Barred) as barred:
        await send(one)
    assert barred.value.retry_after_s == smtp.BARRED_S
    assert "something-else" not in barred.value.reason
    connections = server.connections
    with pytest.raises(Retryable) as waits:
        await send(one)
    assert waits.value.retry_after_s > 50
    assert server.connections == connections


@pytest.mark.parametrize(
    ("command", "reply", "error", "wait_s"),
    [
        ("RCPT", "450 4.2.0 Greylisted, come back later", Retryable, smtp.GREY_S),
        ("RCPT", "451 4.7.1 Try again", Retryable, smtp.GREY_S),
        ("RCPT", "452 4.2.2 Mailbox full", Retryable, smtp.FULL_S),
        ("MAIL", "421 4.3.2 Going down", Unwell, None),
        ("DATA", "421 4.3.2 Going down", Unwell, None),
        ("DATA", "451 4.3.0 Later", Retryable, smtp.GREY_S),
        ("RCPT", "550 5.1.1 <me@example.org>: user unknown", Gone, None),
        ("RCPT", "550 5.2.1 Mailbox disabled", Gone, None),
        ("RCPT", "550 relaying denied for me@example.org", Permanent, None),
        ("MAIL", "553 5.7.1 Not your sender", Permanent, None),
        ("MAIL", "530 5.7.0 Log in first", Barred, smtp.BARRED_S),
        ("DATA", "554 5.7.1 Looks like spam", Permanent, None),
        ("DATA", "552 5.3.4 Too big, always", Permanent, None),
    ],
)
async def test_what_a_server_says_is_understood(serve, command, reply, error, wait_s):
    server = await serve()
    server.reply(command, reply, times=2)
    with pytest.raises(error) as raised:
        await send(over_smtp(server))
    assert type(raised.value) is error
    assert getattr(raised.value, "retry_after_s", None) == wait_s
    assert TO not in raised.value.reason
    assert server.mails == []


async def test_a_mail_that_is_too_large_goes_without_its_picture(serve):
    server = await serve(size=60_000)
    noise = Image.effect_noise((400, 400), 90)
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    shown = messages.message()
    await send(over_smtp(server), replace(shown, picture=replace(shown.picture, png=buffer.getvalue())))
    (mail,) = server.mails
    page = mail.part("text/html").get_content()
    assert "<img" not in page
    assert [p.get_content_type() for p in mail.message.walk()][1:] == ["text/plain", "text/html"]


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT"])
async def test_a_server_that_hangs_before_the_mail_has_not_had_it(serve, monkeypatch, command):
    monkeypatch.setattr(smtp, "OPEN_S", 0.3)
    server = await serve()
    server.waits[command] = 60
    with pytest.raises(Unwell):
        await send(over_smtp(server))
    assert server.mails == []


async def test_a_server_that_never_greets_is_given_up(monkeypatch):
    monkeypatch.setattr(smtp, "OPEN_S", 0.3)
    lines = []
    silent = await asyncio.start_server(lambda _, writer: lines.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    carrier = Smtp(SmtpServer(host="127.0.0.1", port=port, security=Security.NONE))
    with pytest.raises(Unwell):
        await send(channel(carrier))
    silent.close()
    for line in lines:
        line.close()
        await line.wait_closed()


async def test_nobody_listens():
    carrier = Smtp(SmtpServer(host="127.0.0.1", port=1, security=Security.NONE))
    with pytest.raises(Unwell):
        await send(channel(carrier))


@pytest.mark.parametrize("how", ["hang", "drop"])
async def test_no_answer_to_a_mail_that_was_sent_is_an_unknown_end(serve, monkeypatch, how):
    monkeypatch.setattr(smtp, "HAND_OVER_S", 0.3)
    server = await serve()
    if how == "hang":
        server.waits["DATA"] = 60
    else:
        server.drops["DATA"] = 1
    with pytest.raises(TimeoutError):
        await send(over_smtp(server))
    assert len(server.mails) == 1


async def test_a_slow_server_is_waited_for(serve):
    server = await serve()
    server.waits.update(EHLO=0.2, MAIL=0.2, RCPT=0.2, DATA=0.2)
    await send(over_smtp(server))
    assert len(server.mails) == 1


async def test_after_failures_in_a_row_the_server_is_left_alone(serve):
    server = await serve()
    server.reply("MAIL", "421 going down", times=99)
    one = over_smtp(server)
    for _ in range(5):
        with pytest.raises(Unwell):
            await send(one)
    seen = server.connections
    with pytest.raises(Retryable):
        await send(one)
    assert server.connections == seen == 5


class Scripts(HTMLParser):
    """Find what a browser would run or fetch."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.urls = set(), set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.urls.update(value for name, value in attrs if name in ("src", "href"))


async def test_nothing_of_what_others_wrote_becomes_header_markup_or_recipient(serve):
    server = await serve()
    await send(over_smtp(server), messages.evil())
    (mail,) = server.mails
    assert mail.to == [TO]
    assert mail.message["Bcc"] is None
    assert "\n" not in mail.message["Subject"]
    assert b"\r\nBcc:" not in mail.raw.split(b"\r\n\r\n", 1)[0]
    page = mail.part("text/html").get_content()
    seen = Scripts()
    seen.feed(page)
    assert "script" not in seen.tags
    assert "onerror" not in seen.attributes
    assert all(url.startswith(("cid:", "https://liqwatch.example.org/")) for url in seen.urls)
    assert "&lt;script&gt;" in page
    whole = page + mail.part("text/plain").get_content() + mail.message["Subject"]
    assert not set("\u202e\x00\x1b\ud800") & set(whole)


async def test_a_note_that_is_far_too_long_is_cut(serve):
    server = await serve()
    await send(over_smtp(server), messages.oversized())
    (mail,) = server.mails
    assert len(mail.message["Subject"]) <= 130
    assert len(mail.part("text/plain").get_content()) < 20_000
    assert len(mail.raw) < 90_000


async def test_an_address_that_is_gone_or_sealed_or_wrong(serve):
    server = await serve()
    one = over_smtp(server)
    with pytest.raises(Retryable, match="LIQWATCH_SECRET_KEY is not set"):
        await one.send(messages.message(destination="42"), key=KEY, edit_of=None)
    with pytest.raises(Permanent):
        await one.send(messages.message(), key=KEY, edit_of="x")

    class Removed:
        async def find(self, _channel, _destination, _owner):
            return None

    class Sealed:
        async def find(self, _channel, _destination, _owner):
            raise SealUnknown("ab12")

    carrier = Smtp(SmtpServer(host="127.0.0.1", port=server.port, security=Security.NONE))
    with pytest.raises(Gone):
        await send(EmailChannel(carrier, Removed(), sender=SENDER))
    with pytest.raises(Retryable, match="LIQWATCH_SECRET_KEY"):
        await send(EmailChannel(carrier, Sealed(), sender=SENDER))  # other destinations than the house's
    with pytest.raises(Permanent):
        await send(channel(carrier, to="me@example.org\r\nRCPT TO:<you@example.org>"))
    assert server.mails == []


def over_sendgrid(server, key=grid.KEY):
    return channel(SendGrid(SecretStr(key), server.url), breakers=Breakers())


async def test_sendgrid_takes_the_same_mail(sendgrid):
    one = over_sendgrid(sendgrid)
    await send(one)
    await one.close()
    (mail,) = sendgrid.mails
    assert mail["headers"]["Message-ID"] == f"<{KEY[:40]}@example.org>"
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    attached = mail["attachments"][0]
    assert f"cid:{attached['content_id']}" in mail["content"][1]["value"]
    assert base64.b64decode(attached["content"]).startswith(b"\x89PNG")
    assert mail["tracking_settings"]["click_tracking"]["enable"] is False


@pytest.mark.parametrize(
    ("step", "error", "wait_s"),
    [
        ((500, {}, ""), Unwell, None),
        ((503, {}, ""), Unwell, None),
        ((401, {}, ""), Barred, 60.0),
        ((403, {}, ""), Barred, 60.0),
        ((429, {"Retry-After": "7"}, ""), Retryable, 7.0),
        ((400, {}, '{"errors":[{"field":"from.email","message":"alerts@example.org?"}]}'), Permanent, None),
        ((400, {}, "<html>"), Permanent, None),
        ((413, {}, ""), Permanent, None),
    ],
)
async def test_what_sendgrid_answers_is_understood(sendgrid, step, error, wait_s):
    sendgrid.plan = [step, step]
    one = over_sendgrid(sendgrid)
    with pytest.raises(error) as raised:
        await send(one)
    await one.close()
    assert type(raised.value) is error
    assert getattr(raised.value, "retry_after_s", None) == wait_s
    assert grid.KEY not in raised.value.reason
    assert "@" not in raised.value.reason


async def test_sendgrid_names_when_its_limit_is_over(sendgrid):
    sendgrid.plan = [(429, {"X-RateLimit-Reset": str(int(time.time()) + 40)}, "")]
    one = over_sendgrid(sendgrid)
    with pytest.raises(Retryable) as raised:
        await send(one)
    await one.close()
    assert 20 < raised.value.retry_after_s <= 40


async def test_too_large_for_sendgrid_goes_without_its_picture(sendgrid):
    sendgrid.plan = [(413, {}, "")]
    one = over_sendgrid(sendgrid)
    await send(one)
    await one.close()
    (mail,) = sendgrid.mails
    assert "attachments" not in mail
    assert "cid:" not in mail["content"][1]["value"]


async def test_a_dropped_answer_of_sendgrid_is_an_unknown_end(sendgrid):
    sendgrid.plan = ["drop"]
    one = over_sendgrid(sendgrid)
    with pytest.raises(TimeoutError):
        await send(one)
    await one.close()
    assert len(sendgrid.mails) == 1


async def test_no_mail_of_others_reaches_sendgrids_headers(sendgrid):
    one = over_sendgrid(sendgrid)
    await send(one, messages.evil())
    await send(one, messages.oversized())
    await one.close()
    assert len(sendgrid.mails) == 2


@pytest.mark.parametrize("per_minute", [6, 10, 60, 6000])
def test_the_pace_is_the_servers_and_no_mail_waits_as_long_as_its_lease(per_minute):
    carrier = Smtp(SmtpServer(host="127.0.0.1", port=1))
    one = EmailChannel(carrier, HouseAddresses({}), sender=SENDER, per_minute=per_minute)
    (rate,) = one.overall
    assert rate.count * 60 / rate.period_s == pytest.approx(per_minute)
    rounds = -(-one.concurrency // rate.count)
    assert rate.period_s * rounds + one.timeout_s <= 60
