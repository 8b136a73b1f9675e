"""Look after the channels that users set up themselves: check an address, prove it by a code, test it."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable

import structlog
from sqlalchemy.orm import Session
from yarl import URL

from bot.alerting.elsewhere import name_of
from bot.alerting.parts import wall_clock_ms
from bot.commands.services import Added
from bot.delivery import apprise, email, webhook
from bot.delivery.addresses import UNPROVEN, Address
from bot.delivery.channel import Channel, OutMessage
from bot.delivery.guard import Networks, parse
from bot.lang import N_, _, said
from engine.errors import DeliveryError, Gone, SealError, UserError
from engine.model import Severity, UserId
from storage.channels import (
    KINDS,
    NewChannel,
    add_channel,
    address_in,
    get_channel,
    note_attempt,
    remove_channel,
    turn_on,
)
from storage.codes import A_DAY, Limited, Tried, new_code, try_code
from storage.outbox import GONE, State
from storage.sealed import Sealer
from storage.state import StateStore
from storage.tables import OwnChannel

log = structlog.get_logger(__name__)

CODE = "code"
TEST = "test"
LONGEST_S = 20.0
"""How long somebody waits for an answer from there; commands end a little later."""
AT_ONCE = 8
PATIENCE_S = 8.0
"""How long a code or a test waits for its turn behind alerts."""
Turn = Callable[[str, str], Awaitable[None]]
"""Wait until something may be sent on a channel to a destination."""
ADD_AGAIN = "/channels add email me@example.org"
_WHY = {
    Tried.NONE: N_("No code waits for you; adding a channel sends one."),
    Tried.EXPIRED: N_("That code is more than 10 minutes old. Add the channel again for another."),
    Tried.SPENT: N_(
        "There were 5 wrong codes, so that one works no more. Add the channel again for another."
    ),
    Tried.WRONG: N_("That is not the code. It works for 10 minutes and 5 tries."),
}
_LIMITED = {
    Limited.OFTEN: said(
        "There were {count} codes for you or for that address within a day. Try again tomorrow.",
        count=str(A_DAY),
    ),
    Limited.REFUSED: N_("Whoever reads that address wants no codes from here."),
}


async def _at_once(_channel: str, _destination: str) -> None:
    """Wait for nothing."""


class Own:
    """Channels of users over the channels that deliver, which know the sealed addresses.

    What somebody waits for is sent at once and not kept, but in its `turn`: the sender's, once there is one.
    """

    def __init__(
        self,
        state: StateStore,
        sealer: Sealer,
        channels: Iterable[Channel],
        networks: Networks,
        *,
        wall_ms: Callable[[], int] = wall_clock_ms,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._state = state
        self._sealer = sealer
        self._networks = networks
        self._wall_ms = wall_ms
        self._channels = {channel.name: channel for channel in channels if channel.name in KINDS}
        self._patience_s = patience_s
        self._under_way = 0
        self.turn: Turn = _at_once

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds that can be added here."""
        return tuple(kind for kind in KINDS if kind in self._channels)

    def shown(self, row: OwnChannel) -> str:
        """Return a channel's address as its owner may see it: of an URL no more than scheme and host."""
        try:
            address = address_in(row, self._sealer)
        except SealError:
            return _("(cannot be read: the key is another)")
        if row.kind == email.CHANNEL:
            return address
        scheme = address.partition("://")[0]
        host = URL(address).host if row.kind == webhook.CHANNEL else ""
        return f"{scheme}://{host}/…" if host else f"{scheme}://…"

    async def add(self, owner: UserId, kind: str, address: str) -> Added:
        """Keep a channel and send a code there.

        Raise UserError for an address that cannot be used, where there were codes enough, and where nothing
        took the code.
        """
        self._must_have_room()
        secret = webhook.new_secret() if kind == webhook.CHANNEL else ""
        usual = await asyncio.to_thread(self._usual, kind, address)
        new = NewChannel(kind=kind, address=usual, secret=secret)
        wall_ms = self._wall_ms()

        def work(session: Session) -> tuple[OwnChannel, str]:
            row = add_channel(session, owner, new, self._sealer, wall_ms=wall_ms)
            if row.verified_wall_ms is not None:
                return row, ""
            code = new_code(session, row, new.address, self._sealer, wall_ms=wall_ms)
            if isinstance(code, Limited):
                raise UserError(_(_LIMITED[code]), example="/channels list")
            return row, code

        row, code = await self._state.run(work)
        if not code:
            return Added(row=row, known=True)
        await self._prove(row, code)
        return Added(row=row, secret=secret)

    async def _prove(self, row: OwnChannel, code: str) -> None:
        """Send a code. What takes none is forgotten; a mail that got no answer may have arrived.

        Of anything but mail the sentence is one and the same, so that nothing can be learned of an address.
        """
        try:
            await self._send(row, _code_message(row, code, self._wall_ms()))
        except (DeliveryError, TimeoutError) as error:
            if row.kind == email.CHANNEL and isinstance(error, TimeoutError):
                log.info("channels.code_unknown", kind=row.kind)
                return
            await self._state.run(lambda s: remove_channel(s, row.user_id, row.channel_id))
            why = _("nothing there took it")
            if row.kind == email.CHANNEL and isinstance(error, DeliveryError):
                why = error.reason
            raise UserError(
                _("The code could not be sent: {why}.").format(why=_(why)), example=ADD_AGAIN
            ) from None

    async def verify(self, owner: UserId, code: str) -> OwnChannel:
        """Return the channel that a code proves, now on. Raise UserError for a code that proves none."""
        wall_ms = self._wall_ms()
        found = await self._state.run(lambda s: try_code(s, owner, code, self._sealer, wall_ms=wall_ms))
        if isinstance(found, Tried):
            raise UserError(_(_WHY[found]), example="/channels list")
        return found

    async def test(self, owner: UserId, number: int) -> OwnChannel:
        """Send a test message to an owner's channel and note what became of it.

        Raise UserError where there is no such channel, it is not proven, or it took nothing.
        """
        row = await self._state.read(lambda session: get_channel(session, owner, number))
        if row is None:
            raise UserError(
                _("You have no channel {number}.").format(number=number), example="/channels list"
            )
        name = name_of(row.kind, str(number))
        if row.verified_wall_ms is None:
            raise UserError(
                _("{name} waits for its code.").format(name=name), example="/channels verify 12345678"
            )
        if row.kind not in self._channels:
            raise UserError(
                _("{name} cannot be reached: that kind is not set up here any more.").format(name=name)
            )
        self._must_have_room()
        why = await self._tried(row)
        if why:
            raise UserError(
                _("{name} did not take it: {why}.").format(name=name, why=_(why)), example="/channels list"
            )
        wall_ms = self._wall_ms()
        await self._state.run(lambda s: turn_on(s, owner, number, wall_ms=wall_ms))
        return await self._state.read(lambda session: get_channel(session, owner, number)) or row

    async def _tried(self, row: OwnChannel) -> str:
        """Send a test message; return why it was not taken, empty where it was."""
        try:
            await self._send(row, _test_message(row, self._wall_ms()))
        except TimeoutError:
            why = _("no answer in time")
        except DeliveryError as error:
            why = f"{GONE if isinstance(error, Gone) else ''}{error.reason}"
        else:
            return ""
        place = (row.user_id, row.kind, str(row.channel_id))
        wall_ms = self._wall_ms()
        await self._state.run(lambda s: note_attempt(s, place, State.FAILED, why, wall_ms=wall_ms))
        return why.removeprefix(GONE)

    async def _send(self, row: OwnChannel, message: OutMessage) -> None:
        channel = self._channels[row.kind]
        self._under_way += 1
        try:
            await self._its_turn(row)
            async with asyncio.timeout(min(channel.timeout_s, LONGEST_S)):
                await channel.send(message, key=secrets.token_hex(32), edit_of=None)
        finally:
            self._under_way -= 1

    async def _its_turn(self, row: OwnChannel) -> None:
        """Wait until the channel's limits let it through. Raise UserError where that takes too long."""
        try:
            async with asyncio.timeout(self._patience_s):
                await self.turn(row.kind, str(row.channel_id))
        except TimeoutError:
            raise UserError(_("Much is being sent just now. Try again in a minute.")) from None

    def _must_have_room(self) -> None:
        if self._under_way >= AT_ONCE:
            raise UserError(_("Many codes are being sent just now. Try again in a minute."))

    def _usual(self, kind: str, address: str) -> str:
        """Return an address in its usual form. Raise UserError for one that cannot be used."""
        if kind == email.CHANNEL:
            return email.mailbox(address)
        if kind == webhook.CHANNEL:
            return str(parse(address, self._networks))
        try:
            apprise.service_of(Address(address.strip()))
        except DeliveryError as error:
            raise UserError(
                _("That cannot be used: {reason}.").format(reason=_(error.reason)),
                example="pover://user@token",
            ) from None
        return address.strip()


def _code_message(row: OwnChannel, code: str, wall_ms: int) -> OutMessage:
    return OutMessage(
        delivery_id=0,
        alert_id=f"code-{row.channel_id}",
        user_id=row.user_id,
        destination=f"{UNPROVEN}{row.channel_id}",
        kind=CODE,
        severity=Severity.INFO,
        symbol="",
        title=_("{code} is your code for Liqwatch").format(code=code),
        text=_(
            "Where you talk to Liqwatch, type /channels verify {code}\nIt works once, for 10 "
            "minutes.\nIf you did not ask for it, do nothing: without the code nothing else is "
            "sent here."
        ).format(code=code),
        market_ms=wall_ms,
        figures=((_("Code"), code),),
    )


def _test_message(row: OwnChannel, wall_ms: int) -> OutMessage:
    return OutMessage(
        delivery_id=0,
        alert_id=f"test-{row.channel_id}-{wall_ms}",
        user_id=row.user_id,
        destination=str(row.channel_id),
        kind=TEST,
        severity=Severity.INFO,
        symbol="",
        title=_("Test from Liqwatch"),
        text=_("This is how your alerts arrive here. Nothing happened in the market."),
        market_ms=wall_ms,
    )
