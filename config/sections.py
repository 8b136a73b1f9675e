"""Hold every setting of Liqwatch but those of single venues, one frozen class a section."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from config.fields import Hint, Section, setting
from config.kinds import (
    Choice,
    File,
    Format,
    Level,
    LogFormat,
    LogLevel,
    Moment,
    Name,
    NameList,
    Secret,
    SourceChoice,
    Speed,
    SymbolList,
    Text,
    TextList,
    TimeList,
)
from engine.model import Severity

Days = Annotated[int, Field(ge=1, le=36_500)]


class SourceSettings(Section):
    """Where market data comes from."""

    kind: Choice = setting(
        SourceChoice.AUTO,
        "where market data comes from",
        Hint("auto, live or replay", "replay", env="SOURCE"),
    )
    speed: Speed = setting(
        60.0,
        "market seconds of a replay in one second; max is as fast as possible",
        Hint("a number above 0, up to 100000, or max", "60", env="SPEED", none="max"),
        gt=0,
        le=100_000,
    )
    start_ms: Moment = setting(
        None,
        "where a replay starts, UTC; empty goes on where it stopped, at first 2025-10-10 20:00",
        Hint("a date and time in UTC", "2025-10-10 20:00", env="REPLAY_START"),
        ge=0,
    )
    symbols: SymbolList = setting(
        ("BTCUSDT", "ETHUSDT"),
        "symbols to follow",
        Hint("one or more different symbols, split by commas", "BTCUSDT,ETHUSDT", env="SYMBOLS"),
        min_length=1,
    )
    venues: NameList = setting(
        ("binance", "bybit", "okx", "hyperliquid"),
        "venues that live data is read from; the first that trades a symbol lends it its price",
        Hint("one or more different venues, split by commas", "binance,bybit,okx,hyperliquid", env="VENUES"),
        min_length=1,
    )
    history_days: int = setting(
        45,
        "how many days of candles are asked of live venues; fewer than 30 make dollars and shares less sure",
        Hint("a whole number from 3 to 400", "45", env="HISTORY_DAYS"),
        ge=3,
        le=400,
    )
    most_symbols: int = setting(
        50,
        "how many symbols may be followed at a time; on four venues each takes 8 MB of memory",
        Hint("a whole number from 1 to 1000", "50", env="MOST_SYMBOLS"),
        ge=1,
        le=1000,
    )
    start_within_s: float = setting(
        30.0,
        "how long the start waits for a venue that trades any of the symbols",
        Hint("1 to 600 seconds", "30", env="START_WITHIN_S"),
        ge=1,
        le=600,
    )


class WebSettings(Section):
    """The page, its chat panel and the HTTP API."""

    host: str = setting(
        "127.0.0.1",
        "address to listen on; another than this machine asks for the panel token",
        Hint("a host name or an IP address", "127.0.0.1", env="HOST"),
        min_length=1,
    )
    port: int = setting(
        8080,
        "port to listen on; 0 takes any free one",
        Hint("a whole number from 0 to 65535", "8080", env="PORT"),
        ge=0,
        le=65_535,
    )
    panel_token: Secret = setting(
        None,
        "fixed token of the chat panel; empty makes a new one at each start, where one is needed",
        Hint("at least 16 characters", "(16 characters or more)", env="PANEL_TOKEN"),
        min_length=16,
    )
    allowed_hosts: TextList = setting(
        (),
        "further host names under which the page may be opened",
        Hint("host names split by commas", "liqwatch.example.org", env="ALLOWED_HOSTS"),
    )
    public_url: Text = setting(
        None,
        "address of the page as users reach it, for links in messages",
        Hint("an http or https address", "https://liqwatch.example.org", env="PUBLIC_URL"),
        pattern=r"^https?://\S+$",
    )


class StorageSettings(Section):
    """Where things are kept."""

    data_dir: Path = setting(
        Path("data"),
        "directory of the databases; replay and live data have their own below it",
        Hint("a directory that can be written", "data", env="DATA_DIR"),
    )
    state_url: Secret = setting(
        None,
        "database of users, rules and deliveries; empty keeps them in SQLite in the data directory",
        Hint("an SQLAlchemy address", "postgresql+psycopg://user:password@host/liqwatch", env="STATE_URL"),
    )
    secret_key: Secret = setting(
        None,
        "key that protects what must be stored encrypted",
        Hint("at least 32 characters", "(32 characters or more)", env="SECRET_KEY"),
        min_length=32,
    )

    keep_days: dict[str, Days] = setting(
        {},
        "how many days of market history are kept, by table; a table that is not named is kept for ever",
        Hint("a table of names and whole days", "{liquidation_snapshots: 60}", file_only=True),
    )

    def directory(self, kind: str) -> Path:
        """Return the data directory of a kind of source: replay never writes into live data."""
        return self.data_dir / kind


class LogSettings(Section):
    """What the log says, and how."""

    level: Level = setting(
        LogLevel.INFO,
        "how much is logged",
        Hint("DEBUG, INFO, WARNING or ERROR", "INFO", env="LOG_LEVEL"),
    )
    format: Format = setting(
        LogFormat.CONSOLE,
        "lines for people or JSON for programs",
        Hint("console or json", "console", env="LOG_FORMAT"),
    )


class Within(Section):
    """How near price must come for each severity, as fractions of price."""

    info: float = setting(0.05, "an info alert", Hint("a fraction from 0 to .5", ".05"), gt=0, le=0.5)
    warning: float = setting(0.03, "a warning", Hint("a fraction from 0 to .5", ".03"), gt=0, le=0.5)
    critical: float = setting(0.01, "a critical alert", Hint("a fraction from 0 to .5", ".01"), gt=0, le=0.5)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.critical < self.warning < self.info:
            raise ValueError("wants critical below warning below info, for example .01, .03 and .05")
        return self

    def pairs(self) -> tuple[tuple[Severity, float], ...]:
        """Return (severity, fraction), mildest first: the form a Watch wants."""
        return (
            (Severity.INFO, self.info),
            (Severity.WARNING, self.warning),
            (Severity.CRITICAL, self.critical),
        )


class AlertSettings(Section):
    """Defaults of alerts; each user may set their own."""

    daily_limit: int = setting(
        50, "alerts a day and user", Hint("a whole number from 1 to 1000", "50"), ge=1, le=1000
    )
    most_rules: int = setting(
        20,
        "alerts that one user may have, those that have ended not counted",
        Hint("a whole number from 1 to 10000", "20"),
        ge=1,
        le=10_000,
    )
    most_rules_in_server: int = setting(
        200,
        "alerts that may be posted in one server or group, whoever set them",
        Hint("a whole number from 1 to 10000", "200"),
        ge=1,
        le=10_000,
    )
    most_reports: int = setting(
        10,
        "scheduled reports and dashboards that one user may have",
        Hint("a whole number from 1 to 1000", "10"),
        ge=1,
        le=1000,
    )
    most_reports_in_server: int = setting(
        25,
        "scheduled reports and dashboards in one server or group",
        Hint("a whole number from 1 to 1000", "25"),
        ge=1,
        le=1000,
    )
    cooldown_s: int = setting(
        3600,
        "seconds until the same zone may alert again",
        Hint("0 to 604800 seconds", "3600"),
        ge=0,
        le=604_800,
    )
    within: Within = Field(default=Within(), description="how near price must come")
    hysteresis: float = setting(
        0.0025,
        "how far beyond the threshold price must leave before it may cross again",
        Hint("a fraction from 0 to .1", ".0025"),
        ge=0,
        le=0.1,
    )
    digest_times: TimeList = setting(
        ("08:00", "20:00"),
        "when digests go out, in the user's time zone",
        Hint("times of day split by commas", "08:00,20:00"),
    )
    group_wait_s: int = setting(
        20, "seconds a warning waits for others to join it", Hint("0 to 600 seconds", "20"), ge=0, le=600
    )
    episode_quiet_s: int = setting(
        900, "quiet seconds that close an episode", Hint("60 to 86400 seconds", "900"), ge=60, le=86_400
    )
    stale_price_s: int = setting(
        60,
        "seconds without a price after which alerts of a live market are held back",
        Hint("5 to 3600 seconds", "60"),
        ge=5,
        le=3600,
    )
    stale_candle_s: int = setting(
        660,
        "seconds since the newest closed candle after which alerts of a live market are held back",
        Hint("330 to 86400 seconds", "660"),
        ge=330,
        le=86_400,
    )


class ZoneSettings(Section):
    """What counts as a zone: the numbers of the model page."""

    bin_bp: float = setting(5.0, "width of a zone's bins", Hint("2 to 50 basis points", "5"), ge=2, le=50)
    within: float = setting(
        0.06, "how far from price", Hint("a fraction from .01 to .2", ".06"), ge=0.01, le=0.2
    )
    quantile: float = setting(
        0.80, "what counts as dense", Hint("a fraction from .5 to .99", ".80"), ge=0.5, le=0.99
    )
    days: int = setting(21, "days that densities are compared with", Hint("2 to 90 days", "21"), ge=2, le=90)
    min_hours: int = setting(48, "hours needed to judge at all", Hint("1 to 720 hours", "48"), ge=1, le=720)
    overlap: float = setting(
        0.5, "overlap that keeps a zone's identity", Hint("a fraction from .1 to 1", ".5"), ge=0.1, le=1
    )


class CalibrationSettings(Section):
    """What turns the surface into dollars, per symbol."""

    usd_scale_btc: float = setting(
        3.4e6, "dollars per unit of BTC's surface", Hint("a number above 0", "3400000"), gt=0
    )
    reference: dict[str, float] = setting(
        {},
        "30-day mean quote volume of a 5-minute candle per symbol, in USD; BTCUSDT is the yardstick",
        Hint("a table of symbol and number", "{BTCUSDT: 74e6}", file_only=True),
    )


class ModelSettings(Section):
    """Which models pictures may show; zones and alerts always use flow."""

    file: File = setting(
        None,
        "TOML file with models of your own (docs/model.md)",
        Hint("a TOML file that exists", "models.toml"),
    )
    usual: Name = setting(
        "flow",
        "model that /heatmap and the chart show where none is asked for; zones and alerts always use flow",
        Hint("the name of a model", "flow"),
        min_length=1,
    )


class SymbolSettings(Section):
    """How people name symbols."""

    aliases: dict[str, str] = setting(
        {},
        "what people call a base coin",
        Hint("a table of name and base coin", "{bitcoin: BTC}", file_only=True),
    )


class CheckSettings(Section):
    """What only tests and benchmarks read."""

    require_all: bool = setting(
        False,
        "fail instead of skipping a test whose server is missing",
        Hint("0 or 1", "0", env="REQUIRE_ALL"),
    )
    samples: Text = setting(
        None,
        "directory with recorded samples for tests that want them",
        Hint("a directory", "../samples", env="SAMPLES"),
    )
    chromium: Text = setting(
        None,
        "the Chromium that browser tests and benchmarks drive; empty looks for one",
        Hint("a program", "/usr/bin/chromium", env="CHROMIUM"),
    )
