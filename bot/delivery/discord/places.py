"""Name people, channels and messages of Discord the way rules and deliveries keep them. Pure functions.

A person is `discord:42`, a channel or a thread `123`. A message is `channel:message`.
"""

import re
from dataclasses import dataclass
from typing import Self

from engine.model import UserId

CHANNEL = "discord"
_PLACE = re.compile(r"(discord:)?(\d{1,20})")
_MESSAGE = re.compile(r"(\d{1,20}):(\d{1,20})")


@dataclass(frozen=True, slots=True)
class Place:
    """A channel or thread, or (`private`) the person whose direct messages are meant."""

    number: int
    private: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that a rule or a delivery names. Raise ValueError for anything else."""
        found = _PLACE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no place in Discord")
        return cls(int(found[2]), private=bool(found[1]))


@dataclass(frozen=True, slots=True)
class Remote:
    """A message that the bot sent."""

    channel_id: int
    message_id: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the message that a delivery names. Raise ValueError for anything else."""
        found = _MESSAGE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no message in Discord")
        return cls(int(found[1]), int(found[2]))

    @property
    def text(self) -> str:
        """Return the name under which a delivery keeps the message."""
        return f"{self.channel_id}:{self.message_id}"


def user_id_of(number: int) -> UserId:
    """Return the user id of a person."""
    return UserId(f"{CHANNEL}:{number}")
