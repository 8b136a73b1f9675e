"""A strict local Discord over real HTTP and WebSockets: REST v10, gateway v10, interactions.

What a bot sends is checked, kept and answered as Discord answers; it fails, stalls and drops when told to.
What the bot sends that Discord does not take is kept in `faults`.
"""

import asyncio
import importlib.util
import json
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web


def _sibling(name):
    """Load a file beside this one: tests are no package, and this file's own name is a library's."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


checks = _sibling("discord_checks")
world = _sibling("discord_world")
gateway = _sibling("discord_gateway")
Refused = checks.Refused
TOKEN = "MTAw.a-token-that.nobody-else-knows"
FORUM = 15
PATIENCE_S = 3.0
"""How long Discord waits for the first answer to an interaction."""


@dataclass
class Call:
    """One call of the REST API, with what came of it."""

    method: str
    path: str
    payload: object
    files: list
    at_s: float
    status: int = 0
    headers: dict = field(default_factory=dict)


@dataclass
class Plan:
    """What happens to the next calls of a route."""

    method: str
    path: str
    refusal: object = None
    stall_s: float = 0.0
    drop: bool = False
    after: bool = False
    times: int = 1


@dataclass
class Interaction:
    """One command, press or suggestion, and what the bot answered."""

    number: int
    token: str
    user: int
    channel: int
    at_s: float
    message: int | None = None
    type: int = 0
    kind: int = 0
    data: object = None
    original: int | None = None
    shown: list = field(default_factory=list)


@dataclass
class Discord(gateway.Gateway):
    """The server."""

    token: str = TOKEN
    patience_s: float = PATIENCE_S
    there: object = field(default_factory=world.World)
    calls: list = field(default_factory=list)
    plans: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    commands: list = field(default_factory=list)
    syncs: int = 0
    interactions: dict = field(default_factory=dict)
    world = world
    checks = checks

    async def start(self, port=0):
        """Listen on a port of this machine."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_get("/gateway/", self._gateway)
        app.router.add_get("/resume/", self._gateway)
        app.router.add_route("*", "/api/v10/{tail:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.api_url = f"http://127.0.0.1:{self.port}/api/v10"
        self.gateway_url = f"ws://127.0.0.1:{self.port}/gateway/"
        self.resume_url = f"ws://127.0.0.1:{self.port}/resume/"
        return self

    async def stop(self):
        """Go away."""
        await self.hang_up(1001)
        await self._runner.cleanup()

    # what tests tell it

    def refuse(self, method, path, status, code=0, message="no", *, headers=None, times=1, body=None):
        """Refuse the next calls of a route (a regular expression)."""
        refusal = Refused(status, code, message, headers, body)
        self.plans.append(Plan(method, path, refusal, times=times))

    def limit(self, method, path, retry_after_s, *, bucket="b1", scope="user", times=1):
        """Answer the next calls of a route with 429 and the headers of a bucket."""
        headers = {
            "Via": "1.1 google",
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(time.time() + retry_after_s),
            "X-RateLimit-Reset-After": str(retry_after_s),
            "X-RateLimit-Bucket": bucket,
            "X-RateLimit-Scope": scope,
            "Retry-After": str(retry_after_s),
        }
        body = {"message": "You are being rate limited.", "retry_after": retry_after_s, "global": False}
        self.refuse(method, path, 429, headers=headers, times=times, body=body)

    def stall(self, method, path, seconds, *, after=False, times=1):
        """Take long over the next calls of a route."""
        self.plans.append(Plan(method, path, stall_s=seconds, after=after, times=times))

    def drop(self, method, path, *, after=False, times=1):
        """Break the line at the next calls of a route."""
        self.plans.append(Plan(method, path, drop=True, after=after, times=times))

    def heard(self, call):
        """Hear of a call that was obeyed; for who has to know at once."""

    # what tests ask it

    def of(self, method, path):
        """Return the calls of a route that were obeyed."""
        return [c for c in self.calls if c.method == method and re.fullmatch(path, c.path) and c.status < 300]

    def dm(self, person):
        """Return the bot's direct messages to somebody."""
        return self.there.shown(self.there.dms.get(person, 0))

    async def until(self, condition, timeout_s=10.0):
        """Wait until a condition holds, and return what it gave."""
        async with asyncio.timeout(timeout_s):
            while not (found := condition()):
                await asyncio.sleep(0.01)
        return found

    # the REST API

    async def _rest(self, request):
        payload, files = await self._read(request)
        path = "/" + request.match_info["tail"]
        call = Call(request.method, path, payload, files, time.monotonic(), headers=dict(request.headers))
        self.calls.append(call)
        plan = self._planned(call)
        try:
            secret = call.headers.get("Authorization") == f"Bot {self.token}"
            if not secret and not path.startswith(("/webhooks", "/interactions")):
                raise Refused(401, 0, "401: Unauthorized")
            if plan and not plan.after:
                await self._suffer(plan, request)
            result = self._route(call)
            if plan and plan.after:
                await self._suffer(plan, request)
        except Refused as refused:
            call.status = refused.status
            return _json(refused.body, refused.status, refused.headers)
        call.status = 204 if result is None else 200
        self.heard(call)
        return web.Response(status=204) if result is None else _json(result, 200)

    async def _read(self, request):
        if request.content_type.startswith("multipart/"):
            payload, files = {}, []
            async for part in await request.multipart():
                if part.name == "payload_json":
                    payload = json.loads(await part.text())
                else:
                    files.append((part.filename, bytes(await part.read())))
            return payload, files
        return (await request.json() if request.can_read_body else {}), []

    def _planned(self, call):
        for plan in self.plans:
            if plan.method == call.method and re.fullmatch(plan.path, call.path):
                plan.times -= 1
                if plan.times <= 0:
                    self.plans.remove(plan)
                return plan
        return None

    async def _suffer(self, plan, request):
        await asyncio.sleep(plan.stall_s)
        if plan.drop:
            request.transport.abort()
            raise asyncio.CancelledError
        if plan.refusal:
            raise plan.refusal

    def _route(self, call):  # noqa: C901, PLR0911 - one for each route
        match call.method, call.path.strip("/").split("/"):
            case "GET", ["gateway", "bot"]:
                return self.start_limits()
            case "GET", ["users", "@me"]:
                return world.BOT
            case "GET", ["oauth2", "applications", "@me"]:
                return gateway.APPLICATION
            case "PUT", ["applications", _, "commands"]:
                return self._sync(call.payload)
            case "POST", ["users", "@me", "channels"]:
                return self.there.channel(self.there.dm(int(call.payload["recipient_id"])))
            case "POST", ["channels", channel, "messages"]:
                return self._post(int(channel), call)
            case "POST", ["channels", forum, "threads"]:
                return self._begin(int(forum), call)
            case "PATCH", ["channels", channel, "messages", number]:
                return self._edit(int(channel), int(number), call)
            case "POST", ["interactions", number, token, "callback"]:
                return self._callback(int(number), token, call)
            case "POST", ["webhooks", _, token]:
                return self._follow(token, call)
            case method, ["webhooks", _, token, "messages", which]:
                return self._webhook(method, token, which, call)
        self.faults.append(f"{call.method} {call.path}")
        raise Refused(404, 0, "404: Not Found")

    def _sync(self, payload):
        self._checked(lambda: checks.commands(payload))
        self.commands, self.syncs = payload, self.syncs + 1
        extra = {"application_id": str(world.APP), "version": "1", "default_member_permissions": None}
        return [{**command, **extra, "id": str(self.there.number())} for command in payload]

    def _checked(self, check):
        try:
            check()
        except Refused as refused:
            self.faults.append(str(refused))
            raise

    def _begin(self, forum, call):
        """Begin a post of a forum: a thread with its first message."""
        if self.there.kinds.get(forum, {}).get("type") != FORUM:
            raise Refused(400, 50024, "Cannot execute action on this channel type")
        first = call.payload["message"]
        self._checked(lambda: checks.need(1 <= len(call.payload["name"]) <= 100, "name of a post"))
        self._checked(lambda: checks.message(first, call.files))
        thread, guild = self.there.number(), self.there.guild_of(forum)
        self.there.guilds[guild][thread] = call.payload["name"]
        data = {
            "archived": False,
            "auto_archive_duration": 1440,
            "archive_timestamp": world.NOW,
            "locked": False,
        }
        kind = {"type": 11, "parent_id": str(forum), "owner_id": str(world.APP), "thread_metadata": data}
        self.there.kinds[thread] = kind | {"message_count": 1, "member_count": 1}
        made = self.there.post(thread, first, call.files)
        return self.there.channel(thread) | {"message": world.public(made)}

    def _post(self, channel, call):
        if not self.there.knows(channel):
            raise Refused(404, 10003, "Unknown Channel")
        self._checked(lambda: checks.message(call.payload, call.files))
        flags = call.payload.get("flags", 0)
        return world.public(self.there.post(channel, call.payload, call.files, flags=flags))

    def _edit(self, channel, number, call):
        found = self.there.messages.get(number)
        if found is None or found["channel_id"] != str(channel):
            raise Refused(404, 10008, "Unknown Message")
        self._checked(lambda: checks.message(call.payload, call.files, new=False))
        return world.public(self.there.change(number, call.payload, call.files))

    # interactions

    def _asked(self, token):
        found = self.interactions.get(int(token.rpartition("-")[2]))
        if found is None or not found.kind:
            raise Refused(404, 10015, "Unknown Webhook")
        return found

    def _callback(self, number, token, call):
        asked = self.interactions.get(number)
        if asked is None or asked.token != token or time.monotonic() - asked.at_s > self.patience_s:
            raise Refused(404, 10062, "Unknown interaction")
        if asked.kind:
            raise Refused(400, 40060, "Interaction has already been acknowledged.")
        kind, data = call.payload["type"], call.payload.get("data") or {}
        made = None
        if kind == 4:
            self._checked(lambda: checks.message(data, call.files))
            made = self._show(asked, data, call.files, data.get("flags", 0))
        elif kind == 5:
            made = self._show(asked, {}, [], data.get("flags", 0) | world.LOADING)
        elif kind == 7:
            self._checked(lambda: checks.message(data, call.files, new=False))
            if asked.message not in self.there.messages:
                raise Refused(404, 10008, "Unknown Message")
            made = self.there.change(asked.message, data, call.files)
        elif kind == 9:
            self._checked(lambda: checks.need(asked.type in (2, 3), "a form in answer to a form"))
            self._checked(lambda: checks.modal(data))
        elif kind == 8:
            checks.need(len(data["choices"]) <= 25, "too many choices")
        elif kind != 6:
            raise Refused(400, 50035, "Invalid Form Body")
        asked.kind, asked.data = kind, data
        asked.original = int(made["id"]) if made else asked.message
        resource = {"type": kind, **({"message": world.public(made)} if made else {})}
        told = {"id": str(number), "type": 2, "response_message_id": str(asked.original)}
        return {"interaction": told, "resource": resource}

    def _show(self, asked, payload, files, flags):
        made = self.there.post(asked.channel, payload, files, flags=flags)
        asked.shown.append(made)
        return made

    def _follow(self, token, call):
        asked = self._asked(token)
        self._checked(lambda: checks.message(call.payload, call.files))
        flags = call.payload.get("flags", 0)
        return world.public(self._show(asked, call.payload, call.files, flags))

    def _webhook(self, method, token, which, call):
        asked = self._asked(token)
        number = asked.original if which == "@original" else int(which)
        if number is None or number not in self.there.messages:
            raise Refused(404, 10008, "Unknown Message")
        if method == "DELETE":
            gone = self.there.messages.pop(number)
            asked.shown = [m for m in asked.shown if m is not gone]
            return None
        if method == "GET":
            return world.public(self.there.messages[number])
        self._checked(lambda: checks.message(call.payload, call.files, new=False))
        return world.public(self.there.change(number, call.payload, call.files))


def _json(body, status, headers=None):
    """Answer in JSON; the library takes a content type with a character set for text."""
    raw = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if isinstance(body, str) else "application/json"
    return web.Response(body=raw.encode(), status=status, headers={**(headers or {}), "Content-Type": kind})
