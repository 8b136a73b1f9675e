"""Find the time zone that somebody means: IANA names, cities, UTC offsets, the nearest on a typo."""

import re
from functools import lru_cache
from zoneinfo import available_timezones

from rapidfuzz import fuzz, process

from bot.commands.amounts import quoted
from bot.commands.spec import NearMiss
from bot.commands.words import joined
from bot.lang import _
from engine.errors import UserError

_OFFSET = re.compile(r"(?:utc|gmt)\s*([+\-−])\s*0?(\d{1,2})(?::?00)?", re.IGNORECASE)
_ALIKE = 65.0
ABBREVIATIONS = {
    "z": "UTC",
    "gmt": "UTC",
    "cet": "Europe/Paris",
    "cest": "Europe/Paris",
    "bst": "Europe/London",
    "est": "America/New_York",
    "edt": "America/New_York",
    "et": "America/New_York",
    "cdt": "America/Chicago",
    "mst": "America/Denver",
    "mdt": "America/Denver",
    "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles",
    "pt": "America/Los_Angeles",
    "jst": "Asia/Tokyo",
    "kst": "Asia/Seoul",
    "sgt": "Asia/Singapore",
    "hkt": "Asia/Hong_Kong",
    "aest": "Australia/Sydney",
}
"""Abbreviations with one common meaning; the city is stored, so that summer time is right."""


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the IANA zones that people choose from: places and UTC."""
    skipped = ("Etc/", "SystemV/", "posix", "right")
    return tuple(
        sorted(z for z in available_timezones() if ("/" in z or z == "UTC") and not z.startswith(skipped))
    )


def begins_city(text: str) -> bool:
    """Say whether the name of a city begins so: "new_york", "ho_chi"."""
    plain = text.casefold()
    return any(name.casefold().rpartition("/")[2].startswith(plain) for name in names())


def resolve(text: str) -> str:
    """Return the IANA zone that `text` names. Raise NearMiss or UserError where none does, or several do."""
    plain = re.sub(r"\s+", "_", text.strip().casefold())
    if plain in ABBREVIATIONS:
        return ABBREVIATIONS[plain]
    if match := _OFFSET.fullmatch(text.strip()):
        return _fixed(match[1], int(match[2]), text)
    whole = {name.casefold(): name for name in names()}
    if plain in whole:
        return whole[plain]
    cities = [name for name in names() if name.casefold().rsplit("/", 1)[-1] == plain]
    if len(cities) == 1:
        return cities[0]
    near = cities or nearest(plain)
    if near:
        raise NearMiss(
            _("I do not know the time zone {text}. Did you mean {near}?").format(
                text=quoted(text), near=joined(near, "or")
            ),
            lines=tuple(near),
        )
    raise UserError(
        _("I do not know the time zone {text}. Name a city, such as Europe/Berlin.").format(text=quoted(text))
    )


def nearest(text: str, limit: int = 3) -> list[str]:
    """Return the zones whose whole name or city is most like `text`, best first."""
    plain = text.strip().casefold().replace(" ", "_")
    starts = [n for n in names() if any(part.startswith(plain) for part in n.casefold().split("/"))]
    city = plain.rsplit("/", 1)[-1]
    table = {name: name.casefold().rsplit("/", 1)[-1] for name in names()}
    alike = process.extract(city, table, scorer=fuzz.ratio, limit=limit * 2, score_cutoff=_ALIKE)
    ranked = sorted(alike, key=lambda found: -found[1] - fuzz.ratio(plain, found[2].casefold()) / 100)
    return list(dict.fromkeys([*(starts if plain else []), *(name for _, _, name in ranked)]))[:limit]


def _fixed(sign: str, hours: int, text: str) -> str:
    """Return the zone of a whole-hour offset; the IANA names carry the sign the other way round."""
    if hours == 0:
        return "UTC"
    if hours > (14 if sign == "+" else 12):
        raise UserError(
            _("{text} is not an offset that exists. Name a city, such as Europe/Berlin.").format(
                text=quoted(text)
            )
        )
    return f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"
