"""Name chats, topics and messages of Telegram the way rules and deliveries keep them. Pure functions.

A person is `telegram:42`, a group `-100123`, a topic of it `-100123/7`. A message is `chat:message`, and
`chat:message:t` where it is text without a picture, which is edited another way.
"""

import re
from dataclasses import dataclass
from typing import Self

from engine.model import UserId

CHANNEL = "telegram"
_PLACE = re.compile(r"(?:telegram:)?(-?\d{1,19})(?:/(\d{1,19}))?")
_MESSAGE = re.compile(r"(-?\d{1,19}):(\d{1,19})(:t)?")


@dataclass(frozen=True, slots=True)
class Place:
    """A chat, or a topic of one. People have positive numbers, groups negative ones."""

    chat_id: int
    topic: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that a rule or a delivery names. Raise ValueError for anything else."""
        found = _PLACE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no place in Telegram")
        return cls(int(found[1]), int(found[2]) if found[2] else None)

    @property
    def text(self) -> str:
        """Return the name under which a rule keeps the place."""
        return f"{self.chat_id}/{self.topic}" if self.topic else str(self.chat_id)

    @property
    def private(self) -> bool:
        """Say whether one person alone reads there."""
        return self.chat_id > 0


@dataclass(frozen=True, slots=True)
class Remote:
    """A message that the bot sent. `picture` says whether its words are a caption."""

    chat_id: int
    message_id: int
    picture: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the message that a delivery names. Raise ValueError for anything else."""
        found = _MESSAGE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no message in Telegram")
        return cls(int(found[1]), int(found[2]), picture=not found[3])

    @property
    def text(self) -> str:
        """Return the name under which a delivery keeps the message."""
        return f"{self.chat_id}:{self.message_id}{'' if self.picture else ':t'}"


def user_id_of(number: int) -> UserId:
    """Return the user id of a person, or of a group whose admins speak for it."""
    return UserId(f"{CHANNEL}:{number}")
