"""Decide in which language somebody is answered, and a place is posted into. Pure functions of what is set.

`set` by a person goes before what their platform says, that before what is set for the place, that before the
installation's own. What a platform said is remembered, since alerts come when nobody has just spoken.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.orm import Session

from bot.lang.languages import code_of, ships, speech_of
from engine.lang import speaking
from storage.servers import host_of
from storage.users import get_settings

CHOSEN, HEARD = "language", "language_heard"
"""What people have set, and what their platform said last."""


def language_of(values: Mapping[str, Any], *, heard: str = "", place: str = "", default: str = "en") -> str:
    """Return the language of a person by their settings, their platform's tag and their place's language."""
    wishes = (values.get(CHOSEN), code_of(heard), values.get(HEARD), place, default)
    return next((str(wish) for wish in wishes if ships(wish)), "en")


def owner_language(session: Session, owner: str, *, default: str = "en") -> str:
    """Return the language in which somebody is told what they did not just ask for."""
    return language_of(get_settings(session, owner), default=default)


def place_language(session: Session, channel: str, place: str) -> str:
    """Return the language that the server or group of a place has set; empty where none is.

    `channel` is the platform, `place` what a rule or a caller names it by.
    """
    host = host_of(session, channel, place)
    wish = None if host is None else host.values.get(CHOSEN)
    return str(wish) if ships(wish) else ""


def posted_language(session: Session, owner: str, channel: str, place: str, *, default: str = "en") -> str:
    """Return the language of what is sent for somebody: that of the place, else theirs."""
    return place_language(session, channel, place) or owner_language(session, owner, default=default)


def tongue_of(kept: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Speak the language that is kept with an alert's facts or with a message; English where none is."""
    return speaking(speech_of(str(kept.get(CHOSEN, "en"))))
