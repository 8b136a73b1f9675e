"""Know what somebody who asks has set, and in which language they are answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from bot.commands.reply import Caller
from bot.commands.services import State
from bot.lang import LANGUAGES, _, code_of, speech
from bot.lang.choice import CHOSEN, HEARD, language_of, place_language
from storage.users import get_settings, set_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Who asks: their settings (None where not read), their language, whether that is `new` to them."""

    values: Mapping[str, Any] | None
    language: str
    new: bool = False

    def news(self) -> str:
        """Return, once, that a language was taken from what the platform says; empty from then on."""
        if not self.new:
            return ""
        told = _("You are answered in {language}; /settings set language=en changes that.")
        return told.format(language=LANGUAGES[self.language].name)


async def hear(state: State | None, caller: Caller, wall_ms: int, *, noting: bool = True) -> Heard:
    """Return who asks; note what language their platform says, for alerts. Raises StorageError."""
    default = speech().code
    if state is None:
        return Heard(values=None, language=language_of({}, heard=caller.language, default=default))
    values, place = await state.read(lambda session: _known(session, caller))
    heard = code_of(caller.language)
    new = bool(heard) and heard != values.get(HEARD, default)
    if new and noting:
        changes = {HEARD: heard}
        values = await state.run(
            lambda session: set_settings(session, caller.user_id, changes, wall_ms=wall_ms)
        )
    language = language_of(values, heard=caller.language, place=place, default=default)
    return Heard(values=values, language=language, new=new and CHOSEN not in values)


def _known(session: Session, caller: Caller) -> tuple[dict[str, Any], str]:
    """Return what somebody has set, and the language of the place where they ask."""
    values = get_settings(session, caller.user_id)
    if caller.private or CHOSEN in values or code_of(caller.language):
        return values, ""
    return values, place_language(session, caller.front.value, caller.place)
