"""Each client's line follows RFC 6455 to the letter, whatever the other end does, and costs little."""

import asyncio
import base64
import json
import os
import struct

import pytest
import structlog

from bot.web import peer, stream

PING, PONG, CLOSE, TEXT, CONT = 9, 10, 8, 1, 0
FREE = {"rate_per_s": 1000, "update_interval_s": 0.02}


class Raw:
    """A client that sends whatever bytes the test wants and reads frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, opcode: int, body: bytes = b"", *, fin: bool = True, masked: bool = True) -> None:
        mask = os.urandom(4) if masked else b""
        coded = bytes(b ^ mask[i % 4] for i, b in enumerate(body)) if masked else body
        head = struct.pack("!BB", opcode | (0x80 if fin else 0), len(body) | (0x80 if masked else 0))
        self.writer.write(head + mask + coded)

    async def frame(self) -> tuple[int, bytes]:
        """Return the next frame's opcode and body."""
        async with asyncio.timeout(10):
            first, size = await self.reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            return first & 15, await self.reader.readexactly(size)

    async def until(self, opcode: int) -> bytes:
        """Return the body of the next frame of a kind."""
        while (frame := await self.frame())[0] != opcode:
            continue
        return frame[1]

    async def answer(self, request_id: object) -> dict:
        """Return the answer that carries an id."""
        while (said := json.loads(await self.until(TEXT))).get("id") != request_id:
            continue
        return said

    async def closed_with(self) -> int:
        """Return the code that the server closes with; the line has to end after it."""
        (code,) = struct.unpack("!H", (await self.until(CLOSE))[:2])
        async with asyncio.timeout(10):
            assert await self.reader.read() == b""
        return code


@pytest.fixture
async def dial():
    """Return a function that opens a line to a site and shakes hands."""
    lines = []

    async def connect(site) -> Raw:
        line = Raw(*await asyncio.open_connection("127.0.0.1", site.server.port))
        lines.append(line)
        key = base64.b64encode(os.urandom(16)).decode()
        line.writer.write(
            f"GET /ws/heatmap HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await line.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        return line

    yield connect
    for line in lines:
        line.writer.close()


@pytest.fixture
async def free(serve):
    return await serve(ws=FREE)


def clients(site) -> list[peer.Peer]:
    return list(site.server.stream._clients)


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_an_open_line_is_no_more_than_its_peer(free, dial):
    lines = [await dial(free) for _ in range(3)]
    await until(lambda: free.server.stream.connections == 3)
    assert len(free.server._runner.server.connections) == 0
    assert not [task for task in asyncio.all_tasks() if "RequestHandler" in repr(task.get_coro())]
    lines[0].send(PING, b"there?")
    assert await lines[0].until(PONG) == b"there?"


async def test_pieces_with_a_ping_among_them_are_one_message(free, dial):
    line = await dial(free)
    line.send(TEXT, b'{"type":"pi', fin=False)
    line.send(PING, b"now")
    line.send(CONT, b'ng","id":', fin=False)
    line.send(CONT, b'"x"}')
    assert await line.until(PONG) == b"now"
    assert (await line.answer("x"))["type"] == "pong"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"opcode": TEXT, "body": b"{}", "masked": False}, 1002),
        ({"opcode": 3, "body": b"{}"}, 1002),
        ({"opcode": CONT, "body": b"{}"}, 1002),
        ({"opcode": PING, "body": b"{}", "fin": False}, 1002),
        ({"opcode": TEXT | 0x40, "body": b"{}"}, 1002),
        ({"opcode": TEXT, "body": b"\xff\xfe"}, 1007),
        ({"opcode": CLOSE, "body": struct.pack("!H", 1000) + b"bye"}, 1000),
        ({"opcode": CLOSE, "body": struct.pack("!H", 4321)}, 4321),
        ({"opcode": CLOSE, "body": struct.pack("!H", 999)}, 1002),
    ],
)
async def test_what_the_protocol_forbids_ends_the_line_with_the_reason(free, dial, frame, code):
    line = await dial(free)
    line.send(frame.pop("opcode"), **frame)
    assert await line.closed_with() == code
    await until(lambda: free.server.stream.connections == 0)


@pytest.mark.parametrize(("said", "code"), [(1000, 1000), (None, 1006)])
async def test_the_log_says_how_a_line_was_closed(free, dial, said, code):
    with structlog.testing.capture_logs() as lines:
        line = await dial(free)
        if said:
            line.send(CLOSE, struct.pack("!H", said))
            await line.closed_with()
        else:
            await line.frame()
            line.writer.transport.abort()
        await until(lambda: any(each["event"] == "stream.disconnected" for each in lines))
    (gone,) = [each for each in lines if each["event"] == "stream.disconnected"]
    assert (gone["code"], gone["missed"]) == (code, 0)


async def test_what_was_asked_before_goodbye_is_answered(free, dial):
    line = await dial(free)
    line.send(TEXT, b'{"type":"ping","id":1}')
    line.send(CLOSE, struct.pack("!H", 1000))
    assert (await line.answer(1))["type"] == "pong"
    assert await line.closed_with() == 1000


async def test_who_says_nothing_between_two_beats_is_gone(free, dial):
    silent, well = await dial(free), await dial(free)
    await until(lambda: len(clients(free)) == 2)
    for each in clients(free):
        each.beat()
    assert await well.until(PING) == b""
    well.send(PONG)
    well.send(TEXT, b'{"type":"ping","id":1}')
    await well.answer(1)
    for each in clients(free):
        each.beat()
    await until(lambda: free.server.stream.connections == 1)
    well.send(TEXT, b'{"type":"ping","id":2}')
    assert (await well.answer(2))["type"] == "pong"
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await silent.until(CLOSE)


async def test_beats_come_by_themselves(serve, dial, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.05)
    line = await dial(await serve(ws=FREE))
    for _ in range(3):
        assert await line.until(PING) == b""
        line.send(PONG)


async def test_who_pings_and_never_reads_fills_no_memory(serve, dial):
    site = await serve(ws={**FREE, "slow_s": 60})
    line = await dial(site)
    await until(lambda: len(clients(site)) == 1)
    (mine,) = clients(site)
    mine._transport.write(
        bytes([0x8A, 0]) * (8 << 20)
    )  # more than the system keeps for a line that is not read
    await until(lambda: mine._transport.get_write_buffer_size() > peer.MOST_WAITING)
    waiting = mine._transport.get_write_buffer_size()
    heard = []
    mine._ears.heard = lambda *_, **__: heard.append(True)
    for _ in range(2000):
        line.send(PING, b"x" * 100)
    line.send(TEXT, b"{}")
    await line.writer.drain()
    await until(lambda: heard)
    assert mine._transport.get_write_buffer_size() <= waiting


async def test_a_client_that_never_says_goodbye_holds_no_stop_up(serve, dial, monkeypatch):
    monkeypatch.setattr(peer, "CLOSE_S", 0.05)
    monkeypatch.setattr(stream, "CLOSE_S", 0.05)
    site = await serve(ws=FREE)
    line = await dial(site)
    await until(lambda: len(clients(site)) == 1)
    async with asyncio.timeout(5):
        await site.server.stop()
    assert site.server.stream.connections == 0
    assert struct.unpack("!H", (await line.until(CLOSE))[:2]) == (1001,)


async def test_a_line_that_is_gone_before_it_is_taken_over_costs_no_place(serve, dial, monkeypatch):
    site = await serve(ws={**FREE, "max_connections": 1})
    answered = stream.opened

    async def gone(request):
        response = await answered(request)
        request.transport.abort()
        return response

    monkeypatch.setattr(stream, "opened", gone)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await (await dial(site)).until(CLOSE)
    monkeypatch.setattr(stream, "opened", answered)
    assert site.server.stream.connections == 0
    line = await dial(site)
    line.send(TEXT, b'{"type":"ping","id":1}')
    assert (await line.answer(1))["type"] == "pong"
