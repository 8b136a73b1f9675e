"""Know what a delivery's destination stands for: where a mail, a request or a call goes.

A rule and a delivery name a destination by a short name (`house`, a number). What it stands for is personal
and often secret, so it is kept apart, sealed, and asked for only when something is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.delivery.channel import OutMessage
from bot.lang import N_
from engine.errors import Gone, Retryable, SealError
from storage.channels import address_in, get_channel, secret_in
from storage.sealed import Sealer
from storage.state import StateStore

HOUSE = "house"
"""The destination that the operator set up in the settings."""
UNPROVEN = "code:"
"""How a destination begins that is not proven yet: only the code that proves it goes there."""
UNREADABLE_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where to send to: a mail address, an URL, a number; and the secret that signs what goes there.

    `trusted` says that the operator gave it, who may name what no user may.
    """

    text: str = field(repr=False)
    secret: str = field(default="", repr=False)
    trusted: bool = False


class Addresses(Protocol):
    """Be where destinations are kept."""

    async def find(self, channel: str, destination: str, owner: str) -> Address | None:
        """Return what a destination of an owner's stands for, None where it was removed. Raise SealError."""
        ...


class HouseAddresses:
    """Destinations that the settings name, before those that `further` knows."""

    def __init__(self, house: Mapping[str, Address], further: Addresses | None = None) -> None:
        self._house = house
        self._further = further

    async def find(self, channel: str, destination: str, owner: str) -> Address | None:
        """Return what a destination of an owner stands for, None where there is none. Raise SealError."""
        if destination == HOUSE:
            return self._house.get(channel)
        if self._further is None:
            raise SealError("LIQWATCH_SECRET_KEY is not set")
        return await self._further.find(channel, destination, owner)


class OwnAddresses:
    """What the channels of users stand for: kept sealed, and found for their owner alone."""

    def __init__(self, state: StateStore, sealer: Sealer) -> None:
        self._state = state
        self._sealer = sealer

    async def find(self, channel: str, destination: str, owner: str) -> Address | None:
        """Return what an owner's channel stands for, None where there is none, or it is not proven."""
        number = destination.removeprefix(UNPROVEN)
        if not (number.isascii() and number.isdecimal()):
            return None
        row = await self._state.read(lambda session: get_channel(session, owner, int(number)))
        if row is None or row.kind != channel:
            return None
        if row.verified_wall_ms is None and number == destination:
            return None
        return Address(address_in(row, self._sealer), secret_in(row, self._sealer))


async def address_of(addresses: Addresses, channel: str, message: OutMessage) -> Address:
    """Return where a message goes. Raise Gone where that was removed, Retryable where it is sealed."""
    try:
        found = await addresses.find(channel, message.destination, message.user_id)
    except SealError as error:
        raise Retryable(f"the address cannot be read: {error}", retry_after_s=UNREADABLE_WAIT_S) from None
    if found is None:
        raise Gone(N_("the address was removed"))
    return found
