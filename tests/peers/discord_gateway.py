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
COMMAND, COMPONENT, AUTOCOMPLETE, SUBMIT = 2, 3, 4, 5
FORM, SELECT = 9, 3
TYPES = {str: 3, int: 4, bool: 5, float: 10}


@dataclass
class Session:
    """What the bot and one shard said to each other. A session outlives its sockets."""

    name: str
    shard: tuple
    socket: object = None
    sequence: int = 0
    sent: list = field(default_factory=list)
    over: bool = False


@dataclass
class Gateway:
    """What the server of the local Discord does with the bot's connections, one for each shard.

    `mute` keeps it from saying anything at all, answers to heartbeats included: as a connection that died
    without knowing. `sessions_left` is how many sessions the bot may still begin.
    """

    sockets: list = field(default_factory=list)
    sessions: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    identifies: list = field(default_factory=list)
    resumes: list = field(default_factory=list)
    heartbeats: list = field(default_factory=list)
    close_with: int | None = None
    mute: bool = False
    heartbeat_ms: int = 41_250
    advised_shards: int = 1
    sessions_left: int = 1_000
    reset_after_ms: int = 60_000

    def start_limits(self):
        """Return what the bot is told before it connects."""
        limit = {"total": 1_000, "remaining": self.sessions_left, "max_concurrency": 1}
        limit["reset_after"] = self.reset_after_ms
        return {"url": self.gateway_url, "shards": self.advised_shards, "session_start_limit": limit}

    async def _gateway(self, request):
        socket = web.WebSocketResponse(timeout=0.5)
        await socket.prepare(request)
        self.sockets.append(socket)
        await self._op(socket, 10, {"heartbeat_interval": self.heartbeat_ms})
        async for frame in socket:
            message = json.loads(frame.data)
            if message["op"] == 1:
                self.heartbeats.append(message["d"])
                await self._op(socket, 11)
            elif message["op"] == 2:
                await self._identify(socket, message["d"])
            elif message["op"] == 6:
                await self._resume(socket, message["d"])
        return socket

    async def _identify(self, socket, told):
        self.identifies.append(told)
        self.sessions_left -= 1
        shard = tuple(told.get("shard", (0, 1)))
        if refused := self._unwelcome(told, shard):
            await socket.close(code=refused)
            return
        session = Session(f"session-{len(self.identifies)}", shard, socket)
        self.sessions.append(session)
        guilds = [number for number in self.there.guilds if (number >> 22) % shard[1] == shard[0]]
        ready = {
            "v": 10,
            "user": world.BOT,
            "session_id": session.name,
            "shard": list(shard),
            "resume_gateway_url": self.resume_url,
            "guilds": [{"id": str(number), "unavailable": True} for number in guilds],
            "application": {"id": str(world.APP), "flags": 0},
        }
        await self._tell(session, "READY", ready)
        for number in guilds:
            await self._tell(session, "GUILD_CREATE", self.there.guild(number))

    def _unwelcome(self, told, shard):
        """Return the code with which a connection is closed; None where it is welcome."""
        if told["token"] != self.token:
            return 4004
        if self.close_with:
            return self.close_with
        if not 0 <= shard[0] < shard[1]:
            return 4010
        return 4014 if told["intents"] & ~world.GUILDS_INTENT else None

    async def _resume(self, socket, told):
        self.resumes.append(told)
        session = next((s for s in self.sessions if s.name == told["session_id"] and not s.over), None)
        if session is None or told["token"] != self.token or told["seq"] > session.sequence:
            await self._op(socket, 9, data=False)
            return
        session.socket = socket
        for event in [event for event in session.sent if event["s"] > told["seq"]]:
            await socket.send_str(json.dumps(event))
        await self._tell(session, "RESUMED", {})

    async def _op(self, socket, op, data=None):
        if not self.mute and not socket.closed:
            await socket.send_str(json.dumps({"op": op, "d": data, "t": None, "s": None}))

    def session(self, shard=0):
        """Return the newest session of a shard, None where there is none."""
        return next((s for s in reversed(self.sessions) if s.shard[0] == shard), None)

    @property
    def open(self):
        """Return the bot's newest connection, None where there is none."""
        return next((s for s in reversed(self.sockets) if not s.closed), None)

    async def connected(self, timeout_s=10.0):
        """Wait until the bot is connected and knows its server."""
        await self.until(
            lambda: self.open and any(e["t"] in ("GUILD_CREATE", "RESUMED") for e in self.sent), timeout_s
        )

    async def dispatch(self, name, data):
        """Send an event to the shard that it is for; one that nobody takes is kept for a resume."""
        guild = int(data.get("guild_id") or (data["id"] if name.startswith("GUILD_") else 0))
        count = self.sessions[-1].shard[1] if self.sessions else 1
        session = self.session((guild >> 22) % count)
        if session is not None:
            await self._tell(session, name, data)

    async def _tell(self, session, name, data):
        session.sequence += 1
        event = {"op": 0, "d": data, "t": name, "s": session.sequence}
        session.sent.append(event)
        self.sent.append(event)
        if not self.mute and not session.socket.closed:
            await session.socket.send_str(json.dumps(event))

    async def hang_up(self, code=4000, *, shard=None):
        """Close the bot's connections, or that of one shard."""
        for socket in self.sockets if shard is None else [self.session(shard).socket]:
            if not socket.closed:
                await socket.close(code=code)

    async def ask_to_reconnect(self, shard=0):
        """Tell the bot to come back (op 7)."""
        await self._op(self.session(shard).socket, 7)

    async def ask_for_heartbeat(self, shard=0):
        """Want a sign of life at once (op 1)."""
        await self._op(self.session(shard).socket, 1)

    async def invalidate(self, shard=0, *, resumable=False):
        """Tell the bot that its session is over (op 9), or that it may be taken up again."""
        session = self.session(shard)
        session.over = not resumable
        await self._op(session.socket, 9, data=resumable)

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

    async def fill(self, person, form, given, *, timeout_s=10.0, **more):
        """Let somebody fill in the form that answered an interaction, and return the one that submits it.

        What is not `given` stays as it was shown.
        """
        shown = form.data["components"]
        assert set(given) <= {part["component"]["custom_id"] for part in shown}, given
        parts = [
            {"type": 18, "id": i, "component": _filled(p["component"], given)} for i, p in enumerate(shown)
        ]
        data = {"custom_id": form.data["custom_id"], "components": parts}
        asked = await self._interact(SUBMIT, data, person, form.channel, **more)
        await self.until(lambda: self._answered(asked), timeout_s)
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
        return asked.kind == FORM or any(not m["flags"] & world.LOADING for m in asked.shown)

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
        self, kind, data, person, channel, *, message=None, permissions=0, app=None, guild=None
    ):
        """Send an interaction. `channel` None is the person's direct messages."""
        where = self.there.dm(person) if channel is None else channel
        home = self.there.guild_of(where)
        in_guild = home is not None
        guild = guild or home or world.GUILD
        number = self.there.number()
        asked = self.asked(number, person, where, message)
        asked.type = kind
        app = world.ALL_OF_THE_BOT if app is None else app
        member_there = in_guild and guild in self.there.guilds
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
                "roles": [str(role) for role in self.there.worn.get(person, ())],
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


def _filled(control, given):
    """Return a control of a form as it is submitted; what may not be empty is not."""
    name, chosen = control["custom_id"], [o["value"] for o in control.get("options", ()) if o.get("default")]
    value = given.get(name, chosen[0] if chosen else control.get("value", ""))
    assert value or not control.get("required", True), f"{name} is required"
    if control["type"] == SELECT:
        assert value in {o["value"] for o in control["options"]}, (name, value)
        return {"type": SELECT, "custom_id": name, "values": [value]}
    return {"type": control["type"], "custom_id": name, "value": value}
