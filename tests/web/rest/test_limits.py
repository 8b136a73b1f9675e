"""Who asks too often, sends too much, sends it too slowly or comes from another site is turned away."""

import asyncio
import json

import pytest

from bot.web.rest.clients import MOST_CLIENTS, Clients, Rates, client_of
from bot.web.server import Limits
from config.api_sections import ApiSettings


async def statuses(site, count, path="/symbols", **headers):
    found = []
    for _ in range(count):
        async with site.get(path, headers=headers) as answer:
            found.append(answer.status)
    return found


async def test_who_asks_too_often_is_told_when_to_come_back(serve):
    site = await serve(api=ApiSettings(rate_per_s=0.5, burst=3))
    assert await statuses(site, 4) == [200, 200, 200, 429]
    async with site.get("/api/symbols") as answer:
        assert answer.status == 429, "the page's own paths count as well"
        assert 1 <= int(answer.headers["Retry-After"]) <= 2
        problem = await answer.json(content_type="application/problem+json")
    assert problem["status"] == 429
    assert await statuses(site, 3, "/healthz") == [200, 200, 200]
    assert await statuses(site, 2, "/static/main.js") == [200, 200]
    async with site.get("/metrics") as answer:
        assert "http_requests_limited_total 2.0" in await answer.text()


async def test_a_proxys_word_counts_only_where_it_is_listed(serve):
    strict = await serve(api=ApiSettings(rate_per_s=0.01, burst=1))
    assert await statuses(strict, 1, **{"X-Forwarded-For": "198.51.100.1"}) == [200]
    assert await statuses(strict, 1, **{"X-Forwarded-For": "198.51.100.2"}) == [429]
    behind = await serve(api=ApiSettings(rate_per_s=0.01, burst=1, trusted_proxies=("127.0.0.0/8",)))
    for address in ("198.51.100.1", "198.51.100.2"):
        assert await statuses(behind, 2, **{"X-Forwarded-For": address}) == [200, 429]
    assert await statuses(behind, 1, **{"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}) == [429]


class Request:
    """A request from somewhere, as the clients' book reads it."""

    def __init__(self, remote, *said):
        from multidict import CIMultiDict

        self.remote = remote
        self.headers = CIMultiDict([("X-Forwarded-For", each) for each in said])


@pytest.mark.parametrize(
    ("remote", "said", "address"),
    [
        ("192.0.2.7", ("1.1.1.1",), "192.0.2.7"),
        ("10.0.0.1", ("1.1.1.1",), "1.1.1.1"),
        ("10.0.0.1", ("6.6.6.6, 1.1.1.1, 10.0.0.2",), "1.1.1.1"),
        ("10.0.0.1", ("6.6.6.6", "1.1.1.1"), "1.1.1.1"),
        ("10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("[2001:db8::1]:443",), "2001:db8::1"),
        ("10.0.0.1", ("1.1.1.1:5000",), "1.1.1.1"),
        ("::ffff:10.0.0.1", ("1.1.1.1",), "1.1.1.1"),
        ("fe80::1%eth0", ("1.1.1.1",), "fe80::1"),
        (None, ("1.1.1.1",), "unknown"),
    ],
)
def test_an_address_is_the_last_that_no_listed_proxy_answers_for(remote, said, address):
    assert Clients(("10.0.0.0/8",)).address(Request(remote, *said)) == address


def test_a_client_of_ipv6_is_its_network_and_the_oldest_are_forgotten():
    assert client_of("2001:db8::1") == client_of("2001:db8::ffff") != client_of("2001:db8:0:1::1")
    now_s = 0.0
    rates = Rates(1.0, 1, clock=lambda: now_s)
    assert (rates.wait_s("2001:db8::1"), rates.wait_s("2001:db8::2")) == (0.0, 1.0)
    now_s = 2.0
    assert rates.wait_s("2001:db8::2") == 0.0
    for number in range(MOST_CLIENTS + 5):
        rates.wait_s(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(rates) == MOST_CLIENTS


async def test_other_sites_may_read_only_where_they_are_listed(serve):
    site = await serve(api=ApiSettings(burst=1000, cors_origins=("https://app.example",)))
    asks = {"Access-Control-Request-Method": "GET"}
    async with site.get("/symbols", headers={"Origin": "https://app.example"}) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Origin" in ", ".join(answer.headers.getall("Vary"))
    async with site.client.options("/symbols", headers={"Origin": "https://app.example"} | asks) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Headers"] == "If-None-Match"
    async with site.get("/zones", headers={"Origin": "https://app.example"}) as answer:
        assert answer.status == 400
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    for path, origin in (("/symbols", "https://evil.example"), ("/api/session", "https://app.example")):
        async with site.get(path, headers={"Origin": origin}) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
        async with site.client.options(path, headers={"Origin": origin} | asks) as answer:
            assert answer.status == 403
    for path in ("/metrics", "/ws/stats"):
        async with site.get(path, headers={"Origin": "https://app.example"}) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_by_default_no_other_site_may_read(site):
    async with site.get("/symbols", headers={"Origin": "https://app.example"}) as answer:
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    async with site.client.options("/symbols", headers=headers) as answer:
        assert answer.status == 403


async def test_a_foreign_host_learns_nothing(site):
    for path in ("/symbols", "/openapi.json", "/docs", "/metrics", "/liquidations/heatmap-timeseries"):
        async with site.get(path, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403


async def raw(site, *sent: bytes, wait_s: float = 5.0) -> bytes:
    """Send bytes over a socket of one's own; return all that comes until the far end closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.server.port)
    try:
        for part in sent:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(wait_s):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /symbols HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n",
        b"GET /symbols HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
        b"POST /panel/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n",
    ],
)
async def test_a_body_that_is_too_large_is_refused_before_it_comes(site, head):
    said = await raw(site, head, b"x" * 1000)
    assert said.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in said
    assert json.loads(said.partition(b"\r\n\r\n")[2])["status"] == 413


@pytest.mark.parametrize(
    "head",
    [
        b"GET /symbols?symbol=" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /symbols HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n",
    ],
)
async def test_a_line_that_is_too_long_is_refused(site, head):
    said = await raw(site, head)
    assert said.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400", b"HTTP/1.1 414"))
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    "head",
    [b"GET /symbols HTTP/1.1\r\nHost: localhost\r\nX-", b"GET /symb", b""],
)
async def test_a_request_that_never_ends_is_not_waited_for(serve, head):
    site = await serve(limits=Limits(idle_s=0.3))
    assert await raw(site, head) == b""


async def test_a_body_that_never_comes_holds_nobody_up(serve):
    site = await serve(limits=Limits(idle_s=0.3))
    head = b"GET /symbols HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
    lines = [asyncio.create_task(raw(site, head, wait_s=30.0)) for _ in range(5)]
    assert await statuses(site, 3) == [200, 200, 200]
    assert all(said.startswith(b"HTTP/1.1 200") for said in await asyncio.gather(*lines))
