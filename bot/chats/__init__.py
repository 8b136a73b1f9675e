"""Join the chat platforms that are configured: a way out for alerts, and a front for what people ask."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.alerting.engine import Alerting
from bot.commands.dispatch import Commands
from bot.commands.grounds import Grounds
from bot.commands.services import Market
from bot.delivery.channel import Channel
from bot.delivery.reroute import Fallback, to_inapp
from bot.reporting.moves import RulesChanged
from bot.supervisor import PartHealth, Supervisor
from config.settings import Settings
from storage.claims import Claimed
from storage.state import StateStore


class Front(Protocol):
    """What serves the people of one platform until it is cancelled."""

    async def run(self) -> None:
        """Serve."""
        ...

    async def stop(self) -> None:
        """Let answers under way end; `run` has been cancelled before."""
        ...

    def health(self) -> PartHealth:
        """Return how the front is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What a platform's front stands before."""

    commands: Commands
    market: Market
    settings: Settings
    rules_changed: RulesChanged


class Platform(Protocol):
    """One chat platform, joined to this process by its token."""

    @property
    def name(self) -> str:
        """Return the name of the platform, of its channel and of its front."""
        ...

    @property
    def channel(self) -> Channel:
        """Return the way of alerts to this platform."""
        ...

    @property
    def grounds(self) -> Grounds:
        """Return what commands may ask of the platform's places."""
        ...

    @property
    def fallback(self) -> Fallback:
        """Return where on the platform a message goes that one place there does not take."""
        ...

    def front(self, inside: Inside) -> Front:
        """Return the front, not yet running."""
        ...

    async def close(self) -> None:
        """Let go of the platform's connections."""
        ...


def platforms_of(settings: Settings, state: StateStore, alerting: Alerting) -> list[Platform]:
    """Return the platforms that have a token; the library of one that has none is not even loaded.

    Telegram is served by one process alone: the one that sends, where Discord's shards are split.
    """
    made: list[Platform] = []
    if (token := settings.chat.discord_token) is not None:
        from bot.chats.discord import Discord

        made.append(Discord(token.get_secret_value(), settings, state))
    if (token := settings.chat.telegram_token) is not None and settings.chat.leads:
        from bot.chats.telegram import Telegram

        made.append(Telegram(token.get_secret_value(), settings, state, alerting))
    return made


def fallback_of(platforms: Sequence[Platform]) -> Fallback:
    """Return where a message goes next that cannot be delivered: elsewhere on its platform, then in-app."""
    ways: dict[str, Callable[[Claimed], tuple[str, str] | None]] = {p.name: p.fallback for p in platforms}

    def fallback(row: Claimed) -> tuple[str, str] | None:
        own = ways.get(row.channel)
        return (own(row) if own else None) or to_inapp(row)

    return fallback


class Fronts:
    """The fronts of all platforms, under one supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._fronts: dict[str, Front] = {}

    def start(self, platforms: Sequence[Platform], inside: Inside) -> None:
        """Start a front for each platform; one that fails does not touch the others."""
        for platform in platforms:
            front = platform.front(inside)
            self._fronts[platform.name] = front
            self._supervisor.start(platform.name, front.run, essential=False)

    async def stop(self) -> None:
        """Take no more questions, and let the answers under way end."""
        for name, front in self._fronts.items():
            await self._supervisor.stop(name)
            await front.stop()

    def health(self) -> list[PartHealth]:
        """Return how every part is; a front that runs knows best how it is itself."""
        return [self._told(part) for part in self._supervisor.health()]

    def _told(self, part: PartHealth) -> PartHealth:
        front = self._fronts.get(part.name)
        if front is None or not part.well:
            return part
        return replace(front.health(), restarts=part.restarts)
