"""Alerts by webhook: the real channel against a receiver that checks signatures and misbehaves."""

import datetime as dt
import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.delivery.addresses import Address, HouseAddresses
from bot.delivery.breaker import Unwell
from bot.delivery.guard import REFUSED, Dialler, Networks
from bot.delivery.http import retry_after_s
from bot.delivery.links import Links
from bot.delivery.webhook import WebhookChannel, new_secret, secret_bytes, sign
from engine.errors import Gone, Permanent, Retryable, UserError

TESTS = Path(__file__).parents[2]


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_receiver", TESTS / "peers" / "receiver.py")
certificates = load("peers_certificates", TESTS / "peers" / "certificates.py")
messages = load("delivery_messages", TESTS / "delivery" / "messages.py")

KEY = "ab12" * 16
LINKS = Links("https://liqwatch.example.org", b"k" * 32)
HERE = ("127.0.0.1/32",)


@pytest.fixture
async def serve():
    started = []

    async def start(tls=None):
        started.append(await peer.Receiver(tls).start())
        return started[-1]

    yield start
    for receiver in started:
        await receiver.stop()


@pytest.fixture
async def channel():
    made = []

    def make(url, *, secret=peer.SECRET, named=HERE, **more):
        addresses = HouseAddresses({"webhook": Address(url, secret)})
        made.append(WebhookChannel(Dialler(Networks(named)), addresses, **{"links": LINKS} | more))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def send(one, message=None, edit_of=None):
    return await one.send(message or messages.message(), key=KEY, edit_of=edit_of)


async def test_an_alert_is_a_signed_event(serve, channel):
    receiver = await serve()
    receipt = await send(channel(receiver.url))
    assert receipt.remote_id == f"msg_{KEY[:40]}"
    assert receiver.bad == []
    (event,) = receiver.events
    assert event["type"] == "alert.fired"
    data = event["data"]
    assert data["title"] == "BTC is 0.8% above a $42M long zone"
    assert data["severity"] == "critical"
    assert data["market_time"] == "2025-10-10T20:35:00.000Z"
    assert data["figures"][2] == {"label": "Zone", "value": "110,500–110,900"}
    assert data["picture_alt"] == "BTC heatmap with the zone marked"
    token = data["picture_url"].removeprefix("https://liqwatch.example.org/picture/").removesuffix(".png")
    assert LINKS.read("picture", token) == ("7",)
    assert [link["label"] for link in data["links"]] == ["Open the chart", "Snooze 1 h", "Pause"]


async def test_without_a_public_address_there_are_no_links(serve, channel):
    receiver = await serve()
    await send(channel(receiver.url, links=None))
    (event,) = receiver.events
    assert event["data"]["picture_url"] is None
    assert event["data"]["links"] == []


async def test_the_example_of_the_standard():
    """Check the headers against the vector that libraries of Standard Webhooks are tested with."""
    headers = sign(
        secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp_s=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("text", ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_AAAA", "whsec_!!"])
def test_what_is_no_secret_is_refused(text):
    with pytest.raises(UserError):
        secret_bytes(text)


def test_a_new_secret_is_one():
    assert len(secret_bytes(new_secret())) == 32
    assert new_secret() != new_secret()


async def test_a_wrong_secret_is_noticed_by_the_receiver(serve, channel):
    receiver = await serve()
    with pytest.raises(Permanent):
        await send(channel(receiver.url, secret=new_secret()))
    assert receiver.events == []
    assert receiver.bad == ["the signature is not right"]


async def test_what_is_sent_again_after_a_cut_line_is_known_by_its_id(serve, channel):
    receiver = await serve()
    receiver.plan = ["drop"]
    one = channel(receiver.url)
    with pytest.raises(TimeoutError):
        await send(one)
    await send(one)
    ids = [headers["webhook-id"] for _, headers, _ in receiver.requests]
    assert ids[0] == ids[1]
    assert len(receiver.events) == 1


async def test_a_change_of_an_alert_is_an_event_of_its_own(serve, channel):
    receiver = await serve()
    one = channel(receiver.url)
    first = await send(one)
    changed = replace(messages.message(), revision=2, title="BTC fell through $42M of longs")
    assert (await send(one, changed, edit_of=first.remote_id)).remote_id == first.remote_id
    assert [(e["type"], e["data"]["revision"]) for e in receiver.events] == [
        ("alert.fired", 0),
        ("alert.updated", 2),
    ]


@pytest.mark.parametrize(
    ("step", "error", "wait_s"),
    [
        (500, Unwell, None),
        (502, Unwell, None),
        ((503, {"Retry-After": "9"}), Retryable, 9.0),
        ((429, {"Retry-After": "7"}), Retryable, 7.0),
        (429, Retryable, None),
        (408, Retryable, None),
        (425, Retryable, None),
        (401, Retryable, 60.0),
        (403, Retryable, 60.0),
        (404, Gone, None),
        (410, Gone, None),
        (400, Permanent, None),
        (422, Permanent, None),
        ((302, {"Location": "http://169.254.169.254/latest/meta-data/"}), Permanent, None),
        ((307, {"Location": "http://127.0.0.1:1/"}), Permanent, None),
    ],
)
async def test_what_a_receiver_answers_is_understood(serve, channel, step, error, wait_s):
    receiver = await serve()
    receiver.plan = [step]
    with pytest.raises(error) as raised:
        await send(channel(receiver.url))
    assert type(raised.value) is error
    assert getattr(raised.value, "retry_after_s", None) == wait_s
    assert len(receiver.requests) == 1


async def test_a_redirect_to_a_private_address_leads_nowhere(serve, channel):
    receiver, inside = await serve(), await serve()
    receiver.plan = [(307, {"Location": inside.url})]
    with pytest.raises(Permanent, match="redirects are not followed"):
        await send(channel(receiver.url))
    assert inside.requests == []


@pytest.mark.parametrize("how", ["slow body", "huge"])
async def test_an_answer_that_never_ends_is_not_read(serve, channel, how):
    receiver = await serve()
    receiver.plan = [how]
    await send(channel(receiver.url))
    assert len(receiver.events) == 1


@pytest.mark.parametrize("how", ["stall", "garbage"])
async def test_no_answer_is_an_unknown_end(serve, channel, how):
    receiver = await serve()
    receiver.plan = [how]
    with pytest.raises(TimeoutError):
        await send(channel(receiver.url, timeout_s=0.5))


async def test_a_head_that_is_too_long_is_not_read_to_its_end(serve, channel):
    receiver = await serve()
    receiver.plan = [(200, {"X-Long": "x" * 100_000})]
    with pytest.raises(TimeoutError):
        await send(channel(receiver.url))


@pytest.mark.parametrize("which", ["nobody knows the authority", "another host", "expired"])
async def test_a_bad_certificate_gets_no_alert(serve, channel, tmp_path, which):
    authority = certificates.Authority()
    past = certificates.NOW - certificates.DAY
    context = {
        "nobody knows the authority": lambda: authority.serve(tmp_path),
        "another host": lambda: authority.serve(tmp_path, host="other.example.org"),
        "expired": lambda: authority.serve(tmp_path, until=past),
    }[which]()
    receiver = await serve(context)
    with pytest.raises(Unwell, match="certificate"):
        await send(channel(receiver.url))
    assert receiver.requests == []


async def test_a_private_address_is_not_called_whatever_is_stored(serve, channel):
    receiver = await serve()
    with pytest.raises(Permanent) as refused:
        await send(channel(receiver.url, named=()))
    assert refused.value.reason == REFUSED
    for name in (f"http://localhost:{receiver.port}/", f"http://nothing.invalid:{receiver.port}/"):
        with pytest.raises(Retryable) as refused:
            await send(channel(name, named=()))
        assert refused.value.reason == REFUSED
    assert receiver.requests == []


async def test_after_failures_in_a_row_a_host_is_left_alone(serve, channel):
    receiver = await serve()
    receiver.plan = [500] * 20
    one = channel(receiver.url)
    for _ in range(5):
        with pytest.raises(Unwell):
            await send(one)
    with pytest.raises(Retryable, match="failed too often"):
        await send(one)
    assert len(receiver.requests) == 5


async def test_nothing_of_what_others_wrote_leaves_its_place(serve, channel):
    receiver = await serve()
    await send(channel(receiver.url), messages.evil())
    (event,) = receiver.events
    head, headers, _ = receiver.requests[0]
    assert head == "POST /hook HTTP/1.1"
    assert "bcc" not in headers
    told = json.dumps(event, ensure_ascii=False)
    assert not set("\u202e\x00\x1b\ud800") & set(told)
    assert "\n" not in event["data"]["title"]


async def test_an_alert_that_is_far_too_long_is_cut(serve, channel):
    receiver = await serve()
    await send(channel(receiver.url), messages.oversized())
    (_, _, body) = receiver.requests[0]
    assert len(body) < 64 * 1024
    assert receiver.bad == []


NOW = dt.datetime(2025, 10, 10, 21, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("told", "wait_s"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("999999", 3600.0),
        ("Fri, 10 Oct 2025 21:01:00 GMT", 60.0),
        ("Fri, 10 Oct 2025 20:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
    ],
)
def test_when_to_try_again(told, wait_s):
    assert retry_after_s({"Retry-After": told}, now=NOW) == wait_s
