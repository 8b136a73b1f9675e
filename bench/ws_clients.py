"""Be many clients of the stream, in a process of their own: read as little as tells which message came when.

`python -m bench.ws_clients PORT CLIENTS STALLED` says `ready N` once all have their first snapshot, then, for
each line on standard input, writes what came since to that file, as rows of (client, n, monotonic ns). There
is no event loop of asyncio: it would take longer to read than the server takes to write.
"""

import contextlib
import json
import os
import re
import select
import socket
import struct
import sys
import time
from array import array
from pathlib import Path

import numpy as np

from bot.web.files import allow

READ = 1 << 18
AT_ONCE = 50
SMALL = 4096
PATIENCE_S = 60.0
HANDSHAKE = (
    b"GET /ws/heatmap HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SUBSCRIBE = json.dumps({"type": "subscribe", "symbol": "BTC", "window": "24h"}).encode()
NUMBER = re.compile(rb'"n":(\d+)')
LOOKED_AT = 1024
"""Bytes of a message in which its number stands; of the rest is only seen that it came."""
SMALLEST = 16
REST_S = 0.001
"""How long reading rests between two looks.

Who sleeps until something comes is woken by the server with every message, which takes it longer than sending
does; clients elsewhere cost it no such thing. What came meanwhile counts as coming at the end of the rest.
"""
TEXT, BINARY, PING, PONG = 1, 2, 9, 10


def masked(opcode: int, body: bytes) -> bytes:
    """Return a client's frame of a short body; the mask is four zero bytes."""
    return struct.pack("!BB", 0x80 | opcode, 0x80 | len(body)) + bytes(4) + body


class Client:
    """One client.

    `rest` is the beginning of a frame that has not come whole. Of a message whose number `n` is known `left`
    bytes have not come. `numbered` says that one came.
    """

    __slots__ = ("left", "line", "n", "number", "numbered", "rest")

    def __init__(self, number: int, line: socket.socket) -> None:
        self.number = number
        self.line = line
        self.rest = bytearray()
        self.left = 0
        self.n = -1
        self.numbered = False


class Crowd:
    """All clients of this process, and what came to them."""

    def __init__(self) -> None:
        self.came = array("q")
        self.lost = 0
        self.waiting = 0
        """How many have not been sent their first snapshot yet."""
        self._room = memoryview(bytearray(READ))
        self._clients: dict[int, Client] = {}
        self._ready = select.epoll()

    def add(self, client: Client) -> None:
        """Read what comes to a client from now on."""
        client.line.setblocking(False)
        self.waiting += 1
        self._clients[client.line.fileno()] = client
        self._ready.register(client.line.fileno(), select.EPOLLIN)
        self._take(client, b"")

    def leave_unread(self, stalled: int) -> None:
        """Read nothing more of the first clients."""
        for descriptor, client in self._clients.items():
            if client.number < stalled:
                self._ready.unregister(descriptor)

    def watch(self, descriptor: int) -> None:
        """Let `read` say when there is something to read elsewhere."""
        self._ready.register(descriptor, select.EPOLLIN)

    def read(self, wait_s: float) -> bool:
        """Take what comes within a time; say whether there is something elsewhere."""
        elsewhere = False
        time.sleep(REST_S)
        for descriptor, _ in self._ready.poll(wait_s):
            client = self._clients.get(descriptor)
            if client is None:
                elsewhere = True
                continue
            try:
                gone = not self._some(client)
            except BlockingIOError:
                continue
            except OSError:
                gone = True
            if gone:
                self._drop(descriptor)
        return elsewhere

    def _some(self, client: Client) -> bool:
        """Take what came to a client; say whether its line is still there."""
        if client.left:
            return self._rest_of(client)
        size = client.line.recv_into(self._room, READ if client.rest else LOOKED_AT)
        if not size:
            return False
        lacking = None if client.rest else self._begins(client, size)
        if lacking is None:
            self._take(client, self._room[:size])
        return not lacking or self._rest_of(client)

    def _rest_of(self, client: Client) -> bool:
        """Let the system throw away the rest of a message whose number is known; note when that was all."""
        size = client.line.recv_into(self._room, min(client.left, READ), socket.MSG_TRUNC)
        client.left -= size
        if not client.left:
            self._note(client, client.n)
        return size > 0

    def _begins(self, client: Client, size: int) -> int | None:
        """Return how much of a message has not come yet; None where it is not one alone, as nearly always."""
        room = self._room
        if room[0] != 0x80 | BINARY or size < SMALLEST:
            return None
        length, start = room[1], 2
        if length == 126:
            length, start = int.from_bytes(room[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(room[2:10], "big"), 10
        found = NUMBER.search(room[:size])
        if found is None or start + length < size:
            return None
        client.n, client.left = int(found[1]), start + length - size
        if not client.left:
            self._note(client, client.n)
        return client.left

    def _take(self, client: Client, data: bytes | memoryview) -> None:
        """Take bytes that hold parts of frames, or several."""
        rest = client.rest
        rest += data
        while len(rest) >= 2:
            size, start = rest[1] & 127, 2
            if size == 126:
                size, start = int.from_bytes(rest[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(rest[2:10], "big"), 10
            if len(rest) < start + size:
                return
            opcode = rest[0] & 15
            if opcode == BINARY:
                found = NUMBER.search(bytes(rest[start : start + min(size, LOOKED_AT)]))
                self._note(client, int(found[1]) if found else -1)
            elif opcode == PING:
                client.line.send(masked(PONG, bytes(rest[start : start + size])))
            del rest[: start + size]

    def _note(self, client: Client, n: int) -> None:
        self.came.extend((client.number, n, time.monotonic_ns()))
        if not client.numbered:
            client.numbered = True
            self.waiting -= 1

    def _drop(self, descriptor: int) -> None:
        client = self._clients.pop(descriptor)
        self._ready.unregister(descriptor)
        client.line.close()
        self.waiting -= not client.numbered
        self.lost += 1


def connected(crowd: Crowd, port: int, numbers: range, stalled: int) -> int:
    """Open some lines and follow the heatmap on each; return how many could be opened.

    Of those that will stall the system keeps little.
    """
    opened: list[Client] = []
    for number in numbers:
        line = socket.socket()
        line.settimeout(PATIENCE_S)
        if number < stalled:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        with contextlib.suppress(OSError):
            line.connect(("127.0.0.1", port))
            line.sendall(HANDSHAKE)
            opened.append(Client(number, line))
    found = 0
    for client in opened:
        with contextlib.suppress(OSError):
            client.rest += _after_handshake(client.line)
            client.line.sendall(masked(TEXT, SUBSCRIBE))
            crowd.add(client)
            found += 1
    return found


def _after_handshake(line: socket.socket) -> bytes:
    """Return what came behind the server's answer; raise OSError where there is none, or a refusal."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = line.recv(SMALL)
        if not more:
            raise ConnectionError("closed")
        answer += more
    head, _, rest = answer.partition(b"\r\n\r\n")
    if b" 101 " not in head:
        raise ConnectionError(head.decode("latin-1"))
    return rest


def main(port: int, count: int, stalled: int) -> None:
    """Read until standard input ends."""
    allow(count)
    crowd = Crowd()
    found = 0
    for first in range(0, count, AT_ONCE):
        found += connected(crowd, port, range(first, min(first + AT_ONCE, count)), stalled)
        crowd.read(0)
    until = time.monotonic() + PATIENCE_S
    while crowd.waiting and time.monotonic() < until:
        crowd.read(0.1)
    crowd.leave_unread(stalled)
    crowd.came = array("q")
    print(f"ready {found - crowd.lost - crowd.waiting}", flush=True)
    crowd.watch(sys.stdin.fileno())
    while True:
        if crowd.read(10.0):
            path = sys.stdin.readline().strip()
            if not path:
                os._exit(0)  # thousands of lines need no good-bye
            came, crowd.came = crowd.came, array("q")
            np.save(Path(path), np.frombuffer(came, np.int64).reshape(-1, 3))
            print(f"lost {crowd.lost}", flush=True)


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:4]))
