"""Who is answered in which language, and that everything there is to say can be said in another."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from sqlalchemy import select

from bot.commands.reply import Caller, Front, Reply
from bot.lang import LANGUAGES, SHIPPED, languages
from bot.lang.choice import posted_language
from bot.lang.languages import Language
from bot.lang.messages import extracted
from engine.model import UserId
from storage import servers
from storage.tables import Delivery
from storage.users import get_settings, set_settings

READER = Caller(user_id=UserId("discord:7"), front=Front.DISCORD, language="xx-YY")
WALL_MS = 1_790_000_000_000
TYPED = re.compile(r"/[a-z]+|[a-z_]+=\S*|\[[^]]*\]")
NO_DATA = "There is no data for SOLUSDT yet."
"""What the still market of these tests says itself."""
WORD = re.compile(r"[A-Za-z]{3,}")


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Write a catalogue that puts every message into brackets, so that what is not one stands out."""
    catalog = Catalog(locale="de", charset="utf-8", fuzzy=False)
    for message in extracted():
        if message.id:
            several = isinstance(message.id, tuple)
            told = tuple(f"⟦{each}⟧" for each in message.id) if several else f"⟦{message.id}⟧"
            catalog.add(message.id, told, context=message.context)
    path = tmp_path_factory.mktemp("locale") / "xx.po"
    with path.open("wb") as file:
        write_po(file, catalog)
    return path


@pytest.fixture
def made_up(marked, monkeypatch):
    """Let there be a language xx beside English, and beside those that ship."""
    monkeypatch.setattr(Language, "file", property(lambda _self: marked))
    monkeypatch.setitem(LANGUAGES, "xx", Language(code="xx", locale="de", name="Xx", discord=()))
    monkeypatch.setattr(languages, "SHIPPED", (*SHIPPED, "xx"))


def texts(reply: Reply) -> list[str]:
    """Return everything that is read of a reply."""
    table = [reply.table.headings, *reply.table.rows] if reply.table else []
    return [
        *(reply.title, reply.text, reply.error),
        *(cell for row in (*table, *reply.fields) for cell in row),
        *(button.label for row in reply.buttons for button in row),
        *(image.alt for image in reply.images),
    ]


def outside(text: str) -> str:
    """Return what of a text stands in no bracket."""
    while (bare := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = bare
    return text


async def test_every_command_answers_in_another_language(desk, made_up):
    await desk.state.run(lambda s: set_settings(s, "local:owner", {"language": "xx"}, wall_ms=WALL_MS))
    for command in desk.commands.registry.on(Front.PANEL):
        for line in (f"/help {command.name}", *command.examples[:1], f"/{command.name} nonsense"):
            reply = await desk.say(line)
            assert reply.language == "xx", line
            assert all(text.count("⟦") == text.count("⟧") for text in texts(reply)), line
            assert "wrong on our side" not in reply.error, (line, reply.error)
            told = reply.error or "".join(texts(reply))
            assert "⟦" in told or told == NO_DATA, (line, told)


@pytest.mark.parametrize(
    "line",
    [
        *("/help", "/start", "/zones btc", "/cascade btc", "/check btc 112000", "/market btc", "/status"),
        *(
            "/watch btc",
            "/alert list",
            "/alert history",
            "/data show",
            "/channels list",
            "/symbols",
            "/nonsense",
        ),
        *("/alert templates", "/alert conditions", "/liqprice btc long 113000 10x", "/unwatch btc"),
    ],
)
async def test_titles_and_sentences_come_from_the_catalogue(desk, made_up, line):
    await desk.state.run(lambda s: set_settings(s, "local:owner", {"language": "xx"}, wall_ms=WALL_MS))
    reply = await desk.say(line)
    for text in (reply.title, reply.text, reply.error, *(name for name, _value in reply.fields)):
        left = [word for word in WORD.findall(TYPED.sub("", outside(text))) if not word.isupper()]
        assert set(left) <= {"Binance", "Liqwatch", "Mio", "Mrd"}, (text, left)


async def test_what_the_platform_says_is_heard_and_told_once(desk, made_up):
    first = await desk.say("/symbols", READER)
    assert first.language == "xx"
    assert "⟦You are answered in Xx" in first.notice
    second = await desk.say("/symbols", READER)
    assert second.language == "xx"
    assert "answered in" not in second.notice


async def test_an_alert_comes_in_the_language_that_was_heard(desk, made_up):
    await desk.ok("/watch btc", READER)
    await desk.ok("/alert test 1", READER)
    rows = await desk.state.read(lambda s: [row.message for row in s.scalars(select(Delivery))])
    assert [row["language"] for row in rows] == ["xx"]
    assert rows[0]["title"].startswith("⟦Test alert")


async def test_english_is_not_noted(desk):
    await desk.say("/symbols", Caller(user_id=READER.user_id, front=Front.DISCORD, language="en-US"))
    assert await desk.state.read(lambda s: get_settings(s, READER.user_id)) == {}


async def test_a_language_is_chosen_and_answered_in_at_once(desk):
    reply = await desk.ok("/settings set language=english")
    assert dict(reply.fields)["language"] == "English"
    assert await desk.state.read(lambda s: get_settings(s, "local:owner")) == {"language": "en"}


async def test_what_is_chosen_goes_before_what_is_heard(desk, made_up):
    await desk.state.run(lambda s: set_settings(s, READER.user_id, {"language": "en"}, wall_ms=WALL_MS))
    reply = await desk.say("/symbols", READER)
    assert reply.language == "en"
    assert "answered in" not in reply.notice


async def test_posts_are_in_the_language_of_their_place(desk, made_up):
    def place(session) -> tuple[str, str]:
        servers.set_server(session, "discord:server-1", {"language": "xx"}, wall_ms=WALL_MS)
        servers.note_place(session, "discord:server-1", ("discord", "123"), wall_ms=WALL_MS)
        here = posted_language(session, "discord:7", "discord", "123")
        return here, posted_language(session, "discord:7", "discord", "")

    assert await desk.state.run(place) == ("xx", "en")
