"""Carry what one command is run with: who asks, what they have set, and the parts it may use."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.commands import words
from bot.commands.limits import Limits
from bot.commands.prefs import Prefs
from bot.commands.recent import Recent
from bot.commands.reply import Caller, Front, Reply
from bot.commands.services import Services

if TYPE_CHECKING:
    from bot.commands.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Hold one command's surroundings. `run` runs another line for the same caller and returns its reply."""

    caller: Caller
    prefs: Prefs
    services: Services
    registry: "Registry"
    limits: Limits
    recent: Recent
    run: Callable[[str], Awaitable[Reply]]

    @property
    def now_ms(self) -> int:
        """Return the market clock."""
        return self.services.market.now_ms()

    @property
    def tz(self) -> str:
        """Return the user's time zone: what they set, else what their front knows."""
        return self.prefs.tz or self.caller.tz or "UTC"

    @property
    def operator(self) -> bool:
        """Say whether the caller runs this installation: in its own terminal, or named in the settings."""
        office = self.services.office
        named = office is not None and self.caller.user_id in office.operators
        return self.caller.front is not Front.PANEL and (self.caller.operator or named)

    @property
    def replaying(self) -> bool:
        """Say whether the market is a recording."""
        return self.services.market.source_kind == "replay"

    def moment(self, ts_ms: int) -> str:
        """Return a market time in the user's zone."""
        return words.moment(ts_ms, self.tz, now_ms=self.now_ms)

    def age(self, ts_ms: int) -> str:
        """Return how long ago a market time was."""
        return words.ago(max(0, self.now_ms - ts_ms))
