"""A strict local Bot API over real HTTP: what a bot sends is checked, kept, and answered as Telegram answers.

It refuses unknown methods and parameters, HTML that does not parse, texts, captions and button data that are
too long, edits that change nothing, chats it does not know; and it fails, stalls and drops when told to.
"""

import asyncio
import importlib.util
import json
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web


def _sibling(name):
    """Load a file beside this one: tests are no package, and this file's own name is a library's."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


checks = _sibling("telegram_checks")
world = _sibling("telegram_world")
methods = _sibling("telegram_methods")
Refused = checks.Refused

TOKEN = "666:AAE-a-token-that-nobody-else-knows"
SENDS = ("sendMessage", "sendPhoto", "sendDocument", "sendAnimation")
EDITS = ("editMessageText", "editMessageCaption", "editMessageMedia", "editMessageReplyMarkup")


@dataclass
class Call:
    """One call of the bot, with what came of it."""

    method: str
    given: dict
    files: dict
    at_s: float
    result: object = None
    refused: str = ""


@dataclass
class Plan:
    """What happens to the next calls of a method (to a chat): a refusal, a stall, a dropped line."""

    method: str
    chat: int | None = None
    refusal: Refused | None = None
    stall_s: float = 0.0
    drop: bool = False
    after: bool = False  # drop or stall once the call has been obeyed
    raw: bytes | None = None  # what is answered in place of JSON
    times: int = 1


@dataclass
class BotApi(methods.Methods):
    """The server. `slow_down` makes it refuse what is sent faster than Telegram allows."""

    token: str = TOKEN
    slow_down: bool = False
    expire_s: float = 15.0
    there: object = field(default_factory=world.World)
    calls: list = field(default_factory=list)
    plans: list = field(default_factory=list)
    menus: dict = field(default_factory=dict)
    polls: int = 0
    uploads: int = 0
    too_fast: list = field(default_factory=list)
    _sent: dict = field(default_factory=dict)
    _polling: asyncio.Future | None = None
    hook: dict | None = None
    hook_trouble: dict = field(default_factory=dict)
    pushed: list = field(default_factory=list)
    checks = checks
    world = world

    async def start(self, port=0):
        """Listen on a port of this machine."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def stop(self):
        """Go away."""
        await self._runner.cleanup()

    # what tests tell it

    def refuse(self, method, code, description, *, chat=None, times=1, **parameters):
        """Refuse the next calls of a method."""
        refusal = Refused(code, description, parameters or None)
        self.plans.append(Plan(method, chat, refusal, times=times))

    def stall(self, method, seconds, *, after=False, times=1, chat=None):
        """Take long over the next calls of a method."""
        self.plans.append(Plan(method, chat, stall_s=seconds, after=after, times=times))

    def garble(self, method, raw, *, times=1):
        """Answer the next calls of a method with something else than it should be."""
        self.plans.append(Plan(method, raw=raw, times=times))

    def drop(self, method, *, after=False, times=1, chat=None):
        """Break the line at the next calls of a method."""
        self.plans.append(Plan(method, chat, drop=True, after=after, times=times))

    async def push(self, port, *, secret=None, body=None, path=None, **headers):
        """Send the oldest update to the webhook as Telegram does (or another body); return the status.

        An answer of 2xx takes the update away, any other leaves it to be sent again.
        """
        update = self.there.updates[0] if body is None else None
        given = self.hook["secret_token"] if secret is None else secret
        address = f"http://127.0.0.1:{port}{path or urlsplit(self.hook['url']).path}"
        sent = {"X-Telegram-Bot-Api-Secret-Token": given, "Content-Type": "application/json", **headers}
        raw = json.dumps(update).encode() if body is None else body
        async with (
            aiohttp.ClientSession() as session,
            session.post(address, data=raw, headers=sent) as answer,
        ):
            status = answer.status
        self.pushed.append((update or {}).get("update_id"))
        if update is not None and 200 <= status < 300:
            self.there.updates.remove(update)
        return status

    def heard(self, call):
        """Hear of a call that was obeyed; for who has to know at once."""

    # what tests ask it

    def of(self, *methods, chat=None):
        """Return the calls of some methods that were obeyed."""
        return [
            c
            for c in self.calls
            if c.method in methods and not c.refused and (chat is None or int(c.given["chat_id"]) == chat)
        ]

    def shown(self, chat):
        """Return the bot's messages in a chat, as they stand, oldest first."""
        kept = self.there.messages.items()
        return [m for (where, _), m in kept if where == chat and m["from"]["id"] == world.BOT["id"]]

    async def until(self, condition, timeout_s=10.0):
        """Wait until a condition holds, and return what it gave."""
        async with asyncio.timeout(timeout_s):
            while not (found := condition()):
                await asyncio.sleep(0.01)
        return found

    # the Bot API

    async def _handle(self, request):
        method = request.match_info["method"]
        if request.match_info["token"] != self.token:
            return self._error(Refused(401, "Unauthorized"))
        given, files = await self._read(request)
        call = Call(method, given, files, time.monotonic())
        if method != "getUpdates":
            self.calls.append(call)
        plan = self._planned(method, given)
        try:
            if plan:
                await self._suffer(plan, request, after=False)
            if plan and plan.raw is not None:
                return web.Response(body=plan.raw, content_type="application/json")
            checks.parameters(method, given, files)
            call.result = await getattr(self, _snake(method))(given, files)
            if plan:
                await self._suffer(plan, request, after=True)
            self.heard(call)
            return web.json_response({"ok": True, "result": call.result}, dumps=_dumps)
        except Refused as refused:
            call.refused = refused.description
            return self._error(refused)

    async def _read(self, request):
        given, files = dict(request.query), {}
        if request.content_type == "multipart/form-data":
            async for part in await request.multipart():
                if part.filename:
                    files[part.name] = (part.filename, bytes(await part.read()))
                else:
                    given[part.name] = await part.text()
        else:
            given |= await request.post()
        return {name: checks.value(text) for name, text in given.items()}, files

    def _planned(self, method, given):
        chat = given.get("chat_id")
        for plan in self.plans:
            if plan.method in (method, "*") and plan.chat in (None, int(chat or 0)):
                plan.times -= 1
                if plan.times <= 0:
                    self.plans.remove(plan)
                return plan
        return None

    async def _suffer(self, plan, request, *, after):
        if plan.after != after:
            return
        await asyncio.sleep(plan.stall_s)
        if plan.drop:
            request.transport.abort()
            raise asyncio.CancelledError
        if plan.refusal:
            raise plan.refusal

    def _error(self, refused):
        body = {"ok": False, "error_code": refused.code, "description": refused.description}
        if refused.parameters:
            body["parameters"] = refused.parameters
        return web.json_response(body, status=refused.code)


def _dumps(body):
    return json.dumps(body, ensure_ascii=False)


def _snake(method):
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", method)
