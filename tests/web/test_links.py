"""Links of messages, on the real server: they do one thing, and only when somebody presses."""

import re

import pytest

from bot.delivery.channel import OutMessage
from bot.delivery.links import LIFE_S, Kind, Links
from bot.web.links import title_of
from engine.errors import UserError
from engine.model import Severity

PUBLIC = "https://liqwatch.example.org"
KEY = b"k" * 32
PAUSE = "v1:alert:pause:7"


class Clock:
    now_s = 1_760_000_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def links(clock):
    return Links(PUBLIC, KEY, clock_s=clock)


class Linked:
    """What links lead to, without a store."""

    def __init__(self, picture=None):
        self._picture = picture
        self.stopped = []

    async def picture(self, delivery_id):
        return self._picture if delivery_id == 7 else None

    async def stop(self, channel, destination):
        self.stopped.append((channel, destination))
        return 2


def message(**changes):
    values = {
        "delivery_id": 7,
        "alert_id": "a1",
        "user_id": "telegram:42",
        "destination": "house",
        "kind": "zone_proximity",
        "severity": Severity.CRITICAL,
        "symbol": "BTCUSDT",
        "title": "t",
        "text": "x",
        "market_ms": 1,
        "buttons": ((("Pause", PAUSE), ("Forget all", "v1:data:forget!:yes"), ("Why?", "v1:alert:why:a1")),),
    }
    return OutMessage(**values | changes)


def path(url):
    assert url.startswith(f"{PUBLIC}/")
    return url.removeprefix(PUBLIC)


@pytest.fixture
async def served(serve, links, make_alert):
    linked = Linked(make_alert().picture)
    site = await serve(links=links, linked=linked, public_url=PUBLIC)
    return site, linked


async def test_a_picture_is_there_for_whoever_holds_its_link(served, links):
    site, _ = served
    async with site.get(path(links.picture(message()))) as answer:
        assert answer.status == 200
        assert answer.content_type == "image/png"
        assert (await answer.read()).startswith(b"\x89PNG")
    async with site.get(path(links.picture(message(delivery_id=8)))) as answer:
        assert answer.status == 404


async def test_opening_the_link_asks_and_a_press_stops(served, links):
    site, linked = served
    where = path(links.stop("email", "house"))
    async with site.get(where) as answer:
        page = await answer.text()
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert re.search(r'<form method="post"><button type="submit">Stop them</button></form>', page)
    assert "<script" not in page
    assert linked.stopped == []
    origin = {"Host": "liqwatch.example.org", "Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"}
    async with site.client.post(where, headers=origin) as answer:
        assert answer.status == 200
        assert "2 alerts paused." in await answer.text()
    assert linked.stopped == [("email", "house")]


async def test_a_mail_program_stops_with_one_click(served, links):
    """RFC 8058: a POST without cookies, with the one pair as its body."""
    site, linked = served
    where = path(links.stop("email", "house"))
    form = {"List-Unsubscribe": "One-Click"}
    async with site.client.post(where, data=form, headers={"Host": "liqwatch.example.org"}) as answer:
        assert answer.status == 200
    assert linked.stopped == [("email", "house")]


async def test_another_site_cannot_press(served, links):
    site, linked = served
    headers = {"Host": "liqwatch.example.org", "Origin": "https://evil.example"}
    async with site.client.post(path(links.stop("email", "house")), headers=headers) as answer:
        assert answer.status == 403
    assert linked.stopped == []


async def test_a_button_does_what_it_says_for_whom_the_message_was(served, links):
    site, _ = served
    steps = {step.label: step.url for step in links.steps(message())}
    assert list(steps) == ["Open the chart", "Pause"]
    async with site.get(path(steps["Pause"])) as answer:
        assert "<h1>Pause alert 7?</h1>" in await answer.text()
    assert site.commands.asked == []
    async with site.client.post(path(steps["Pause"])) as answer:
        assert answer.status in (200, 400)
    action, caller = site.commands.asked[0]
    assert action == PAUSE
    assert caller.user_id == "telegram:42"
    assert not caller.operator


def tokens(links):
    good = links.stop("email", "house").rpartition("/")[2]
    payload, _, signature = good.partition(".")
    other = Links(PUBLIC, b"o" * 32).stop("email", "house").rpartition("/")[2]
    return {
        "cut": good[:-1],
        "of another kind": links.picture(message()).rpartition("/")[2].removesuffix(".png"),
        "of another installation": other,
        "without signature": payload,
        "empty signature": f"{payload}.",
        "changed": f"{payload[:-4]}AAAA.{signature}",
        "nonsense": "abc.def",
    }


@pytest.mark.parametrize("which", list(tokens(Links(PUBLIC, KEY))))
async def test_what_is_no_link_of_ours_does_nothing(served, links, which):
    site, linked = served
    where = f"/unsubscribe/{tokens(links)[which]}"
    for answering in (site.get(where), site.client.post(where)):
        async with answering as answer:
            assert answer.status in (400, 404)
    assert linked.stopped == []


@pytest.mark.parametrize("kind", list(Kind))
def test_links_expire(links, clock, kind):
    url = {
        Kind.PICTURE: lambda: links.picture(message()).removesuffix(".png"),
        Kind.STOP: lambda: links.stop("email", "house"),
        Kind.PRESS: lambda: links.steps(message())[1].url,
    }[kind]()
    token = url.rpartition("/")[2]
    assert links.read(kind, token)
    clock.now_s += LIFE_S[kind] + 1
    with pytest.raises(UserError, match="expired"):
        links.read(kind, token)


async def test_without_a_public_address_there_is_nothing_behind_links(serve, links):
    site = await serve()
    async with site.get(path(links.stop("email", "house"))) as answer:
        assert answer.status in (403, 404)


@pytest.mark.parametrize(
    ("action", "title"),
    [(PAUSE, "Pause alert 7?"), ("v1:alert:snooze:12:for=1h", "Snooze alert 12?")],
)
def test_a_question_names_what_is_done(action, title):
    assert title_of(action) == title
