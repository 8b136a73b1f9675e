"""Read the file of models that the settings name, and check the name of the usual one."""

from collections.abc import Mapping
from pathlib import Path

from config.gather import Given
from engine.errors import ConfigError
from engine.preset_file import parse_presets
from engine.preset_values import meant
from engine.presets import PRESETS, Preset

MOST_BYTES = 1 << 18


def read_models(
    here: Path, file: Given | None, usual: Given | None, problems: list[str]
) -> Mapping[str, Preset]:
    """Return the models of the named file, by name; what is wrong goes to `problems`.

    `here` is the directory that relative paths start from. Values that are no text are left to the checks of
    the sections; without the file's models the usual one cannot be judged.
    """
    try:
        own = _read(here, file)
    except ConfigError as error:
        problems += error.problems
        return {}
    known = (*PRESETS, *own)
    name = usual.value.strip().lower() if usual is not None and isinstance(usual.value, str) else ""
    if usual is not None and name and name not in known:
        told = f"there is no such model. {meant(name, known)}"
        problems.append(f"{usual.key}={usual.value!r} ({usual.place}): {told}")
    return own


def _read(here: Path, file: Given | None) -> Mapping[str, Preset]:
    """Return the models of a file; raise ConfigError where it cannot be used."""
    if file is None or not isinstance(file.value, str | Path) or not str(file.value).strip():
        return {}
    path = here / file.value
    named = f"{file.key} ({file.place}): {path}"
    try:
        if not path.is_file():
            raise ConfigError([f"{named} does not exist. Name a TOML file of models, or remove it."])
        with path.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"{named} cannot be read. Name a TOML file this user may read."]) from error
    if len(content) > MOST_BYTES:
        raise ConfigError([f"{named} is larger than {MOST_BYTES // 1024} KiB. Name a TOML file of models."])
    return parse_presets(content, name=str(path))
