"""Who and what there is on the local Discord: a server, channels, people, messages."""

import itertools
from dataclasses import dataclass, field

APP = 100
GUILD, CHANNEL, OTHER_CHANNEL = 200, 300, 301
BOT = {"id": str(APP), "username": "liqwatch", "discriminator": "0", "avatar": None, "bot": True}
EPHEMERAL = 64
LOADING = 128
NOW = "2026-01-01T00:00:00+00:00"

GUILDS_INTENT = 1 << 0
FAR_GUILD, FAR_CHANNEL = (1 << 22) + 7, 310
"""A server that another shard serves, where there are several."""
VIEW, SEND, EMBED, ATTACH = 1 << 10, 1 << 11, 1 << 14, 1 << 15
IN_THREADS = 1 << 38
MANAGE_CHANNELS, MANAGE_GUILD = 1 << 4, 1 << 5
ALL_OF_THE_BOT = VIEW | SEND | EMBED | ATTACH | IN_THREADS


def user(number):
    """Return a person."""
    name = f"user{number}"
    return {"id": str(number), "username": name, "discriminator": "0", "avatar": None, "global_name": name}


@dataclass
class World:
    """Everything that stands on the platform."""

    ids: object = field(default_factory=lambda: itertools.count(5000))
    guild_channels: dict = field(default_factory=lambda: {CHANNEL: "desk", OTHER_CHANNEL: "talk"})
    guilds: dict = field(default_factory=dict)
    dms: dict = field(default_factory=dict)
    messages: dict = field(default_factory=dict)
    nonces: dict = field(default_factory=dict)
    system_channel: int | None = None
    keeps_files: bool = True
    kinds: dict = field(default_factory=dict)
    roles: list = field(default_factory=list)
    worn: dict = field(default_factory=dict)

    def __post_init__(self):
        self.guilds[GUILD] = self.guild_channels

    def number(self):
        return next(self.ids)

    def guild_of(self, channel):
        """Return the number of the server that a channel is in, None where it is in none."""
        return next((number for number, channels in self.guilds.items() if channel in channels), None)

    def dm(self, person):
        """Return the number of a person's direct messages."""
        if person not in self.dms:
            self.dms[person] = self.number()
        return self.dms[person]

    def knows(self, channel):
        return self.guild_of(channel) is not None or channel in self.dms.values()

    def guild(self, guild=GUILD):
        """Return a server as it comes over the gateway."""
        everyone = {
            "id": str(guild),
            "name": "@everyone",
            "permissions": str(ALL_OF_THE_BOT),
            "position": 0,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
        }
        me = {"user": BOT, "roles": [], "joined_at": NOW, "deaf": False, "mute": False, "flags": 0}
        lists = ("emojis", "stickers", "features", "threads", "voice_states", "presences")
        lists += ("stage_instances", "guild_scheduled_events", "soundboard_sounds")
        return {
            "id": str(guild),
            "name": "Desk",
            "owner_id": "1",
            "roles": [everyone, *self.roles],
            "channels": [self.channel(number) for number in self.guilds[guild]],
            "members": [me],
            "member_count": 2,
            "verification_level": 0,
            "explicit_content_filter": 0,
            "default_message_notifications": 0,
            "nsfw_level": 0,
            "mfa_level": 0,
            "premium_tier": 0,
            "preferred_locale": "en-US",
            "system_channel_flags": 0,
            "system_channel_id": str(self.system_channel) if self.system_channel else None,
            "afk_timeout": 60,
            **{name: [] for name in lists},
        }

    def role(self, number, name, **more):
        """Add a role to the server; `worn` says which people have it."""
        plain = {"id": str(number), "name": name, "permissions": "0", "position": 1, "color": 0}
        colors = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
        flags = {"hoist": False, "managed": False, "mentionable": False}
        self.roles.append({**plain, "colors": colors, **flags, **more})

    def channel(self, number):
        """Return a channel as it comes over the gateway or with an interaction."""
        if (guild := self.guild_of(number)) is not None:
            name = self.guilds[guild][number]
            return {
                "id": str(number),
                "type": 0,
                "name": name,
                "position": 0,
                "guild_id": str(guild),
                "permission_overwrites": [],
                **self.kinds.get(number, {}),
            }
        person = next(p for p, dm in self.dms.items() if dm == number)
        return {"id": str(number), "type": 1, "recipients": [user(person)], "last_message_id": None}

    def post(self, channel, payload, files, *, flags=0):
        """Put a message into a channel, and return it; a nonce that is known returns the first message."""
        nonce = payload.get("nonce")
        if nonce and payload.get("enforce_nonce") and (channel, nonce) in self.nonces:
            return self.messages[self.nonces[channel, nonce]]
        number = self.number()
        made = {
            "id": str(number),
            "channel_id": str(channel),
            "author": BOT,
            "tts": False,
            "timestamp": NOW,
            "edited_timestamp": None,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "pinned": False,
            "type": 0,
            "flags": flags,
            "content": "",
            "embeds": [],
            "components": [],
            "attachments": [],
        }
        self.messages[number] = made
        self.change(number, payload, files)
        if nonce:
            made["nonce"] = nonce
            self.nonces[channel, nonce] = number
        return made

    def change(self, number, payload, files):
        """Change a message as an edit does: what is not named stays."""
        found = self.messages[number]
        for name in ("content", "embeds", "components"):
            if name in payload:
                found[name] = payload[name] or ("" if name == "content" else [])
        if "attachments" in payload or files:
            told = payload.get("attachments") or []
            found["attachments"] = [
                {
                    "id": str(i),
                    "filename": name,
                    "size": len(content),
                    "url": f"https://cdn.example/{name}",
                    "proxy_url": f"https://cdn.example/{name}",
                    "content_type": "image/png",
                    "description": (told[i] if i < len(told) else {}).get("description"),
                }
                for i, (name, content) in enumerate(files)
            ]
            found["_files"] = dict(files) if self.keeps_files else {}
        if "_edits" in found:
            found["flags"] &= ~LOADING
        found["_edits"] = found.get("_edits", -1) + 1
        return found

    def shown(self, channel):
        """Return the messages in a channel that everybody there sees, oldest first."""
        return [
            m
            for m in self.messages.values()
            if m["channel_id"] == str(channel) and not m["flags"] & EPHEMERAL
        ]


def public(message):
    """Return a message as it goes over the wire."""
    return {name: value for name, value in message.items() if not name.startswith("_")}
