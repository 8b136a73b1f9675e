"""Hold all sections together in one frozen object that remembers where each value came from."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import PrivateAttr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.api_sections import ApiSettings
from config.catalogue import Known, catalogue
from config.channel_sections import AppriseSettings, ChannelSettings, EmailSettings, WebhookSettings
from config.chat_sections import ChatSettings
from config.fields import Hint, setting
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
    ZoneSettings,
)
from config.stream_sections import StreamSettings
from config.venue_sections import BinanceSettings, BybitSettings, HyperliquidSettings, OkxSettings
from engine.presets import PRESETS, Preset

CONFIG_FILE = "liqwatch.yaml"


class Settings(BaseSettings):
    """Hold every setting, frozen, and remember where each came from."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    source: SourceSettings = SourceSettings()
    binance: BinanceSettings = BinanceSettings()
    bybit: BybitSettings = BybitSettings()
    okx: OkxSettings = OkxSettings()
    hyperliquid: HyperliquidSettings = HyperliquidSettings()
    web: WebSettings = WebSettings()
    api: ApiSettings = ApiSettings()
    ws: StreamSettings = StreamSettings()
    storage: StorageSettings = StorageSettings()
    log: LogSettings = LogSettings()
    chat: ChatSettings = ChatSettings()
    channels: ChannelSettings = ChannelSettings()
    email: EmailSettings = EmailSettings()
    webhook: WebhookSettings = WebhookSettings()
    apprise: AppriseSettings = AppriseSettings()
    alerts: AlertSettings = AlertSettings()
    zones: ZoneSettings = ZoneSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    models: ModelSettings = ModelSettings()
    symbols: SymbolSettings = SymbolSettings()
    checks: CheckSettings = CheckSettings()
    config_file: Path | None = setting(
        None,
        f"YAML file for what is long; {CONFIG_FILE} in the present directory is read if it is there",
        Hint("a YAML file that exists", CONFIG_FILE, env="CONFIG_FILE"),
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)
    _own: dict[str, Preset] = PrivateAttr(default_factory=dict)

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

    @property
    def presets(self) -> Mapping[str, Preset]:
        """Return every model a picture may show, by name: the shipped ones, then those of the file."""
        return PRESETS | self._own

    def remember(self, origins: Mapping[str, str], own: Mapping[str, Preset]) -> None:
        """Note where values were written and what the file of models holds; `load` alone calls this, once."""
        self._origins.update(origins)
        self._own.update(own)


def known_settings() -> tuple[Known, ...]:
    """Return every setting there is, in the order of the sections."""
    return catalogue(Settings)
