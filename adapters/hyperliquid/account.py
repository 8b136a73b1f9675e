"""Read what an address holds: its positions as they are, with the liquidation prices that the venue computes.

Nothing here is estimated: Hyperliquid shows every address's account to everybody. What an address holds on
other dexs (`xyz:TSLA`) is another account and not read.
"""

import re
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from adapters.hyperliquid.fields import (
    VENUE,
    Row,
    Unreadable,
    each_row,
    instrument,
    moment,
    not_negative,
    number,
    positive,
    row,
    rows,
)
from adapters.hyperliquid.fills import VAULTS
from adapters.instruments import Instruments
from adapters.parsed import Dropped
from engine.margin.model import Mode
from engine.model import Side

_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_MODES = {mode.value: mode for mode in Mode}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One position of one address, in coins and USD at time `ts`.

    `liquidation` is the price at which it is liquidated, as the venue says it; None where no price does it.
    A cross position's price moves with everything else in the account. `leverage` is what was chosen,
    `pnl_usd` what closing at the mark price would win, None where it is not said.
    """

    venue: str
    symbol: str
    user: str
    ts: int
    side: Side
    quantity: float
    entry: float
    notional_usd: float
    liquidation: float | None
    leverage: float
    mode: Mode
    margin_usd: float
    pnl_usd: float | None = None

    @property
    def mark(self) -> float:
        """Return the mark price that the venue valued the position at."""
        return self.notional_usd / self.quantity

    @property
    def distance(self) -> float | None:
        """Return how far liquidation is from the mark price, as a fraction; None where there is none."""
        return self.liquidation / self.mark - 1 if self.liquidation and self.mark else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything that one address holds on the main dex; `value_usd` is what the account is worth.

    `ts` is the venue's time, ours where it says none.
    """

    user: str
    ts: int
    value_usd: float
    positions: tuple[Position, ...] = ()
    dropped: Counter[Dropped] = field(default_factory=Counter)


def is_address(value: object) -> bool:
    """Say whether a value is an address, in small letters."""
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def read_account(decoded: object, *, user: str, instruments: Instruments, received_ms: int) -> Account | None:
    """Return what an answer to `clearinghouseState` says of an address; None where it is none."""
    dropped: Counter[Dropped] = Counter()
    positions: list[Position] = []
    try:
        state = row(decoded)
        value_usd = number(row(state.get("marginSummary")).get("accountValue"))
        ts = received_ms if state.get("time") is None else moment(state.get("time"), received_ms)
        for each in each_row(rows(state.get("assetPositions")), dropped):
            try:
                found = _position(row(each.get("position")), user.lower(), instruments, ts)
            except Unreadable as error:
                dropped[error.reason] += 1
                continue
            positions.append(found)
    except Unreadable:
        return None
    return Account(user=user.lower(), ts=ts, value_usd=value_usd, positions=tuple(positions), dropped=dropped)


def _position(found: Row, user: str, instruments: Instruments, ts: int) -> Position:
    traded = instrument(instruments, found.get("coin"))
    signed = number(found.get("szi"))
    if signed == 0:
        raise Unreadable(Dropped.IMPOSSIBLE)
    chosen = row(found.get("leverage"))
    mode = _MODES.get(str(chosen.get("type")))
    if mode is None:
        raise Unreadable(Dropped.UNKNOWN)
    price = 0.0 if found.get("liquidationPx") is None else number(found.get("liquidationPx"))
    return Position(
        venue=VENUE,
        symbol=traded.symbol,
        user=user,
        ts=ts,
        side=Side.LONG if signed > 0 else Side.SHORT,
        quantity=traded.quantity(abs(signed)),
        entry=traded.price(positive(found.get("entryPx"))),
        notional_usd=not_negative(found.get("positionValue")),
        liquidation=traded.price(price) if price > 0 else None,
        leverage=positive(chosen.get("value")),
        mode=mode,
        margin_usd=not_negative(found.get("marginUsed")),
        pnl_usd=None if found.get("unrealizedPnl") is None else number(found.get("unrealizedPnl")),
    )


def vaults_of(decoded: object) -> AbstractSet[str]:
    """Return the venue's own addresses: those known, and the children that `vaultDetails` names now."""
    try:
        about = row(row(row(decoded).get("relationship")).get("data"))
        children = rows(about.get("childAddresses"))
    except Unreadable:
        return VAULTS
    small = (child.lower() for child in children if isinstance(child, str))
    return VAULTS | {child for child in small if is_address(child)}
