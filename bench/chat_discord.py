"""Users of the local Discord for `bench chat`: commands, suggestions, presses, each with its first sign."""

from collections import Counter
from typing import Any

from bench.chat_peers import peer
from bench.chat_tally import Wait

WINDOWS = ("3d", "12h")
SYMBOLS = ("btc", "eth")
WORDS: tuple[tuple[str, dict[str, str]], ...] = (
    ("zones", {"symbol": "btc"}),
    ("market", {"symbol": "eth"}),
    ("status", {}),
    ("help", {}),
)
SERVERS = 20
"""Over how many servers the users are spread."""

_discord = peer("discord")
_world = _discord.world


class Crowd(_discord.Discord):  # type: ignore[misc, name-defined] # a class of the tests, which are not typed
    """The platform and its users. Every user is in a server, and has the picture that they asked for last."""

    def __init__(self) -> None:
        super().__init__()
        self.errors = 0
        self.there.keeps_files = False
        self._waits: dict[int, tuple[Any, Wait, str]] = {}
        self._shown: dict[int, Any] = {}
        self._turns: Counter[int] = Counter()
        self._channels = [_world.CHANNEL]
        for number in range(1, SERVERS):
            guild, channel = _world.GUILD + number * 10_000, 700_000 + number
            self.there.guilds[guild] = {channel: "desk"}
            self._channels.append(channel)

    @property
    def addresses(self) -> dict[str, str]:
        """Return what the bot is told: where the platform is, and its token."""
        return {"api": self.api_url, "gateway": self.gateway_url, "token": self.token}

    async def ready(self) -> None:
        """Wait until the bot is there with its commands."""
        await self.until(lambda: self.commands and len(self.sessions) and self.open, 60.0)

    async def ask(self, user: int, kind: str, wait: Wait) -> bool:
        """Let a user do something; return True, for Discord wants a sign of everything."""
        channel, shown = self._channels[user % SERVERS], self._shown.get(user)
        symbol = SYMBOLS[user // 2 % len(SYMBOLS)]
        pressed = self._pressable(shown, user) if kind == "press" else ""
        if pressed:
            data = {"custom_id": pressed, "component_type": 2}
            asked = await self._interact(3, data, user, channel, message=shown)
        elif kind == "suggest":
            data = self._command("zones", {"symbol": symbol[:2]}, focused="symbol")
            asked = await self._interact(4, data, user, channel)
        else:
            name, options = ("heatmap", {"symbol": symbol}) if kind != "words" else WORDS[user % len(WORDS)]
            asked = await self._interact(2, self._command(name, options), user, channel)
        self._waits[asked.number] = (asked, wait, kind)
        return True

    def _pressable(self, message: Any, user: int) -> str:  # noqa: ANN401
        """Return the button that a user presses below a picture, another one each time; empty without."""
        buttons = [b for row in (message or {}).get("components", ()) for b in row["components"]]
        self._turns[user] += 1
        wanted = WINDOWS[self._turns[user] % len(WINDOWS)]
        return next((str(b["custom_id"]) for b in buttons if b.get("label") == wanted), "")

    def heard(self, call: Any) -> None:  # noqa: ANN401
        """Note signs and answers as they come."""
        parts = call.path.strip("/").split("/")
        if parts[0] == "interactions":
            asked, wait, _ = self._waits.get(int(parts[1]), (None, None, ""))
        elif parts[0] == "webhooks":
            asked, wait, _ = self._waits.get(int(parts[2].rpartition("-")[2]), (None, None, ""))
        else:
            return
        if asked is None or wait is None:
            return
        wait.acknowledged()
        deferred = parts[0] == "interactions" and call.payload["type"] in (5, 6)
        if not deferred:
            pictures = [m for m in asked.shown if m["attachments"]]
            if pictures:
                self._shown[asked.user] = pictures[0]
            wait.answered(picture=bool(call.files))
            self._waits.pop(asked.number, None)

    def _checked(self, check: Any) -> None:  # noqa: ANN401
        try:
            super()._checked(check)
        except _discord.Refused:
            self.errors += 1
            raise
