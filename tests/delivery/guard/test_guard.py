"""What users may have called: addresses written in every way, names, and names that change their mind."""

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.guard import REFUSED, Dialler, Networks, Refused, parse
from bot.delivery.guard.networks import is_public

BAD = [
    "http://127.0.0.1/",
    "http://127.0.0.1.:8080/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://0177.0.0.1/",
    "http://0177.0.0.01/",
    "http://017700000001/",
    "http://127.0.0.1%00.example.org/",
    "http://0.0.0.0/",
    "http://0/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://192.0.0.8/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.51.100.7/",
    "http://203.0.113.9/",
    "http://224.0.0.1/",
    "http://239.255.255.250:1900/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[2606:4700::1%25eth0]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    "http://user@example.org/",
    "http://user:password@example.org/",
    "http://example.org@127.0.0.1/",
    "http://127.0.0.1\\@example.org/",
    "http://example.org\\.evil.example/",
    "http://１２７.０.０.１/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://1.1.1.1 .example.org/",
    "http://example.org:22/",
    "http://example.org:25/",
    "http://example.org:6379x/",
    "http://example.org:0/",
    "http://example.org:1024/",
    "http://example.org:70000/",
    "http:///path",
    "http://",
    "https:example.org",
    "//example.org/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "unix:///var/run/docker.sock",
    "javascript:alert(1)",
    "http://example.org/\r\nHost: 127.0.0.1",
    "http://exa mple.org/",
    "http://-example.org/",
    "http://example..org/",
    "http://[::1/",
    "http://8.8.8.8.8/",
    "http://256.1.1.1/",
    "http://1.2.3/",
    f"http://{'a' * 64}.example.org/",
    f"https://example.org/{'x' * 2100}",
    "",
]
GOOD = {
    "https://example.org/hook": "https://example.org/hook",
    "https://EXAMPLE.org/Hook?a=B%20c": "https://example.org/Hook?a=B%20c",
    "http://example.org": "http://example.org",
    "https://example.org.:8443/x": "https://example.org:8443/x",
    "https://example.org:443/": "https://example.org/",
    "https://example.org:80/": "https://example.org:80/",
    "https://hooks.example.org:65535/": "https://hooks.example.org:65535/",
    "https://8.8.8.8/hook": "https://8.8.8.8/hook",
    "https://[2606:4700:4700::1111]/hook": "https://[2606:4700:4700::1111]/hook",
    "https://bücher.example/": "https://xn--bcher-kva.example/",
    "https://a_b.example.org/@me?x=a@b": "https://a_b.example.org/@me?x=a@b",
    " https://example.org/hook#part ": "https://example.org/hook",
    "https://1e100.example.org/": "https://1e100.example.org/",
    "https://0x.example/": "https://0x.example/",
}
OPEN = Networks()


@pytest.mark.parametrize("text", BAD)
def test_what_may_not_be_called_is_refused_in_the_same_words(text):
    with pytest.raises(Refused) as refused:
        parse(text, OPEN)
    assert refused.value.message == REFUSED


@pytest.mark.parametrize("text", GOOD)
def test_what_may_be_called_is_kept_in_one_form(text):
    assert str(parse(text, OPEN)) == GOOD[text]


@given(st.ip_addresses())
def test_no_public_address_is_one_that_python_calls_special(address):
    kinds = ("private", "multicast", "reserved", "loopback", "link_local", "unspecified")
    special = [kind for kind in kinds if getattr(address, f"is_{kind}")]
    assert not (is_public(address) and special)


def test_a_network_that_the_operator_named_may_be_called_and_no_other():
    own = Networks(["127.0.0.1/32", "fd00::/64"])
    assert str(parse("http://127.0.0.1:9000/x", own)) == "http://127.0.0.1:9000/x"
    assert str(parse("http://[fd00::5]:9000/", own)) == "http://[fd00::5]:9000/"
    for text in ("http://127.0.0.2:9000/", "http://[fd01::5]:9000/", "http://127.0.0.1:22/"):
        with pytest.raises(Refused):
            parse(text, own)


class Names(AbstractResolver):
    """Answer names from a list, one answer after the other, the last one for ever."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        turns = self.answers.get(host.partition(".")[0])
        if not turns:
            raise OSError(f"no such name: {host}")
        hosts = turns.pop(0) if len(turns) > 1 else turns[0]
        shared = {"hostname": host, "port": port, "proto": 0, "flags": socket.AI_NUMERICHOST}
        return [
            {"host": address, "family": socket.AF_INET6 if ":" in address else socket.AF_INET, **shared}
            for address in hosts
        ]

    async def close(self):
        pass


@pytest.fixture
async def inside():
    """A server that only machines inside may call; `calls` counts who did."""
    calls = []

    async def take(request):
        calls.append(await request.read())
        return web.Response(text="secret")

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1], calls
    await runner.cleanup()


@pytest.fixture
async def dial():
    made = []

    def make(*, named=(), **names):
        made.append(Dialler(Networks(named), resolver=Names(**names)))
        return made[-1]

    yield make
    for dialler in made:
        await dialler.close()


async def _post(dialler, url):
    return await dialler.post(url, b"x", {}, timeout_s=5)


@pytest.mark.parametrize(
    "hosts",
    [
        ["127.0.0.1"],
        ["::1"],
        ["8.8.8.8", "127.0.0.1"],
        ["10.0.0.7"],
        ["169.254.169.254"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%eth0"],
        [],
    ],
)
async def test_a_name_that_stands_for_a_private_address_is_not_called(inside, dial, hosts):
    port, calls = inside
    dialler = dial(hook=[hosts])
    url = f"http://hook.example.org:{port}/"
    with pytest.raises(Refused):
        await dialler.check(url)
    with pytest.raises(Refused):
        await _post(dialler, parse(url, OPEN))
    assert calls == []


async def test_a_name_nobody_knows_is_refused_in_the_same_words(dial):
    with pytest.raises(Refused) as refused:
        await dial().check("https://nothing.example.org/")
    assert refused.value.message == REFUSED


async def test_a_name_that_changes_between_check_and_call_is_not_called(inside, dial):
    port, calls = inside
    dialler = dial(rebind=[["8.8.8.8"], ["127.0.0.1"]])
    url = await dialler.check(f"http://rebind.example.org:{port}/")
    with pytest.raises(Refused):
        await _post(dialler, url)
    assert calls == []


async def test_a_connection_is_never_kept_for_a_name_that_changes(inside, dial):
    port, calls = inside
    dialler = dial(named=["127.0.0.1/32"], rebind=[["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2"]])
    url = await dialler.check(f"http://rebind.example.org:{port}/")
    assert (await _post(dialler, url)).status == 200
    with pytest.raises(Refused):
        await _post(dialler, url)
    assert len(calls) == 1


async def test_the_socket_itself_refuses_what_a_resolver_lets_through(inside, dial):
    """Were the names' check passed by, the address that is connected to is looked at once more."""
    port, calls = inside
    dialler = dial(named=["127.0.0.1/32"])
    url = parse(f"http://127.0.0.1:{port}/", dialler.networks)
    session = dialler._open()
    dialler.networks = Networks()
    with pytest.raises(aiohttp.ClientConnectorError):
        await session.post(url)
    assert calls == []


async def test_a_proxy_in_the_environment_is_not_used(inside, dial, monkeypatch):
    port, calls = inside
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    dialler = dial(named=["127.0.0.1/32"], hook=[["127.0.0.1"]])
    url = await dialler.check(f"http://hook.example.org:{port}/")
    assert (await _post(dialler, url)).status == 200
    assert calls == [b"x"]


async def test_an_address_that_is_numbers_needs_no_name(inside, dial):
    port, calls = inside
    dialler = dial(named=["127.0.0.0/8"])
    with pytest.raises(Refused):
        await dial().check(f"http://127.0.0.1:{port}/")
    url = await dialler.check(f"http://127.0.0.1:{port}/")
    assert (await asyncio.wait_for(_post(dialler, url), 10)).status == 200
    assert calls == [b"x"]
