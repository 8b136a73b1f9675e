"""Show settings: what is effective and where from, and the example file; secrets are masked."""

from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from config.catalogue import Known
from config.root import Settings, known_settings

MASK = "********"


class Row(NamedTuple):
    """One effective setting: its name, its value as text (secrets masked), where it was written."""

    key: str
    value: str
    origin: str


def describe(settings: Settings) -> list[Row]:
    """Return every setting as it is in effect, in the order of the sections."""
    return [
        Row(known.name, _text(known, _value(settings, known.path)), settings.origin(known.path))
        for known in known_settings()
    ]


def _text(known: Known, value: object) -> str:
    return known.hint.none if value is None else shown(value)


def shown(value: object) -> str:
    """Return a value as people would write it; a secret only says that it is set."""
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, dict):
        return f"{len(value)} entries"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(settings: Settings, path: str) -> object:
    value: object = settings
    for name in path.split("."):
        value = getattr(value, name)
    return value


def env_example() -> str:
    """Return the text of `.env.example`: every setting that has a name in the environment, commented out."""
    lines = [
        "# Settings of Liqwatch. Copy this file to .env and uncomment what you want to change.",
        "# The environment wins over this file, the command line over both. Nothing here has to be set.",
        "# What is long (the tables of symbols) goes into a YAML file: LIQWATCH_CONFIG_FILE.",
    ]
    section = None
    for known in known_settings():
        if known.env:
            if (here := _section(known)) != section:
                section = here
                lines += ["", f"# --- {section}"]
            lines += [f"# {known.description} (wants {known.hint.wants})", f"# {known.env}={_example(known)}"]
    return "\n".join(lines) + "\n"


def _section(known: Known) -> str:
    return known.path.split(".", maxsplit=1)[0] if "." in known.path else "files"


def _example(known: Known) -> str:
    """Return the default where there is one; a blank where a secret would stand."""
    if known.secret:
        return ""
    if known.default is None:
        return known.hint.example if known.env.endswith("CONFIG_FILE") else ""
    default = known.default
    return str(default) if isinstance(default, Path) else shown(default)
