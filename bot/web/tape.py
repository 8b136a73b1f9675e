"""Keep what venues reported as liquidated lately, and tell those who follow a symbol's liquidations."""

from collections import deque

from bot.web.channels import Outlet
from bot.web.fanout import Message
from bot.web.topics import Kind, Topic
from bot.web.wire import dumps
from engine.model import Liquidation

RECENT = 200
"""How many of a symbol are kept for newcomers."""
MOST_AT_ONCE = 500
"""How many one message holds; of more the smallest are left out, and counted."""
FIELDS = ["ts", "venue", "side", "price", "price_kind", "quantity", "notional_usd"]


class LiquidationChannel:
    """The liquidations of one symbol as venues report them; kept from the start on, followed or not."""

    def __init__(self, symbol: str, outlet: Outlet, since_ms: int) -> None:
        self.name = Topic(Kind.LIQUIDATIONS, symbol).name
        self._symbol = symbol
        self._outlet = outlet
        self._since_ms = since_ms
        self._n = 0
        self._recent: deque[Liquidation] = deque(maxlen=RECENT)
        self._fresh: list[Liquidation] = []
        self._left_out = 0

    def add(self, event: Liquidation) -> None:
        """Take one up; it is told with the next `update`."""
        self._recent.append(event)
        self._fresh.append(event)
        if len(self._fresh) >= 2 * MOST_AT_ONCE:
            self._thin()

    async def snapshot(self) -> Message:
        """Return the newest ones that were told, those that still wait being told next."""
        told = list(self._recent)[: max(0, len(self._recent) - len(self._fresh))]
        body = {"since_ms": self._since_ms, "fields": FIELDS, "liquidations": [_row(each) for each in told]}
        return self._message("liquidations", body)

    def update(self) -> None:
        """Publish what came since the last time; nothing where nothing did."""
        if not self._fresh:
            return
        self._thin()
        fresh, self._fresh = self._fresh, []
        left_out, self._left_out = self._left_out, 0
        self._n += 1
        if self._outlet.follows(self.name):
            rows = [_row(each) for each in fresh]
            self._outlet.publish(self._message("liquidated", {"liquidations": rows, "left_out": left_out}))

    def _thin(self) -> None:
        """Keep the largest of what waits, in their order."""
        if len(self._fresh) > MOST_AT_ONCE:
            least = sorted((each.notional_usd for each in self._fresh), reverse=True)[MOST_AT_ONCE - 1]
            kept = [each for each in self._fresh if each.notional_usd >= least][:MOST_AT_ONCE]
            self._left_out += len(self._fresh) - len(kept)
            self._fresh = kept

    def _message(self, kind: str, body: dict[str, object]) -> Message:
        head = {"type": kind, "channel": self.name, "symbol": self._symbol, "n": self._n}
        return Message.of(dumps(head | body), channel=self.name, n=self._n)


def _row(event: Liquidation) -> list[object]:
    return [getattr(event, name) for name in FIELDS]
