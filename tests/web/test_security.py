"""Nobody but the local user's own page may speak for the local user."""

import asyncio
import re

import aiohttp
import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from bot.web.auth import COOKIE_AGE_S, PanelAuth
from bot.web.security import HEADERS, Guard, host_name, is_loopback
from bot.web.server import Limits
from engine.errors import ConfigError

SOCKETS = ("/ws/panel", "/ws/heatmap")


async def refused(site, path: str, **headers: str) -> int:
    """Return the status with which a WebSocket is refused."""
    with pytest.raises(WSServerHandshakeError) as error:
        await site.ws(path, headers=headers)
    return error.value.status


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/healthz",
        "/api/symbols",
        "/api/heatmap?symbol=nope",
        "/nothing",
        "/panel/blobs/x/y",
        "/static/main.js",
    ],
)
async def test_every_answer_carries_the_headers(site, path):
    async with site.get(path) as answer:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert "Server" not in answer.headers


async def test_the_policy_allows_nothing_inline_or_foreign(site):
    async with site.get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        html = await answer.text()
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "10.0.0.7", "a b", ""]
)
async def test_a_rebound_name_is_refused_everywhere(site, host):
    for path in ("/", "/healthz", "/api/symbols", "/static/main.js"):
        async with site.get(path, headers={"Host": host}) as answer:
            assert answer.status in (400, 403)
    for path in SOCKETS:
        assert await refused(site, path, Host=host) in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8080", "LOCALHOST:99", "localhost."])
async def test_loopback_names_are_ours(site, host):
    async with site.get("/healthz", headers={"Host": host}) as answer:
        assert answer.status == 200


async def test_a_listed_name_is_ours_but_not_private(serve):
    site = await serve(allowed_hosts=("liqwatch.example.org",))
    headers = {"Host": "liqwatch.example.org"}
    async with site.get("/", headers=headers) as answer:
        assert answer.status == 200
    async with site.get("/api/session", headers=headers) as answer:
        assert (await answer.json())["panel"] is False
    assert await refused(site, "/ws/panel", Host="liqwatch.example.org") == 401


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", "file://"]
)
@pytest.mark.parametrize("path", SOCKETS)
async def test_another_sites_page_cannot_open_a_socket(site, path, origin):
    assert await refused(site, path, Origin=origin) == 403


@pytest.mark.parametrize("path", SOCKETS)
async def test_our_own_page_can_open_a_socket(site, path):
    async with site.ws(path, headers={"Origin": site.base}) as socket:
        assert (await socket.receive_json())["type"] == "hello"


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_browser_that_says_cross_site_is_refused(site, path):
    assert await refused(site, path, **{"Sec-Fetch-Site": "cross-site"}) == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_another_sites_form_is_refused(open_site, token, origin):
    headers = {"Origin": origin}
    async with open_site.client.post("/panel/sign-in", data={"token": token}, headers=headers) as answer:
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers


async def test_on_loopback_the_panel_needs_no_token(site):
    assert not site.server.token_needed
    assert "token" not in site.server.url
    async with site.ws("/ws/panel") as socket:
        assert (await socket.receive_json())["user"] == "local:owner"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_behind_a_proxy_loopback_is_not_private(site, header):
    assert await refused(site, "/ws/panel", **{header: "1.2.3.4"}) == 401


async def test_bound_elsewhere_the_panel_needs_the_token_but_the_chart_does_not(open_site):
    assert open_site.server.token_needed
    assert await refused(open_site, "/ws/panel") == 401
    for path in ("/panel/blobs/abc/x.png", "/panel/alerts/1/picture.png"):
        async with open_site.get(path) as answer:
            assert answer.status == 401
    for path in ("/", "/healthz", "/readyz", "/api/symbols"):
        async with open_site.get(path) as answer:
            assert answer.status == 200
    async with open_site.ws("/ws/heatmap") as socket:
        assert (await socket.receive_json())["type"] == "hello"


async def test_the_token_becomes_a_cookie_and_leaves_the_address(open_site, token):
    assert open_site.server.url.endswith(f"/?token={token}")
    async with open_site.get(f"/?token={token}&symbol=ETH", allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == "/?symbol=ETH"
        cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert token not in cookie
    assert f"liqwatch_panel_{open_site.server.port}=" in cookie


async def with_cookie(site, cookie: str):
    """Return the status of the panel's session for a cookie."""
    name = f"liqwatch_panel_{site.server.port}"
    async with site.get("/api/session", headers={"Cookie": f"{name}={cookie}"}) as answer:
        return (await answer.json())["panel"]


async def test_the_cookie_opens_the_panel_and_a_forged_one_does_not(open_site, token):
    async with open_site.client.post("/panel/sign-in", data={"token": token}) as answer:
        assert answer.status == 200
        cookie = answer.cookies[f"liqwatch_panel_{open_site.server.port}"].value
    assert await with_cookie(open_site, cookie)
    issued, nonce, signature = cookie.split(".")
    for forged in (
        "",
        "a.b.c",
        f"{issued}.{nonce}.",
        f"{int(issued) + 1}.{nonce}.{signature}",
        token,
        "é.é.é",
    ):
        assert not await with_cookie(open_site, forged)
    headers = {"Cookie": f"liqwatch_panel_{open_site.server.port}={cookie}"}
    async with open_site.ws("/ws/panel", headers=headers) as socket:
        assert (await socket.receive_json())["type"] == "hello"


async def test_a_wrong_token_opens_nothing_and_guessing_is_slowed_down(open_site):
    statuses = []
    for _ in range(12):
        async with open_site.client.post("/panel/sign-in", data={"token": "wrong"}) as answer:
            statuses.append(answer.status)
            assert "Set-Cookie" not in answer.headers
    assert statuses[0] == 403
    assert statuses[-1] == 429
    async with open_site.get("/?token=wrong", allow_redirects=False) as answer:
        assert answer.status == 429


async def test_a_wrong_token_in_the_address_leads_to_the_form(open_site):
    async with open_site.get("/?token=wrong", allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == "/?denied=1"
        assert "Set-Cookie" not in answer.headers


def test_a_token_is_made_where_none_is_set():
    guard = Guard("192.0.2.7", ())
    first, second = PanelAuth(guard, None), PanelAuth(guard, None)
    assert len(first.token) >= 40
    assert first.token != second.token


def test_a_cookie_runs_out_and_ends_with_its_token():
    now_s = 1_000_000.0
    guard = Guard("192.0.2.7", ())
    auth = PanelAuth(guard, "one-token-of-sixteen", clock=lambda: now_s)
    issued = f"{int(now_s)}.nonce"
    cookie = f"{issued}.{auth._sign(issued)}"
    assert auth._valid(cookie)
    now_s += COOKIE_AGE_S + 1
    assert not auth._valid(cookie)
    now_s -= COOKIE_AGE_S
    assert not PanelAuth(guard, "another-token-here", clock=lambda: now_s)._valid(cookie)


@pytest.mark.parametrize("path", SOCKETS)
async def test_an_oversized_frame_closes_the_socket(site, path):
    async with site.ws(path) as socket:
        await socket.receive_json()
        await socket.send_str("x" * 100_000)
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            continue
        assert message.type is WSMsgType.CLOSE
        assert message.data == 1009


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_binary_frame_is_answered_and_the_line_stays(site, path):
    async with site.ws(path) as socket:
        await socket.send_bytes(b'{"type":"ping"}')
        await socket.send_str('{"type":"ping"}')
        said = []
        while "pong" not in said:
            message = await socket.receive_json()
            said.append(message["type"])
            if message["type"] == "error":
                assert message["message"] == "A message must be JSON text."
        assert said.index("error") < said.index("pong")


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_flood_is_answered_then_cut_off(site, path):
    async with site.ws(path) as socket:
        await socket.receive_json()
        for _ in range(60):
            await socket.send_str('{"type":"ping"}')
        codes = [(await socket.receive_json()).get("code") for _ in range(60)]
        assert codes[0] is None
        assert codes[-1] == "rate_limited"
        for _ in range(150):
            await socket.send_str('{"type":"ping"}')
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            continue
        assert message.type is WSMsgType.CLOSE
        assert message.data == 1008


async def test_an_oversized_body_is_refused(open_site):
    async with open_site.client.post("/panel/sign-in", data={"token": "x" * 100_000}) as answer:
        assert answer.status == 413
        assert "Traceback" not in await answer.text()


async def test_headers_that_never_end_are_not_waited_for(serve):
    site = await serve(limits=Limits(idle_s=0.3))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    async with asyncio.timeout(3):
        for _ in range(50):
            if reader.at_eof():
                break
            writer.write(b"X-Slow: 1\r\n")
            await asyncio.sleep(0.05)
            if writer.transport.is_closing():
                break
        assert await reader.read() == b""
    writer.close()


async def test_a_silent_connection_is_closed(serve):
    site = await serve(limits=Limits(idle_s=0.2))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.server.port)
    async with asyncio.timeout(3):
        assert await reader.read() == b""
    writer.close()


async def test_a_crowd_of_connections_is_turned_away(serve):
    site = await serve(limits=Limits(connections=3))
    held = [await asyncio.open_connection("127.0.0.1", site.server.port) for _ in range(4)]
    async with site.get("/healthz") as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"]
    for _, writer in held:
        writer.close()


async def test_a_crowd_of_charts_is_turned_away(serve):
    site = await serve(ws={"max_connections": 2})
    async with site.ws("/ws/heatmap"), site.ws("/ws/heatmap"):
        assert await refused(site, "/ws/heatmap") == 503
    await asyncio.sleep(0.05)
    async with site.ws("/ws/heatmap") as socket:
        assert (await socket.receive_json())["type"] == "hello"


async def test_a_failure_is_answered_with_an_incident_and_no_traceback(site):
    site.market.fault = RuntimeError("secret detail of the inside")
    async with site.get("/api/heatmap?symbol=BTC&window=24h") as answer:
        assert answer.status == 500
        problem = await answer.json(content_type="application/problem+json")
    assert re.fullmatch(r"[0-9a-f]{8}", problem["incident"])
    assert "secret" not in str(problem)


async def test_broken_http_gets_no_traceback(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n")
    async with asyncio.timeout(3):
        answer = await reader.read(4096)
    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert b"Traceback" not in answer
    writer.close()


async def test_other_methods_are_refused(site):
    async with site.client.put("/api/symbols", headers={"Origin": site.base}) as answer:
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]
        detail = (await answer.json(content_type="application/problem+json"))["detail"]
    assert detail == "PUT is not for this address: it takes GET, HEAD."


async def test_an_address_that_there_is_none_of_says_where_to_look(site):
    async with site.get("/nothing/here") as answer:
        assert answer.status == 404
        detail = (await answer.json(content_type="application/problem+json"))["detail"]
    assert detail == "There is no such address here; /docs lists those of the API."


async def test_a_plain_request_for_the_stream_is_told_to_upgrade(site):
    async with site.get("/ws/heatmap") as answer:
        assert (answer.status, answer.headers["Upgrade"]) == (426, "websocket")
        assert "ws://" in (await answer.json(content_type="application/problem+json"))["detail"]
    assert site.server.stream.connections == 0


@pytest.mark.parametrize(
    ("netloc", "name"),
    [
        ("localhost:8080", "localhost"),
        ("[::1]:80", "::1"),
        ("EXAMPLE.org.", "example.org"),
        ("user@localhost", None),
        ("localhost:port", None),
        ("localhost/x", None),
        ("", None),
        ("[::1", None),
    ],
)
def test_host_names_are_read_strictly(netloc, name):
    assert host_name(netloc) == name


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.9.9.9", True), ("::1", True), ("localhost", True), ("192.0.2.7", False), ("a", False)],
)
def test_loopback_is_known(host, local):
    assert is_loopback(host) is local


async def test_an_address_that_is_the_sockets_own_is_ours_when_bound_to_all(open_site):
    async with open_site.get("/healthz", headers={"Host": f"127.0.0.1:{open_site.server.port}"}) as answer:
        assert answer.status == 200
    async with open_site.get("/healthz", headers={"Host": "10.1.2.3"}) as answer:
        assert answer.status == 403


async def test_a_client_without_cookies_is_not_let_in_by_another_port(open_site, token):
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(open_site.base, cookie_jar=jar) as client:
        async with client.get("/", params={"token": token}) as answer:
            assert answer.status == 200
        async with client.get("/api/session") as answer:
            assert (await answer.json())["panel"] is True


async def test_a_port_that_is_taken_is_said_with_what_to_do(site, serve):
    with pytest.raises(ConfigError) as error:
        await serve(port=site.server.port)
    assert "--port" in error.value.problems[0]
