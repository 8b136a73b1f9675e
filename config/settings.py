"""Read all settings into one frozen object, or say in one line each what is wrong with them.

Later places win: shipped defaults, YAML file, `.env`, environment, command line.
"""

import os
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

from pydantic import PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.catalogue import Known, catalogue
from config.fields import Hint, setting
from config.gather import Given, Layer, read_dotenv, read_environ, read_overrides, read_yaml
from config.kinds import LogFormat, LogLevel, SourceChoice
from config.problems import invalid, unknown
from config.sections import (
    AlertSettings,
    CalibrationSettings,
    ChatSettings,
    CheckSettings,
    LogSettings,
    SourceSettings,
    StorageSettings,
    SymbolSettings,
    WebSettings,
    Within,
    ZoneSettings,
)
from engine.errors import ConfigError

__all__ = [
    "AlertSettings",
    "CalibrationSettings",
    "ChatSettings",
    "CheckSettings",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "Settings",
    "SourceChoice",
    "SourceSettings",
    "StorageSettings",
    "SymbolSettings",
    "WebSettings",
    "Within",
    "ZoneSettings",
    "known_settings",
    "load",
]

CONFIG_FILE = "liqwatch.yaml"
SHIPPED = "shipped defaults"


class Settings(BaseSettings):
    """Hold every setting, frozen, and remember where each came from."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    source: SourceSettings = SourceSettings()
    web: WebSettings = WebSettings()
    storage: StorageSettings = StorageSettings()
    log: LogSettings = LogSettings()
    chat: ChatSettings = ChatSettings()
    alerts: AlertSettings = AlertSettings()
    zones: ZoneSettings = ZoneSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    symbols: SymbolSettings = SymbolSettings()
    checks: CheckSettings = CheckSettings()
    config_file: Path | None = setting(
        None,
        f"YAML file for what is long; {CONFIG_FILE} in the present directory is read if it is there",
        Hint("a YAML file that exists", CONFIG_FILE, env="CONFIG_FILE"),
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from `load` alone, which knows where each was written and can say so."""
        return (init_settings,)

    def origin(self, path: str) -> str:
        """Return where a setting came from, in words: "default", "environment", ".env line 3" ..."""
        return self._origins.get(path, "default")

    def _remember(self, origins: dict[str, str]) -> None:
        self._origins.update(origins)


def known_settings() -> tuple[Known, ...]:
    """Return every setting there is, in the order of the sections."""
    return catalogue(Settings)


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
    if problems:
        raise ConfigError(problems)
    settings._remember({path: given.place for path, given in chosen.items()})  # noqa: SLF001 - same module
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
