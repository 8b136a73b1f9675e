from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from config.settings import LogFormat, LogLevel, SourceChoice, load
from engine.errors import ConfigError
from engine.model import Severity

EXAMPLES = {"PORT": "8080", "SPEED": "60"}
SECRET = "hunter2hunter2hunter2hunter2hunter2"  # long enough for every secret


def problems(tmp_path, environ=None, *, dotenv=None, yaml=None, overrides=None):
    """Return the lines that stop the start; fail if nothing does."""
    if dotenv is not None:
        (tmp_path / ".env").write_text(dotenv)
    if yaml is not None:
        (tmp_path / "liqwatch.yaml").write_text(yaml)
    with pytest.raises(ConfigError) as caught:
        load(overrides, environ=environ or {}, directory=tmp_path)
    lines = caught.value.problems
    assert str(caught.value) == "\n".join(lines)
    assert all("\n" not in line for line in lines)
    return lines


def test_nothing_set_is_a_working_installation(tmp_path):
    settings = load(environ={}, directory=tmp_path)
    assert settings.source.kind is SourceChoice.AUTO
    assert settings.source.speed == 60
    assert settings.source.symbols == ("BTCUSDT", "ETHUSDT")
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 8080)
    assert settings.storage.data_dir == Path("data")
    assert settings.storage.directory("replay") == Path("data/replay")
    assert settings.storage.directory("live") != settings.storage.directory("replay")
    assert settings.alerts.daily_limit == 50
    assert settings.alerts.cooldown_s == 3600
    assert settings.alerts.within.pairs() == (
        (Severity.INFO, 0.05),
        (Severity.WARNING, 0.03),
        (Severity.CRITICAL, 0.01),
    )
    assert settings.alerts.digest_times == ("08:00", "20:00")
    assert settings.calibration.usd_scale_btc == 3.4e6
    assert settings.symbols.aliases["bitcoin"] == "BTC"
    assert not settings.chat.has_token


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("SOURCE", "Replay", "source.kind", SourceChoice.REPLAY),
        ("SPEED", "600", "source.speed", 600.0),
        ("SPEED", "MAX", "source.speed", None),
        ("REPLAY_START", "2025-10-10 20:00", "source.start_ms", 1760126400000),
        ("REPLAY_START", "2025-10-10T22:00+02:00", "source.start_ms", 1760126400000),
        ("REPLAY_START", "2025-10-10 20:00 UTC", "source.start_ms", 1760126400000),
        ("REPLAY_START", "1760126400000", "source.start_ms", 1760126400000),
        ("REPLAY_START", "", "source.start_ms", None),
        ("SYMBOLS", "btcusdt, ETHUSDT,", "source.symbols", ("BTCUSDT", "ETHUSDT")),
        ("HOST", "::1", "web.host", "::1"),
        ("PORT", "0", "web.port", 0),
        ("ALLOWED_HOSTS", "a.example,b.example", "web.allowed_hosts", ("a.example", "b.example")),
        ("PUBLIC_URL", "https://a.example/x", "web.public_url", "https://a.example/x"),
        ("PUBLIC_URL", "", "web.public_url", None),
        ("PANEL_TOKEN", SECRET, "web.panel_token", SecretStr(SECRET)),
        ("PANEL_TOKEN", "", "web.panel_token", None),
        ("DATA_DIR", "/somewhere", "storage.data_dir", Path("/somewhere")),
        ("STATE_URL", "postgresql://u:p@h/d", "storage.state_url", SecretStr("postgresql://u:p@h/d")),
        ("SECRET_KEY", SECRET, "storage.secret_key", SecretStr(SECRET)),
        ("LOG_LEVEL", "debug", "log.level", LogLevel.DEBUG),
        ("LOG_FORMAT", "JSON", "log.format", LogFormat.JSON),
        ("DISCORD_TOKEN", "abc", "chat.discord_token", SecretStr("abc")),
        ("TELEGRAM_TOKEN", "abc", "chat.telegram_token", SecretStr("abc")),
        ("HYPERLIQUID_ADDRESSES", f"0x{'AB' * 20}, ", "hyperliquid.addresses", (f"0x{'ab' * 20}",)),
        ("SYMBOLS", "1000PEPEUSDT,kSHIBUSDT", "source.symbols", ("PEPEUSDT", "SHIBUSDT")),
        ("SYMBOLS", "1000000BOBUSDT", "source.symbols", ("1000000BOBUSDT",)),
        ("OPERATORS", "discord:1", "chat.operators", ("discord:1",)),
        ("REQUIRE_ALL", "1", "checks.require_all", True),
        ("SAMPLES", "../shared", "checks.samples", "../shared"),
        ("ALERTS_DAILY_LIMIT", "7", "alerts.daily_limit", 7),
        ("ALERTS_WITHIN_CRITICAL", "0.02", "alerts.within.critical", 0.02),
        ("ALERTS_DIGEST_TIMES", "07:30", "alerts.digest_times", ("07:30",)),
    ],
)
def test_each_name_of_the_environment_is_read(tmp_path, name, text, path, value):
    settings = load(environ={f"LIQWATCH_{name}": text}, directory=tmp_path)
    found = settings
    for part in path.split("."):
        found = getattr(found, part)
    assert found == value
    assert settings.origin(path) == "environment"


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("PORT", "x", "PORT='x' (environment): wants a whole number from 0 to 65535"),
        ("SPEED", "-1", "SPEED='-1' (environment): wants a number above 0, up to 100000, or max"),
        ("PROT", "80", "PROT (environment): there is no such setting. Did you mean LIQWATCH_PORT?"),
        ("QQQQQQQQQ", "1", "QQQQQQQQQ (environment): there is no such setting."),
    ],
)
def test_a_problem_says_what_where_and_what_to_do(tmp_path, name, text, line):
    (said,) = problems(tmp_path, {f"LIQWATCH_{name}": text})
    assert said.startswith(f"LIQWATCH_{line}")
    assert said.endswith(("?", f"for example LIQWATCH_{name}={EXAMPLES.get(name)}", "lists every setting."))


def test_a_name_in_small_letters_is_told(tmp_path):
    (line,) = problems(tmp_path, {"liqwatch_port": "80"})
    assert line == "liqwatch_port (environment): there is no such setting. Did you mean LIQWATCH_PORT?"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SPEED", "0"),
        ("SPEED", "-1"),
        ("SPEED", "nan"),
        ("SPEED", "inf"),
        ("SPEED", "fast"),
        ("REPLAY_START", "yesterday"),
        ("REPLAY_START", "-5"),
        ("SYMBOLS", ""),
        ("SYMBOLS", "BTCUSDT,BTCUSDT"),
        ("SYMBOLS", "BTC/USDT"),
        ("HOST", ""),
        ("PORT", "-1"),
        ("PORT", "80.5"),
        ("PUBLIC_URL", "example.org"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("REQUIRE_ALL", "perhaps"),
        ("ALERTS_DAILY_LIMIT", "0"),
        ("ALERTS_HYSTERESIS", "1"),
        ("ALERTS_DIGEST_TIMES", "25:00"),
        ("ZONES_QUANTILE", "1.5"),
        ("CALIBRATION_USD_SCALE_BTC", "0"),
    ],
)
def test_a_wrong_value_stops_the_start_with_one_line(tmp_path, name, text):
    (line,) = problems(tmp_path, {f"LIQWATCH_{name}": text})
    assert line.startswith(f"LIQWATCH_{name}={text!r} (environment): wants ")


def test_severities_must_be_in_order(tmp_path):
    (line,) = problems(tmp_path, {"LIQWATCH_ALERTS_WITHIN_CRITICAL": ".04"})
    assert line == (
        "alerts.within (environment): wants critical below warning below info, for example .01, .03 and .05"
    )


def test_every_problem_is_told_at_once_in_the_order_of_the_sections(tmp_path):
    lines = problems(
        tmp_path,
        {"LIQWATCH_PORT": "x", "LIQWATCH_SPEED": "x", "LIQWATCH_NOISE": "1"},
        yaml="web: {hots: a}\nlog: {level: loud}\n",
        overrides={"source.kind": "tape"},
    )
    assert [line.split(" ")[0] for line in lines] == [
        "LIQWATCH_NOISE",
        "web.hots",
        "source.kind='tape'",
        "LIQWATCH_SPEED='x'",
        "LIQWATCH_PORT='x'",
        "log.level='loud'",
    ]


@pytest.mark.parametrize("name", ["PANEL_TOKEN", "SECRET_KEY"])
def test_a_wrong_secret_is_not_repeated(tmp_path, name):
    (line,) = problems(tmp_path, {f"LIQWATCH_{name}": "hunter2"})
    assert line.startswith(f"LIQWATCH_{name} (environment): wants at least")
    assert "hunter2" not in line


@pytest.mark.parametrize("text", ["0x12", "1" * 42, f"0x{'g' * 40}", f"0x{'a' * 40},0X{'A' * 40}"])
def test_what_is_no_list_of_addresses_stops_the_start(tmp_path, text):
    (line,) = problems(tmp_path, {"LIQWATCH_HYPERLIQUID_ADDRESSES": text})
    assert "wants at most 100 different addresses, 0x and 40 hexadecimal digits" in line


def test_a_key_of_binance_wants_its_secret_and_both_are_hidden(tmp_path):
    (line,) = problems(tmp_path, {"LIQWATCH_BINANCE_API_KEY": SECRET})
    assert "api_secret" in line
    assert SECRET not in line
    both = {"LIQWATCH_BINANCE_API_KEY": SECRET, "LIQWATCH_BINANCE_API_SECRET": f"{SECRET}2"}
    settings = load(environ=both, directory=tmp_path)
    assert settings.binance.api_secret.get_secret_value() == f"{SECRET}2"
    assert "hunter2" not in repr(settings)


def test_secrets_under_a_wrong_name_or_in_a_broken_line_are_not_repeated(tmp_path):
    lines = problems(
        tmp_path,
        {"LIQWATCH_DISCORD_TOKN": "hunter2"},
        dotenv="LIQWATCH_TELEGRAM_TOKEN 'hunter2\n",
        yaml="chat: {discord_tokn: hunter2}\n",
    )
    assert len(lines) == 3
    assert "hunter2" not in "\n".join(lines)


def test_a_line_of_dotenv_is_named(tmp_path):
    text = "# note\nLIQWATCH_HOST=localhost\nexport LIQWATCH_PORT=x\nLIQWACH_SPEED=2\nDB=1\n"
    near, port = problems(tmp_path, dotenv=text)
    env = tmp_path / ".env"
    assert near == f"LIQWACH_SPEED ({env} line 4): is not a setting. Did you mean LIQWATCH_SPEED?"
    assert port.startswith(f"LIQWATCH_PORT='x' ({env} line 3): wants a whole number from 0 to 65535")


def test_a_path_in_yaml_is_named(tmp_path):
    near, info = problems(tmp_path, yaml="alerts:\n  within: {info: 7}\n  cooldwn_s: 5\n")
    file = tmp_path / "liqwatch.yaml"
    assert near == f"alerts.cooldwn_s ({file}): there is no such setting. Did you mean alerts.cooldown_s?"
    assert info.startswith(f"alerts.within.info=7 ({file}): wants a fraction from 0 to .5, for example")
    assert info.endswith("for example alerts.within.info: .05")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("web: [\n", "line 2: is not YAML"),
        ("- a\n", "wants sections with settings below them"),
        ("web: 5\n", "web ("),
        ("calibration: {reference: {BTCUSDT: much}}\n", "calibration.reference="),
        ("calibration: {reference: 5}\n", "calibration.reference=5"),
    ],
)
def test_a_file_that_is_no_table_of_settings_is_told(tmp_path, text, said):
    (line,) = problems(tmp_path, yaml=text)
    assert said in line


def test_files_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "liqwatch.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / ".env").mkdir()
    lines = problems(tmp_path)
    assert [line.rsplit(": ", 1)[1] for line in lines] == [
        "cannot be read as text. Check that it is a UTF-8 file this user may read."
    ] * 2


def test_a_named_file_must_be_there(tmp_path):
    (line,) = problems(tmp_path, {"LIQWATCH_CONFIG_FILE": "mine.yaml"})
    assert line.startswith(f"LIQWATCH_CONFIG_FILE (environment): {tmp_path / 'mine.yaml'} does not exist.")


def test_later_places_win(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "web: {port: 1, host: yaml}\nlog: {level: ERROR, format: json}\nchat:\n"
    )
    (tmp_path / ".env").write_text(
        "LIQWATCH_CONFIG_FILE=mine.yaml\nLIQWATCH_PORT=2\nLIQWATCH_LOG_LEVEL=DEBUG\nLIQWATCH_SPEED=2\n"
    )
    environ = {"LIQWATCH_PORT": "3", "LIQWATCH_LOG_LEVEL": "WARNING", "PATH": "/bin"}
    settings = load({"web.port": 4, "source.speed": None}, environ=environ, directory=tmp_path)
    assert settings.web.port == 4
    assert settings.log.level is LogLevel.WARNING
    assert settings.source.speed == 2
    assert settings.web.host == "yaml"
    assert settings.log.format is LogFormat.JSON
    assert settings.origin("web.port") == "command line"
    assert settings.origin("log.level") == "environment"
    assert settings.origin("source.speed") == f"{tmp_path / '.env'} line 4"
    assert settings.origin("web.host") == str(tmp_path / "mine.yaml")
    assert settings.origin("web.allowed_hosts") == "default"


def test_times_that_yaml_reads_as_numbers_are_times(tmp_path):
    (tmp_path / "liqwatch.yaml").write_text("alerts: {digest_times: [7:30, 20:00]}\n")
    assert load(environ={}, directory=tmp_path).alerts.digest_times == ("07:30", "20:00")


def test_a_table_adds_to_the_shipped_one(tmp_path):
    (tmp_path / "liqwatch.yaml").write_text(
        "symbols: {aliases: {corn: BTC}}\ncalibration: {reference: {SOLUSDT: 12.5e+6}}\n"
    )
    settings = load(environ={}, directory=tmp_path)
    assert settings.symbols.aliases["corn"] == "BTC"
    assert settings.symbols.aliases["bitcoin"] == "BTC"
    assert set(settings.calibration.reference) == {"BTCUSDT", "ETHUSDT", "SOLUSDT"}


def test_settings_are_frozen_and_hide_secrets(tmp_path):
    settings = load(environ={"LIQWATCH_DISCORD_TOKEN": SECRET}, directory=tmp_path)
    with pytest.raises(ValidationError):
        settings.web.port = 1
    with pytest.raises(ValidationError):
        settings.web = settings.web
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()}"


def test_the_process_environment_is_read_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIQWATCH_PORT", "8123")
    assert load().web.port == 8123
