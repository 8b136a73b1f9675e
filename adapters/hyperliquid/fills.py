"""Find liquidations in the fills of known addresses: all that Hyperliquid shows of them.

There is no public stream of liquidations, and trades carry no mark of one. A fill does: on the liquidated
account's own fill and on the counterparty's. So what is seen is what the addresses that are followed took
part in: a part of all, and a biased one (see docs/venues/hyperliquid.md).
"""

from collections.abc import Set as AbstractSet
from dataclasses import replace

from adapters.hyperliquid.fields import (
    VENUE,
    Batch,
    Row,
    Unreadable,
    bought,
    each_row,
    instrument,
    moment,
    number,
    positive,
    row,
    rows,
    text,
)
from adapters.instruments import Instruments
from adapters.parsed import Dropped
from engine.model import Liquidation, PriceKind, Side

HLP = "0xdfc24b077bc1425ad1dea75bcb6f8158e10df303"
"""The parent vault; `vaultDetails` of it names its children as they are now."""
LIQUIDATORS = (
    "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14",
    "0xb0a55f13d22f66e6d495ac98113841b2326e9540",
    "0x5e177e5e39c0f4e421f5865a6d8beed8d921cb70",
    "0x2ed5c4484ea3ff8b57d5f2fb152a40d9f2b68308",
)
"""Vaults that take over positions; the role of the last is not confirmed."""
STRATEGIES = (
    "0x010461c14e146ac35fe42271bdc1134ee31c703a",
    "0x31ca8395cf837de08b24da3f660e77761dfb974b",
    "0x469f690213c467c39a23efacfd2816896009d7d8",
)
"""Vaults that make markets: counterparties of liquidations that go through the book."""
VAULTS = frozenset((HLP, *LIQUIDATORS, *STRATEGIES))


class Vaults:
    """Hold the venue's own addresses: those that are known, and those that it has named since."""

    def __init__(self) -> None:
        self._known: AbstractSet[str] = VAULTS

    def __call__(self) -> AbstractSet[str]:
        """Return all of them."""
        return self._known

    @property
    def new(self) -> tuple[str, ...]:
        """Return those that are not among the ones known beforehand."""
        return tuple(sorted(self._known - VAULTS))

    def renew(self, found: AbstractSet[str]) -> None:
        """Take in those that the venue names now; one that it names no longer stays one."""
        self._known = self._known | found


DELEVERAGING = "Auto-Deleveraging"
METHODS = ("market", "backstop")


def read_fills(
    batch: Batch, found: object, user: str, instruments: Instruments, vaults: AbstractSet[str] = VAULTS
) -> None:
    """Put the liquidations among the fills of an address into `batch`; other fills are nothing to us."""
    equal: dict[Liquidation, int] = {}
    for fill in each_row(rows(found), batch.dropped):
        if fill.get("liquidation") is None:
            continue
        try:
            event = _liquidation(fill, user.lower(), instruments, batch.received_ms, vaults)
        except Unreadable as error:
            batch.dropped[error.reason] += 1
            continue
        if not event.venue_id:
            nth = equal.get(event, 0)
            equal[event] = nth + 1
            event = replace(event, nth=nth)
        batch.events.append(event)


def _liquidation(
    fill: Row, user: str, instruments: Instruments, received_ms: int, vaults: AbstractSet[str]
) -> Liquidation:
    """Return one liquidation; raise Unreadable where the fill is of a vault's own, or makes no sense."""
    about = row(fill.get("liquidation"))
    liquidated = text(about.get("liquidatedUser")).lower()
    if about.get("method") not in METHODS:
        raise Unreadable(Dropped.UNKNOWN)
    if fill.get("dir") == DELEVERAGING or liquidated in vaults:
        raise Unreadable(Dropped.INTERNAL)
    traded = instrument(instruments, fill.get("coin"))
    price = traded.price(positive(fill.get("px")))
    quantity = traded.quantity(positive(fill.get("sz")))
    ts = moment(fill.get("time"), received_ms)
    return Liquidation(
        venue=VENUE,
        symbol=traded.symbol,
        side=_side(fill, own=liquidated == user),
        price=price,
        price_kind=PriceKind.FILL,
        quantity=quantity,
        notional_usd=quantity * price,
        ts=ts,
        received_ms=received_ms,
        venue_id=_name(fill, traded.native, ts),
    )


def _side(fill: Row, *, own: bool) -> Side:
    """Return whose position it was: the account's own, or its counterparty's, who traded the other way.

    A long is liquidated by selling. An account's own position must have been there to be closed.
    """
    sold = not bought(fill.get("side"))
    if own and fill.get("startPosition") is not None:
        before = number(fill.get("startPosition"))
        if before == 0 or (before > 0) != sold:
            raise Unreadable(Dropped.CONTRADICTORY)
    return Side.LONG if sold == own else Side.SHORT


def _name(fill: Row, coin: str, ts: int) -> str:
    """Return what both sides of a trade share: its id, which is unique with its time and coin only."""
    tid = fill.get("tid")
    if isinstance(tid, bool) or not isinstance(tid, int):
        return ""
    return f"{ts}:{coin}:{tid}"
