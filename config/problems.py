"""Say in one line what is wrong with a setting, where and what to do; secrets are not repeated."""

from collections.abc import Iterable, Mapping

from pydantic import ValidationError
from rapidfuzz import fuzz, process

from config.catalogue import Known
from config.fields import PREFIX
from config.gather import Given

NEAR = 75
SHOWN_CHARS = 60


def unknown(given: Given, names: Iterable[str], *, by_env: bool) -> list[str]:
    """Return the line about a key that no setting has; foreign keys of an `.env` file are none of ours."""
    near = process.extractOne(
        given.key.upper() if by_env else given.key, sorted(names), scorer=fuzz.ratio, score_cutoff=NEAR
    )
    if by_env and not given.key.upper().startswith(PREFIX):
        if near is None or near[1] < 90:
            return []
        return [f"{given.key} ({given.place}): is not a setting. Did you mean {near[0]}?"]
    fix = f"Did you mean {near[0]}?" if near else "Remove it; `liqwatch check` lists every setting."
    return [f"{given.key} ({given.place}): there is no such setting. {fix}"]


def invalid(error: ValidationError, known: tuple[Known, ...], chosen: Mapping[str, Given]) -> list[str]:
    """Return one line for each setting that pydantic refused, in the order of the sections."""
    by_path = {k.path: k for k in known}
    lines: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False):
        path = _path(detail["loc"], by_path)
        setting = by_path.get(path)
        if setting is not None:
            lines[path] = _refused(setting, chosen.get(path))
        else:
            lines[path] = _group(path, str(detail["msg"]), chosen)
    order = list(by_path)
    return [lines[path] for path in sorted(lines, key=lambda p: order.index(p) if p in order else len(order))]


def _path(location: tuple[int | str, ...], by_path: Mapping[str, Known]) -> str:
    parts = [str(part) for part in location]
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in by_path:
            return ".".join(parts[:end])
    return ".".join(parts)


def _refused(setting: Known, given: Given | None) -> str:
    key = given.key if given else setting.path
    place = given.place if given else "default"
    if setting.secret:
        return f"{key} ({place}): wants {setting.hint.wants}. Its value is not shown here."
    shown = "" if given is None else f"={_short(given.value)}"
    joint = "=" if key == setting.env else ": "
    return (
        f"{key}{shown} ({place}): wants {setting.hint.wants}, for example {key}{joint}{setting.hint.example}"
    )


def _group(path: str, message: str, chosen: Mapping[str, Given]) -> str:
    places = sorted({g.place for p, g in chosen.items() if p.startswith(f"{path}.") or p == path})
    where = f" ({', '.join(places)})" if places else ""
    return f"{path}{where}: {message.removeprefix('Value error, ')}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"
