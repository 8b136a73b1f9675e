"""Answer `/healthz` (the process lives) and `/readyz` (it does its work, or why not)."""

from typing import Any

from bot.supervisor import PartHealth
from bot.web.exchanges import Exchanges
from bot.web.ports import Health, Market
from engine.errors import LiqwatchError


class HealthPages:
    """Say how the process is, to machines that watch it; `exchanges` says how venues are."""

    def __init__(
        self, market: Market, health: Health, exchanges: Exchanges, *, libraries_missing: bool = False
    ) -> None:
        self.exchanges = exchanges
        self._market = market
        self._health = health
        self._libraries_missing = libraries_missing

    def ready(self) -> dict[str, Any]:
        """Return whether every part does its work, else the reasons."""
        parts = list(self._health())
        reasons = [*self._market_reasons(), *(_reason(p) for p in parts if p.essential and not p.well)]
        if self._libraries_missing:
            reasons.append("The page's libraries are not installed: run make setup.")
        return {
            "status": "not ready" if reasons else "ready",
            "reasons": reasons,
            "source": self._market.source_kind,
            "parts": [_part(part) for part in parts],
        }

    def _market_reasons(self) -> list[str]:
        if not self._market.symbols:
            return ["No market is being read yet."]
        return [f"{symbol} is not loaded yet." for symbol in self._market.symbols if not self._loaded(symbol)]

    def _loaded(self, symbol: str) -> bool:
        try:
            return self._market.view(symbol).candle_ts > 0
        except (LiqwatchError, LookupError):
            return False


def _reason(part: PartHealth) -> str:
    return f"{part.name} is {part.state.value}: {part.last_error}".rstrip(": ")


def _part(part: PartHealth) -> dict[str, Any]:
    return {
        "name": part.name,
        "state": part.state.value,
        "well": part.well,
        "essential": part.essential,
        "restarts": part.restarts,
        "since_s": round(part.since_s, 3),
    }
