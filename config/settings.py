"""Read all settings into one frozen object, or say in one line each what is wrong with them.

Later places win: shipped defaults, YAML file, `.env`, environment, command line.
"""

import os
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

from pydantic import ValidationError

from config.catalogue import Known
from config.chat_sections import ChatSettings
from config.gather import Given, Layer, read_dotenv, read_environ, read_overrides, read_yaml
from config.kinds import LogFormat, LogLevel, SourceChoice
from config.models import read_models
from config.problems import invalid, unknown
from config.root import CONFIG_FILE, Settings, known_settings
from config.sections import (
    AlertSettings,
    CalibrationSettings,
    CheckSettings,
    LogSettings,
    ModelSettings,
    SourceSettings,
    StorageSettings,
    SymbolSettings,
    WebSettings,
    Within,
    ZoneSettings,
)
from config.show import Row, describe, env_example
from engine.errors import ConfigError

__all__ = [
    "AlertSettings",
    "CalibrationSettings",
    "ChatSettings",
    "CheckSettings",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "ModelSettings",
    "Row",
    "Settings",
    "SourceChoice",
    "SourceSettings",
    "StorageSettings",
    "SymbolSettings",
    "WebSettings",
    "Within",
    "ZoneSettings",
    "describe",
    "env_example",
    "known_settings",
    "load",
]

SHIPPED = "shipped defaults"


def load(
    overrides: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Settings:
    """Read all settings; raise ConfigError with one line a problem.

    `overrides` are dotted paths of the command line (`{"web.port": 8080}`), None for "not given"; `environ`
    stands in for the process environment, `directory` for the present one.
    """
    known = known_settings()
    here = directory or Path()
    upper = [
        read_dotenv(here / ".env"),
        read_environ(os.environ if environ is None else environ),
        read_overrides(overrides or {}),
    ]
    problems: list[str] = []
    chosen = _choose(upper, known, problems)
    chosen = _choose([*_files(here, chosen.get("config_file"), known, problems), *upper], known, [])
    try:
        settings = Settings.model_validate(_nested({path: given.value for path, given in chosen.items()}))
    except ValidationError as error:
        problems.extend(invalid(error, known, chosen))
    own = read_models(here, chosen.get("models.file"), chosen.get("models.usual"), problems)
    if problems:
        raise ConfigError(problems)
    settings.remember({path: given.place for path, given in chosen.items()}, own)
    return settings


def _files(here: Path, named: Given | None, known: tuple[Known, ...], problems: list[str]) -> list[Layer]:
    """Read the shipped defaults and the YAML file, and check the latter's keys."""
    tables = frozenset(k.path for k in known if isinstance(k.default, dict))
    with as_file(files("config") / "defaults.yaml") as path:
        shipped = read_yaml(path, tables)
    shipped = Layer(
        given=tuple(Given(key=g.key, value=g.value, place=SHIPPED) for g in shipped.given), by_env=False
    )
    file = here / str(named.value) if named else here / CONFIG_FILE
    if named and not file.is_file():
        problems.append(
            f"{named.key} ({named.place}): {file} does not exist. Name a YAML file, or remove it."
        )
    user = read_yaml(file, tables)
    _choose([user], known, problems)
    return [shipped, user]


def _choose(layers: list[Layer], known: tuple[Known, ...], problems: list[str]) -> dict[str, Given]:
    """Return the winning value of each path; what is not known goes to `problems`."""
    chosen: dict[str, Given] = {}
    for layer in layers:
        problems.extend(layer.problems)
        paths = {(k.env if layer.by_env else k.path): k for k in known if k.env or not layer.by_env}
        for given in layer.given:
            match = paths.get(given.key)
            if match is None:
                problems.extend(unknown(given, paths, by_env=layer.by_env))
            else:
                chosen[match.path] = _joined(chosen.get(match.path), given)
    return chosen


def _joined(lower: Given | None, upper: Given) -> Given:
    """Let a table add to the one below it; anything else replaces it."""
    if lower and isinstance(lower.value, dict) and isinstance(upper.value, dict):
        return Given(
            key=upper.key, value={**lower.value, **upper.value}, place=f"{lower.place}, {upper.place}"
        )
    return upper


def _nested(values: Mapping[str, object]) -> dict[str, object]:
    """Turn dotted paths into nested tables."""
    root: dict[str, object] = {}
    for path, value in values.items():
        *sections, name = path.split(".")
        table = root
        for section in sections:
            inner = table.setdefault(section, {})
            if isinstance(inner, dict):
                table = inner
        table[name] = value
    return root
