"""The gateway of the local Discord: hello, identify, resume, and what people do in Discord."""

import asyncio
import importlib.util
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web


def _sibling(name):
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


world = _sibling("discord_world")

APPLICATION = {
    "id": str(world.APP),
    "name": "liqwatch",
    "description": "",
    "icon": None,
    "flags": 0,
    "bot_public": True,
    "bot_require_code_grant": False,
    "verify_key": "",
    "owner": world.user(1),
    "team": None,
    "install_params": None,
}
COMMAND, COMPONENT, AUTOCOMPLETE = 2, 3, 4
TYPES = {str: 3, int: 4, bool: 5, float: 10}


@dataclass
class Gateway:
    """What the server of the local Discord does with the bot's one connection."""

    sockets: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    identifies: list = field(default_factory=list)
    resumes: list = field(default_factory=list)
    close_with: int | None = None
    sequence: int = 0
    heartbeat_ms: int = 41_250

    async def _gateway(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await self._op(socket, 10, {"heartbeat_interval": self.heartbeat_ms})
        async for frame in socket:
            message = json.loads(frame.data)
            if message["op"] == 1:
                await self._op(socket, 11)
            elif message["op"] == 2:
                await self._identify(socket, message["d"])
            elif message["op"] == 6:
                await self._resume(socket, message["d"])
        return socket

    async def _identify(self, socket, told):
        self.identifies.append(told)
        if told["token"] != self.token:
            await socket.close(code=4004, message=b"Authentication failed.")
        elif self.close_with:
            await socket.close(code=self.close_with)
        else:
            ready = {
                "v": 10,
                "user": world.BOT,
                "session_id": f"session-{len(self.identifies)}",
                "shard": [0, 1],
                "resume_gateway_url": self.gateway_url,
                "guilds": [{"id": str(world.GUILD), "unavailable": True}],
                "application": {"id": str(world.APP), "flags": 0},
            }
            await self.dispatch("READY", ready)
            await self.dispatch("GUILD_CREATE", self.there.guild())

    async def _resume(self, socket, told):
        self.resumes.append(told)
        missed = [event for event in self.sent if event["s"] > told["seq"]]
        for event in missed:
            await socket.send_str(json.dumps(event))
        await self.dispatch("RESUMED", {})

    async def _op(self, socket, op, data=None):
        await socket.send_str(json.dumps({"op": op, "d": data, "t": None, "s": None}))

    @property
    def open(self):
        """Return the bot's connection, None where there is none."""
        return next((s for s in reversed(self.sockets) if not s.closed), None)

    async def connected(self, timeout_s=10.0):
        """Wait until the bot is connected and knows its server."""
        await self.until(
            lambda: self.open and any(e["t"] in ("GUILD_CREATE", "RESUMED") for e in self.sent), timeout_s
        )

    async def dispatch(self, name, data):
        """Send an event; one that nobody takes is kept for a resume."""
        self.sequence += 1
        event = {"op": 0, "d": data, "t": name, "s": self.sequence}
        self.sent.append(event)
        if (socket := self.open) is not None:
            await socket.send_str(json.dumps(event))

    async def hang_up(self, code=4000):
        """Close the bot's connection."""
        for socket in self.sockets:
            if not socket.closed:
                await socket.close(code=code)

    async def ask_to_reconnect(self):
        """Tell the bot to come back (op 7)."""
        await self._op(self.open, 7)

    async def invalidate(self):
        """Tell the bot that its session is over (op 9)."""
        await self._op(self.open, 9, data=False)

    # what people do

    async def slash(self, person, name, options=None, *, channel=None, timeout_s=10.0, **more):
        """Let somebody use a command, and return the interaction once it is answered."""
        data = self._command(name, options or {})
        asked = await self._interact(COMMAND, data, person, channel, **more)
        await self.until(lambda: self._answered(asked), timeout_s)
        return asked

    async def begun(self, person, name, options=None, *, channel=None, **more):
        """Let somebody use a command, and do not wait."""
        return await self._interact(COMMAND, self._command(name, options or {}), person, channel, **more)

    async def suggest(self, person, name, option, typed, *, channel=None, **more):
        """Let somebody type an option, and return the suggestions."""
        data = self._command(name, {option: typed}, focused=option)
        asked = await self._interact(AUTOCOMPLETE, data, person, channel, **more)
        await self.until(lambda: asked.kind == 8)
        return asked.data["choices"]

    async def press(self, person, message, label, *, channel=None, timeout_s=10.0, **more):
        """Let somebody press a button of a message, and return the interaction once it is answered."""
        custom = self.button(message, label)
        where = channel or int(message["channel_id"])
        edits = message.get("_edits", 0)
        data = {"custom_id": custom, "component_type": 2}
        asked = await self._interact(COMPONENT, data, person, where, message=message, **more)
        await self.until(lambda: self._answered(asked) or message.get("_edits", 0) > edits, timeout_s)
        return asked

    @staticmethod
    def button(message, label):
        """Return the id of a button by (the beginning of) its label."""
        found = [
            b for row in message["components"] for b in row["components"] if b["label"].startswith(label)
        ]
        return found[0]["custom_id"]

    @staticmethod
    def _answered(asked):
        return any(not m["flags"] & world.LOADING for m in asked.shown)

    def _command(self, name, options, *, focused=None):
        given = [
            {"name": n, "type": TYPES[type(v)], "value": v, **({"focused": True} if n == focused else {})}
            for n, v in options.items()
        ]
        noun, _, verb = name.partition(" ")
        known = next(c for c in self.commands if c["name"] == noun)
        assert set(options) <= self._options(known, verb), (name, options)
        if verb:
            given = [{"name": verb, "type": 1, "options": given}]
        return {"id": "1", "name": noun, "type": 1, "options": given}

    @staticmethod
    def _options(known, verb):
        if verb:
            known = next(o for o in known["options"] if o["name"] == verb)
        return {o["name"] for o in known.get("options", [])}

    async def _interact(
        self, kind, data, person, channel, *, message=None, permissions=0, app=None, guild=world.GUILD
    ):
        """Send an interaction. `channel` None is the person's direct messages."""
        where = self.there.dm(person) if channel is None else channel
        in_guild = where in self.there.guild_channels
        number = self.there.number()
        asked = self.asked(number, person, where, message)
        app = world.ALL_OF_THE_BOT if app is None else app
        member_there = in_guild and guild == world.GUILD
        by = {"0": str(guild)} if member_there else {"1": str(person)}
        body = {
            "id": str(number),
            "application_id": str(world.APP),
            "type": kind,
            "token": asked.token,
            "version": 1,
            "data": data,
            "channel_id": str(where),
            "channel": {**self.there.channel(where), "permissions": str(permissions)},
            "locale": "en-US",
            "entitlements": [],
            "app_permissions": str(app),
            "authorizing_integration_owners": by,
            "context": 0 if in_guild else 1,
            "attachment_size_limit": 10 << 20,
        }
        if message is not None:
            body["message"] = world.public(message)
        if in_guild:
            member = {
                "user": world.user(person),
                "roles": [],
                "joined_at": world.NOW,
                "deaf": False,
                "mute": False,
                "flags": 0,
                "permissions": str(permissions | world.VIEW),
            }
            body |= {"guild_id": str(guild), "guild_locale": "en-US", "member": member}
        else:
            body["user"] = world.user(person)
        await self.dispatch("INTERACTION_CREATE", body)
        return asked

    def asked(self, number, person, channel, message=None):
        """Keep a new interaction."""
        made = sys.modules["peers_discord"].Interaction(
            number=number,
            token=f"token-{number}",
            user=person,
            channel=channel,
            at_s=time.monotonic(),
            message=int(message["id"]) if message else None,
        )
        self.interactions[number] = made
        return made


async def quiet(seconds=0.3):
    """Wait a little, to see that nothing comes."""
    await asyncio.sleep(seconds)
