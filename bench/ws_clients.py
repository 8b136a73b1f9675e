"""Be many clients of the stream, in a process of their own: read as little as tells which message came when.

`python -m bench.ws_clients PORT CLIENTS STALLED` says `ready N` once all have their first snapshot, then, for
each line on standard input, writes what came since to that file, as rows of (client, n, monotonic ns).
"""

import asyncio
import contextlib
import json
import os
import re
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
    "GET /ws/heatmap HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SUBSCRIBE = json.dumps({"type": "subscribe", "symbol": "BTC", "window": "24h"}).encode()
NUMBER = re.compile(rb'"n":(\d+)')
BINARY, CLOSE, PING, PONG = 2, 8, 9, 10


def masked(opcode: int, body: bytes) -> bytes:
    """Return a client's frame of a short body; the mask is four zero bytes."""
    return struct.pack("!BB", 0x80 | opcode, 0x80 | len(body)) + bytes(4) + body


class Crowd:
    """All clients of this process, and what came to them."""

    def __init__(self) -> None:
        self.room = memoryview(bytearray(READ))
        self.came = array("q")
        self.lost = 0


class Client(asyncio.BufferedProtocol):
    """One client."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd = crowd
        self._number = number
        self._data = bytearray()
        self._open = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self.transport = transport
        self._send(HANDSHAKE.encode())

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a line that is gone."""
        self._crowd.lost += 1
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError("closed"))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to put what comes: one place for all, for it is read at once."""
        return self._crowd.room

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came."""
        self._data += self._crowd.room[:nbytes]
        if not self._open:
            head, found, _ = bytes(self._data[:1024]).partition(b"\r\n\r\n")
            if not found:
                return
            del self._data[: len(head) + 4]
            self._open = True
            self._send(masked(1, SUBSCRIBE))
        while self._frame():
            continue

    def _frame(self) -> bool:
        """Take one frame, where there is a whole one."""
        data = self._data
        if len(data) < 2:
            return False
        size, start = data[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        if len(data) < start + size:
            return False
        opcode = data[0] & 15
        if opcode == BINARY:
            self._note(bytes(data[start : start + 1024]))
        elif opcode == PING:
            self._send(masked(PONG, bytes(data[start : start + size])))
        del data[: start + size]
        return True

    def _note(self, body: bytes) -> None:
        found = NUMBER.search(body)
        self._crowd.came.extend((self._number, int(found[1]) if found else -1, time.monotonic_ns()))
        if not self.ready.done():
            self.ready.set_result(None)

    def _send(self, data: bytes) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(data)


async def connected(crowd: Crowd, port: int, count: int, stalled: int) -> list[Client]:
    """Open all lines, some at a time; leave out what cannot be opened in time.

    Of those that will stall the system keeps little.
    """
    loop, turn = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Client | None:
        with contextlib.suppress(OSError, TimeoutError):
            async with turn, asyncio.timeout(PATIENCE_S):
                line = socket.socket()
                line.setblocking(False)
                if number < stalled:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
                await loop.sock_connect(line, ("127.0.0.1", port))
                _, client = await loop.create_connection(lambda: Client(crowd, number), sock=line)
                await client.ready
                return client
        return None

    found = await asyncio.gather(*(one(number) for number in range(count)))
    return [client for client in found if client is not None]


async def main(port: int, count: int, stalled: int) -> None:
    """Read until standard input ends."""
    allow(count)
    crowd = Crowd()
    clients = await connected(crowd, port, count, stalled)
    for client in clients[:stalled]:
        if isinstance(client.transport, asyncio.ReadTransport):
            client.transport.pause_reading()
    crowd.came = array("q")
    print(f"ready {len(clients)}", flush=True)
    while path := (await asyncio.to_thread(sys.stdin.readline)).strip():
        came, crowd.came = crowd.came, array("q")
        await asyncio.to_thread(_write, path, came)
        print(f"lost {crowd.lost}", flush=True)
    os._exit(0)  # thousands of lines need no good-bye


def _write(path: str, came: "array[int]") -> None:
    np.save(Path(path), np.frombuffer(came, np.int64).reshape(-1, 3))


if __name__ == "__main__":
    asyncio.run(main(*(int(each) for each in sys.argv[1:4])))
