"""Read what addresses hold on Hyperliquid: one that is asked about, and each minute those of the settings.

Positions and liquidation prices are the venue's own: nothing is estimated. Nothing is stored, either.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import structlog

from adapters.hyperliquid import rest as calls
from adapters.hyperliquid.account import Account, Position, is_address, read_account
from adapters.instruments import Instruments
from adapters.rest.calls import CallFailed
from adapters.rest.client import RestClient
from bot.lang import _
from engine.errors import UserError

log = structlog.get_logger(__name__)

Line = Callable[[], tuple[RestClient, Instruments] | None]
"""Return the venue's client and all that it lists, None while it is not open."""

POLL_S = 60.0
PATIENCE_S = 6.0
"""How long somebody who asks waits for an answer."""
POLL_PATIENCE_S = 20.0
FRESH_S = 3.0
"""How long an answer serves whoever asks for the same address."""
REMEMBERED = 256
FORGET_S = 600.0
"""For how long what an address held is still told where the venue does not answer any more."""
EXAMPLE = "/account 0x0000000000000000000000000000000000000001"


class Accounts:
    """Ask for accounts over the venue's own client, within its limits. `clock` is monotonic seconds."""

    def __init__(
        self, line: Line, addresses: Sequence[str] = (), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._line = line
        self.addresses = tuple(dict.fromkeys(addresses))
        self._clock = clock
        self._answers: OrderedDict[str, tuple[float, Account]] = OrderedDict()
        self._held: dict[str, tuple[float, Account]] = {}

    async def account(self, address: str) -> Account:
        """Return what an address holds now; raise UserError where that cannot be had."""
        user = address.strip().lower()
        if not is_address(user):
            raise UserError(
                _("“{address}” is no Hyperliquid address: 0x and 40 hexadecimal digits.").format(
                    address=address[:50]
                ),
                example=EXAMPLE,
            )
        asked_s, known = self._answers.get(user, (0.0, None))
        if known is not None and self._clock() - asked_s < FRESH_S:
            return known
        try:
            found = await self._asked(user, PATIENCE_S)
        except CallFailed as error:
            why = error.verdict.reason or _("did not answer")
            raise UserError(
                _("Hyperliquid {why}. Please try again in a minute.").format(why=why), example="/status"
            ) from error
        self._answers[user] = (self._clock(), found)
        self._answers.move_to_end(user)
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return found

    async def poll(self) -> None:
        """Read every address of the settings once; what they hold stays known for a while if that fails."""
        for user in self.addresses:
            try:
                self._held[user] = (self._clock(), await self._asked(user, POLL_PATIENCE_S))
            except (CallFailed, UserError) as error:
                log.warning("accounts.not_read", why=str(error))
                break
        oldest_s = self._clock() - FORGET_S
        self._held = {user: each for user, each in self._held.items() if each[0] >= oldest_s}

    @property
    def held(self) -> tuple[Account, ...]:
        """Return what the addresses of the settings hold, as it was read last."""
        return tuple(account for _, account in self._held.values())

    def positions(self, symbol: str) -> tuple[Position, ...]:
        """Return true positions on a symbol, of the addresses of the settings."""
        return tuple(each for account in self.held for each in account.positions if each.symbol == symbol)

    async def _asked(self, user: str, patience_s: float) -> Account:
        """Ask the venue; raise CallFailed, or UserError where it is not open or answers nonsense."""
        line = self._line()
        if line is None:
            raise UserError(
                _("Hyperliquid is not open yet. Please try again in a minute."), example="/status"
            )
        rest, instruments = line
        decoded = await rest.ask(calls.account(user), patience_s=patience_s)
        found = read_account(decoded, user=user, instruments=instruments, received_ms=rest.now_ms())
        if found is None:
            raise UserError(_("Hyperliquid's answer cannot be read. Please try again."), example="/status")
        return found
