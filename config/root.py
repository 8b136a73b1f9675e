"""Hold all sections together in one frozen object that remembers where each value came from."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import PrivateAttr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.catalogue import Known, catalogue
from config.fields import Hint, setting
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
    ZoneSettings,
)

CONFIG_FILE = "liqwatch.yaml"


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

    def remember(self, origins: Mapping[str, str]) -> None:
        """Note where values were written, for `origin`; `load` alone calls this, once."""
        self._origins.update(origins)


def known_settings() -> tuple[Known, ...]:
    """Return every setting there is, in the order of the sections."""
    return catalogue(Settings)
