"""Show messages in the app itself, on the page's panel and in the console, and keep an inbox of them."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from bot.alerting.parts import wall_clock_ms
from bot.delivery.channel import OutMessage, Picture, Rate, Receipt
from bot.delivery.compose import buttons_of, heading, picture_request
from bot.delivery.pictures import Draw, Pictures
from bot.delivery.plain import clean
from bot.delivery.reroute import INAPP
from bot.lang import _
from engine.errors import UserError
from engine.model import Severity, UserId
from storage import inbox, outbox
from storage.inbox import Entry
from storage.outbox import State
from storage.state import StateStore

log = structlog.get_logger(__name__)

SINK_TIMEOUT_S = 2.0
"""How long a front may take to accept a message before it is left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InAppMessage:
    """One message as a front shows it. `message_id` stays the same when the message is edited (`revision`).

    A front keeps one message per `message_id` and the highest `revision` of it, so that a repeated push
    changes nothing. `picture` is there in a push; in the inbox it is drawn on demand (`has_picture`).
    """

    message_id: str
    delivery_id: int
    alert_id: str
    kind: str
    severity: Severity
    symbol: str
    title: str
    text: str
    market_ms: int
    revision: int = 0
    buttons: tuple[tuple[tuple[str, str], ...], ...] = ()
    label: str = ""
    note: str = ""
    folded: int = 0
    silent: bool = False
    late_s: int = 0
    unread: bool = True
    has_picture: bool = False
    picture: Picture | None = field(default=None, repr=False)


Sink = Callable[[str, InAppMessage], Awaitable[object]]
"""`sink(user_id, message)`: put one message on a page or a terminal. True says that it is shown already."""


class InApp:
    """The in-app channel: push to every front that is open, and keep all of it readable later."""

    def __init__(
        self,
        state: StateStore,
        *,
        wall_ms: Callable[[], int] = wall_clock_ms,
        draw: Draw | None = None,
        concurrency: int = 32,
    ) -> None:
        self._state = state
        self._wall_ms = wall_ms
        self._pictures = Pictures(draw)
        self._sinks: dict[str, list[Sink]] = {}
        self.name = INAPP
        self.overall: tuple[Rate, ...] = ()
        self.deduplicates_s = math.inf
        self.timeout_s = 10.0
        self.concurrency = concurrency

    def rates(self, destination: str) -> tuple[Rate, ...]:
        """Return no limits: this is our own page."""
        return ()

    async def cost(self, _destination: str) -> int:
        """Return that a message is one push."""
        return 1

    def register(self, user_id: UserId, sink: Sink) -> Callable[[], None]:
        """Push a user's messages to `sink` from now on; call what is returned to stop."""
        self._sinks.setdefault(user_id, []).append(sink)

        return lambda: self.unregister(user_id, sink)

    def unregister(self, user_id: UserId, sink: Sink) -> None:
        """Push to `sink` no longer."""
        sinks = self._sinks.get(user_id, [])
        if sink in sinks:
            sinks.remove(sink)
        if not sinks:
            self._sinks.pop(user_id, None)

    async def send(self, message: OutMessage, *, key: str, edit_of: str | None) -> Receipt:
        """Push to every open front of the user; without one the message waits in the inbox."""
        shown = _pushed(message)
        sinks = list(self._sinks.get(message.user_id, ()))
        seen = await asyncio.gather(*(self._push(sink, message.user_id, shown) for sink in sinks))
        return Receipt(remote_id=message.alert_id, delivered=any(seen))

    async def _push(self, sink: Sink, user_id: str, shown: InAppMessage) -> bool:
        """Push to one front, and say whether it shows the message; a slow one keeps nobody waiting."""
        try:
            async with asyncio.timeout(SINK_TIMEOUT_S):
                return await sink(user_id, shown) is True
        except TimeoutError:
            log.warning("inapp.front_slow", delivery=shown.delivery_id)
        except Exception:  # part of a delivery attempt; the inbox still has the message
            log.exception("inapp.front_failed", delivery=shown.delivery_id)
        return False

    async def delivered(self, user_id: UserId, delivery_id: int) -> bool:
        """Record that a front has shown a message; False where it is not theirs or was recorded before."""
        return await self._receipt(user_id, delivery_id, State.DELIVERED)

    async def acknowledged(self, user_id: UserId, delivery_id: int) -> bool:
        """Record that the user pressed one of a message's buttons."""
        return await self._receipt(user_id, delivery_id, State.ACKED)

    async def _receipt(self, user_id: str, delivery_id: int, state: State) -> bool:
        wall_ms = self._wall_ms()
        return await self._state.run(
            lambda session: outbox.receipt(session, user_id, delivery_id, state, wall_ms)
        )

    async def inbox(
        self, user_id: UserId, *, limit: int = 30, before: int | None = None
    ) -> list[InAppMessage]:
        """Return a user's recent messages, newest first; `before` is the delivery id to go on from."""
        rows = await self._state.read(
            lambda session: inbox.entries(session, user_id, INAPP, limit=limit, before=before)
        )
        return [_kept(row) for row in rows]

    async def unread(self, user_id: UserId) -> int:
        """Return how many messages no front has shown yet."""
        return await self._state.read(lambda session: inbox.unread(session, user_id, INAPP))

    async def picture(self, user_id: UserId, delivery_id: int) -> Picture | None:
        """Draw the picture of a message in the inbox again, as the market stands now."""
        entry = await self._state.read(lambda session: inbox.entry(session, user_id, INAPP, delivery_id))
        if entry is None:
            raise UserError(_("That message is not in your inbox."), example="/alert history")
        return await self._pictures.get(picture_request(entry.message))


def _pushed(message: OutMessage) -> InAppMessage:
    return InAppMessage(
        message_id=message.alert_id,
        delivery_id=message.delivery_id,
        alert_id=message.alert_id,
        kind=message.kind,
        severity=message.severity,
        symbol=message.symbol,
        title=message.title,
        text=message.text,
        market_ms=message.market_ms,
        revision=message.revision,
        buttons=message.buttons,
        label=message.label,
        note=message.note,
        folded=message.folded,
        silent=message.silent,
        late_s=message.late_s,
        has_picture=message.picture is not None,
        picture=message.picture,
    )


def _kept(row: Entry) -> InAppMessage:
    body = row.message
    return InAppMessage(
        message_id=row.alert_id,
        delivery_id=row.delivery_id,
        alert_id=row.alert_id,
        kind=str(body.get("kind", "")),
        severity=Severity(row.severity),
        symbol=str(body.get("symbol", "")),
        title=heading(body["title"]),
        text=clean(str(body["text"])),
        market_ms=int(body.get("market_ms", row.market_ms)),
        revision=row.revision,
        buttons=buttons_of(body),
        label=clean(str(body.get("label", ""))),
        note=clean(str(body.get("note", ""))),
        folded=int(body.get("folded", 0)),
        silent=bool(body.get("silent", False)),
        unread=row.unread,
        has_picture=bool(body.get("picture")),
    )
