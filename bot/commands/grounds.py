"""Say what commands need to know of a chat platform: what the bot may do where, and what names mean there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that the bot needs in a place, whether it has it, and how to give it where it has not.

    `needed` False is for what makes something better, and not for what is missing without it.
    """

    name: str
    has: bool
    fix: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Something of a server that people call by a name: a channel or a role, and its id."""

    key: str
    title: str


class Grounds(Protocol):
    """Be one chat platform, as far as commands ask about its places."""

    async def inspect(self, place: str, *, role: str = "") -> Sequence[Finding]:
        """Return what the bot needs to post in a place; with a role, also to call that one.

        Raises UserError where the place cannot be looked at.
        """

    def channels(self, server: str) -> Sequence[Named]:
        """Return the places of a server that are known, in the order people see them in."""

    def roles(self, server: str) -> Sequence[Named]:
        """Return the roles of a server that may be called; none where a platform has no roles."""
