"""Channels that are no chat, as the settings make them."""

import asyncio
import importlib.util
import socket
import sys
from pathlib import Path

import pytest

from bot.delivery.breaker import Barred, Unwell
from bot.supervisor import PartState
from bot.ways import check_ways, links_of, off, sealer_of, ways_of
from config.settings import load
from engine.errors import ConfigError

TESTS = Path(__file__).parents[1]
SECRET = "whsec_" + "QUFB" * 12
MAIL = {"EMAIL_HOST": "127.0.0.1", "EMAIL_SECURITY": "none", "EMAIL_FROM": "Liqwatch <a@example.org>"}


@pytest.fixture
def settings(tmp_path):
    def make(**environ):
        return load(environ={f"LIQWATCH_{k}": v for k, v in environ.items()}, directory=tmp_path)

    return make


def names(ways):
    return [channel.name for channel in ways.channels]


class Further:
    async def find(self, _channel, _destination, _owner):
        return None


def test_without_settings_there_is_none_and_it_is_said_what_is_lacking(settings):
    assert names(ways_of(settings(), links=None)) == []
    told = {item.name: item.fix for item in off(settings())}
    assert "LIQWATCH_EMAIL_HOST" in told["E-mail"]
    assert any("LIQWATCH_SECRET_KEY" in fix for fix in told.values())
    assert off(settings(**MAIL, SECRET_KEY="k" * 40)) == []
    assert sealer_of(settings()) is None
    assert sealer_of(settings(SECRET_KEY="k" * 40, OLD_SECRET_KEYS=f"{'o' * 32},{'p' * 32}")) is not None
    assert links_of(settings(), b"k") is None


def test_each_channel_is_there_once_it_is_set_up(settings):
    whole = settings(
        **MAIL,
        EMAIL_TO="me@example.org",
        WEBHOOK_URL="https://hooks.example.org/x",
        WEBHOOK_SECRET=SECRET,
        APPRISE_URL="json://hooks.example.org",
    )
    assert names(ways_of(whole, links=None)) == ["email", "webhook", "apprise"]
    assert names(ways_of(settings(), links=None, further=Further())) == ["webhook", "apprise"]


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"EMAIL_HOST": "mail.example.org"}, "LIQWATCH_EMAIL_FROM"),
        ({**MAIL, "EMAIL_USER": "me"}, "LIQWATCH_EMAIL_PASSWORD"),
        (
            {**MAIL, "EMAIL_HOST": "mail.example.org", "EMAIL_USER": "a", "EMAIL_PASSWORD": "b"},
            "starttls or tls",
        ),
        ({"WEBHOOK_URL": "https://hooks.example.org/x"}, "LIQWATCH_WEBHOOK_SECRET"),
        ({"WEBHOOK_URL": "https://10.0.0.1/x", "WEBHOOK_SECRET": SECRET}, "LIQWATCH_WEBHOOK_URL"),
        ({"WEBHOOK_URL": "https://a.example/x", "WEBHOOK_SECRET": "whsec_short"}, "LIQWATCH_WEBHOOK_SECRET"),
        ({**MAIL, "EMAIL_FROM": "not@an@address.example"}, "LIQWATCH_EMAIL_FROM"),
        ({**MAIL, "EMAIL_TO": "ab..c@example.org"}, "LIQWATCH_EMAIL_TO"),
        ({"PRIVATE_NETWORKS": "10.0.0.0/33"}, "LIQWATCH_PRIVATE_NETWORKS"),
        ({"OLD_SECRET_KEYS": "short"}, "LIQWATCH_OLD_SECRET_KEYS"),
    ],
)
def test_what_cannot_work_is_told_by_the_name_of_its_setting(settings, environ, told):
    with pytest.raises(ConfigError) as error:
        check_ways(settings(**environ))
    text = "\n".join(error.value.problems)
    assert told in text
    assert "whsec_short" not in text


def test_the_operators_network_may_be_called(settings):
    here = settings(
        WEBHOOK_URL="http://10.0.0.1:9000/x", WEBHOOK_SECRET=SECRET, PRIVATE_NETWORKS="10.0.0.0/24"
    )
    assert names(ways_of(here, links=None)) == ["webhook"]


def load_file(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


async def test_a_mail_goes_out_as_the_settings_say(settings):
    mail = load_file("peers_mail", TESTS / "peers" / "mail.py")
    messages = load_file("delivery_messages", TESTS / "delivery" / "messages.py")
    server = await mail.MailServer().start()
    whole = settings(
        **MAIL, EMAIL_PORT=str(server.port), EMAIL_TO="me@example.org", PUBLIC_URL="https://l.example.org"
    )
    ways = ways_of(whole, links=links_of(whole, b"k" * 32))
    async with asyncio.timeout(30):
        await ways.channels[0].send(messages.message(), key="k" * 64, edit_of=None)
    await ways.close()
    await server.stop()
    (got,) = server.mails
    assert got.message["From"] == "Liqwatch <a@example.org>"
    assert "https://l.example.org/unsubscribe/" in got.message["List-Unsubscribe"]


async def test_a_channel_that_sends_nothing_says_so_and_why(settings):
    mail = load_file("peers_mail", TESTS / "peers" / "mail.py")
    messages = load_file("delivery_messages", TESTS / "delivery" / "messages.py")
    server = await mail.MailServer(login=("me", "right")).start()
    login = {"EMAIL_USER": "me", "EMAIL_PASSWORD": "wrong", "EMAIL_TO": "me@example.org"}
    ways = ways_of(settings(**MAIL, **login, EMAIL_PORT=str(server.port)), links=None)
    (before,) = ways.health()
    assert (before.name, before.well, before.advice) == ("email", True, "")
    with pytest.raises(Barred):
        await ways.channels[0].send(messages.message(), key="k" * 64, edit_of=None)
    (told,) = ways.health()
    assert (told.state, told.well, told.essential) == (PartState.RESTARTING, False, False)
    assert told.advice == "nothing is sent for 60 s: the mail server does not accept the login"
    await ways.close()
    await server.stop()


async def test_receivers_that_fail_are_counted_but_not_named(settings):
    messages = load_file("delivery_messages", TESTS / "delivery" / "messages.py")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    near = {"WEBHOOK_URL": f"https://127.0.0.1:{port}/hook", "WEBHOOK_SECRET": SECRET}
    ways = ways_of(settings(**near, PRIVATE_NETWORKS="127.0.0.1/32"), links=None)
    for _ in range(5):
        with pytest.raises(Unwell):
            await ways.channels[0].send(messages.message(), key="k" * 64, edit_of=None)
    (told,) = ways.health()
    assert told.well
    assert told.advice == (
        "one place that fails is left alone for up to 15 s, the last time because: it cannot be reached"
    )
    await ways.close()
