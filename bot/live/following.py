"""Decide which symbols are followed: of the settings, with alerts on them, or asked for by users."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import structlog

from bot.lang import _
from engine.errors import UserError

log = structlog.get_logger(__name__)

EACH = 10
"""How many symbols one user may have brought in at a time, besides those that others brought."""
GIVES_WAY_S = 600.0
"""A symbol that nobody has asked for so long, and that no alert is on, gives way to another."""
IDLE_S = 3600.0
"""How long a symbol is followed that nobody has asked for and that no alert is on."""
PATIENCE_S = 12.0
"""How long somebody who asks waits for a symbol to be loaded."""
LOOK_S = 0.05


class Followed(Protocol):
    """Be a market that can follow other symbols than now."""

    @property
    def followed(self) -> Collection[str]:
        """Return the symbols that are followed."""

    @property
    def listed(self) -> Collection[str]:
        """Return the symbols that could be followed."""

    def has(self, symbol: str) -> bool:
        """Say whether anything is known of a symbol by now."""

    def follow(self, symbol: str) -> None:
        """Follow a symbol from now on."""

    async def leave(self, symbol: str) -> None:
        """Follow a symbol no longer, and keep what is known of it."""


class Following:
    """Follow what is asked for, within a limit; `always` are the symbols of the settings."""

    def __init__(
        self,
        market: Followed,
        always: Iterable[str],
        *,
        most: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._market = market
        self._always = frozenset(always)
        self._most = most
        self._monotonic = monotonic
        self._asked_s: dict[str, float] = {}
        self._brought_by: dict[str, str] = {}
        self._watched: frozenset[str] = frozenset()

    async def ensure(self, symbol: str, asked_by: str = "") -> None:
        """Return once a symbol that could be followed is known; raise UserError where that takes longer.

        One that cannot be followed is for others to refuse. Nobody takes all the room: `asked_by` asks.
        """
        known = self._market.has(symbol)
        if not known and symbol not in self._market.listed:
            return
        self._asked_s[symbol] = self._monotonic()
        if known:
            return
        if symbol not in self._market.followed:
            await self._make_room(symbol, asked_by)
            log.info("market.followed", symbol=symbol)
            self._brought_by[symbol] = asked_by
            self._market.follow(symbol)
        until_s = self._monotonic() + PATIENCE_S
        while not self._market.has(symbol):
            if self._monotonic() > until_s:
                raise UserError(
                    _("{symbol} is being loaded for the first time. Ask again in half a minute.").format(
                        symbol=symbol
                    ),
                    example="/status",
                )
            await asyncio.sleep(LOOK_S)

    async def _make_room(self, symbol: str, asked_by: str) -> None:
        """Leave what has to give way to another symbol; raise UserError where nothing does."""
        theirs = [each for each, user in self._brought_by.items() if user == asked_by]
        if asked_by and len(theirs) >= EACH:
            raise UserError(
                _(
                    "{symbol} is not read yet, and you have brought in {each} markets within the last hour."
                ).format(symbol=symbol, each=EACH),
                example="/symbols",
            )
        if len(self._market.followed) < self._most:
            return
        now_s = self._monotonic()
        idle = [each for each in self._idle(self._watched) if now_s - self._asked_s[each] > GIVES_WAY_S]
        if not idle:
            raise UserError(
                _("{symbol} is not read: {most} markets are the most here, and so many are read.").format(
                    symbol=symbol, most=self._most
                ),
                example="/symbols",
            )
        await self._leave(min(idle, key=lambda each: self._asked_s[each]))

    def _idle(self, watched: Collection[str]) -> list[str]:
        """Return what is followed only because somebody asked for it once."""
        keep, now_s = self._always | frozenset(watched), self._monotonic()
        found = [symbol for symbol in self._market.followed if symbol not in keep]
        for symbol in found:
            self._asked_s.setdefault(symbol, now_s)
        return found

    async def _leave(self, symbol: str) -> None:
        log.info("market.left", symbol=symbol)
        self._asked_s.pop(symbol, None)
        self._brought_by.pop(symbol, None)
        await self._market.leave(symbol)

    async def sweep(self, watched: Collection[str]) -> tuple[str, ...]:
        """Leave what nobody has asked for in a while and no alert is on; return what was left."""
        now_s, self._watched = self._monotonic(), frozenset(watched)
        gone = [each for each in self._idle(watched) if now_s - self._asked_s[each] > IDLE_S]
        for symbol in gone:
            await self._leave(symbol)
        return tuple(gone)
