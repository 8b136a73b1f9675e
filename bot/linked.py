"""Do what links in messages lead to: show a picture again, end messages to an address."""

from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.orm import Session

from bot.alerting.parts import wall_clock_ms
from bot.delivery.addresses import UNPROVEN
from bot.delivery.channel import Picture
from bot.delivery.compose import picture_request
from bot.delivery.pictures import Draw, Pictures
from storage.channels import STOPPED, address_in, turn_off
from storage.codes import refuse_codes
from storage.places import Moved, stop_place
from storage.sealed import Sealer
from storage.state import StateStore
from storage.tables import Delivery

log = structlog.get_logger(__name__)


class Linked:
    """What links lead to, on the stores of this process."""

    def __init__(
        self,
        state: StateStore,
        draw: Draw,
        rules_changed: Callable[[str], Awaitable[None]],
        *,
        sealer: Sealer | None = None,
    ) -> None:
        self._state = state
        self._sealer = sealer
        self._pictures = Pictures(draw)
        self._rules_changed = rules_changed

    async def picture(self, delivery_id: int) -> Picture | None:
        """Draw the picture of a message again, as the market stands now."""
        row = await self._state.read(lambda session: session.get(Delivery, delivery_id))
        return await self._pictures.get(picture_request(row.message)) if row is not None else None

    async def stop(self, channel: str, destination: str) -> int:
        """Pause every alert that comes to a destination, and drop what waits for it.

        A channel of a user's is off then; to one that was never proven no code is sent any more.
        """
        wall_ms = wall_clock_ms()

        def work(session: Session) -> Moved:
            row = turn_off(session, channel, destination.removeprefix(UNPROVEN), STOPPED)
            if row is not None and row.verified_wall_ms is None and self._sealer is not None:
                address = address_in(row, self._sealer)
                refuse_codes(session, row, address, self._sealer, wall_ms=wall_ms)
            return stop_place(session, channel, destination, wall_ms)

        stopped = await self._state.run(work)
        log.info("delivery.stopped_by_link", channel=channel, rules=stopped.rules, dropped=stopped.deliveries)
        for symbol in stopped.symbols:
            await self._rules_changed(symbol)
        return stopped.rules
