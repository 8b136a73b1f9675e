"""A receiver of webhooks: it checks signatures its own way, remembers what it had, and misbehaves if told."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import time

SECRET_BYTES = b"a-secret-of-thirty-two-bytes-ok!"
SECRET = "whsec_" + base64.b64encode(SECRET_BYTES).decode()
TOLERANCE_S = 300


class Receiver:
    """Listen on 127.0.0.1, with TLS where a context is given.

    `plan` holds what to do with the next requests: a status, (status, headers), or one of "stall", "drop",
    "slow body", "huge", "garbage". `events` are those that were right, each once; `bad` says
    what was wrong. Without `secret` no signature is checked.
    """

    def __init__(self, tls=None, secret=SECRET_BYTES):
        self._tls = tls
        self.secret = secret
        self._writers = set()
        self.plan = []
        self.events = []
        self.requests = []
        self.bad = []
        self.seen = set()

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"
        return self

    async def stop(self):
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 5)
        while self._writers:
            await asyncio.sleep(0.01)

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            headers, body = await self._read(reader)
            step = self.plan.pop(0) if self.plan else 204
            if step == "stall":
                await reader.read()
            else:
                await self._answer(step, headers, body, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError, OSError):
                await writer.wait_closed()

    async def _read(self, reader):
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((lines[0], headers, body))
        return headers, body

    async def _answer(self, step, headers, body, writer):
        if step == "drop":
            self._take(headers, body)
            writer.transport.abort()
            return
        if step == "garbage":
            writer.write(b"SSH-2.0-OpenSSH_9.7\r\n\r\n")
            await writer.drain()
            return
        how = step if isinstance(step, str) else ""
        status, more = step if isinstance(step, tuple) else (200 if how else step, {})
        if 200 <= status < 300 and not self._take(headers, body):
            status = 400
        head = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        length = {"slow body": 1_000_000, "huge": 10**12}.get(how, 0)
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n{head}\r\n".encode())
        await writer.drain()
        while step == "huge":
            writer.write(b"x" * 65_536)
            await writer.drain()
        while step == "slow body":
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.2)

    def _take(self, headers, body):
        """Keep an event that is signed as it should be; say False for any other."""
        wrong = problem(headers, body, self.secret) if self.secret else ""
        if wrong:
            self.bad.append(wrong)
            return False
        if headers["webhook-id"] not in self.seen:
            self.seen.add(headers["webhook-id"])
            self.events.append(json.loads(body))
        return True


def problem(headers, body, secret=SECRET_BYTES):
    """Return what is wrong with a request by Standard Webhooks, an empty text where nothing is."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    if any(not headers.get(name) for name in names):
        return "a header is missing"
    if abs(time.time() - int(headers["webhook-timestamp"])) > TOLERANCE_S:
        return "too old, or from the future"
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    right = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    given = [
        part.partition(",")[2] for part in headers["webhook-signature"].split() if part.startswith("v1,")
    ]
    if right not in given:
        return "the signature is not right"
    event = json.loads(body)
    return "" if set(event) == {"type", "timestamp", "data"} else "not the form of an event"
