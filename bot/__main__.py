"""Be the command line: `liqwatch …` and `python -m bot …` are the same."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.truth import flags as truth
from engine.errors import ConfigError, LiqwatchError, UserError

USAGE_ERROR = 2
FAILED = 1

FLAGS = {
    "source": "source.kind",
    "speed": "source.speed",
    "start": "source.start_ms",
    "symbols": "source.symbols",
    "host": "web.host",
    "port": "web.port",
    "data_dir": "storage.data_dir",
    "log_level": "log.level",
}
"""Which setting each flag overrides."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="liqwatch", description="Liquidation heatmaps and smart alerts, in the chat you already use."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="start Liqwatch")
    _add_settings(run)
    _add_web(run)

    console = commands.add_parser("console", help="type commands in this terminal")
    _add_settings(console)
    console.add_argument(
        "-c", dest="lines", action="append", metavar="LINE", help="run this command and leave"
    )
    console.add_argument("--json", action="store_true", help="with -c: print one JSON object a command")
    console.add_argument("--save", type=Path, metavar="DIR", help="where pictures are saved")

    replay = commands.add_parser("replay", help="pause, resume, seek or speed up a running replay")
    replay.add_argument("verb", choices=("status", "pause", "resume", "seek", "speed"))
    replay.add_argument("value", nargs="?", default="", help="for seek a UTC time, for speed a number or max")
    _add_settings(replay)

    check = commands.add_parser("check", help="show the effective settings, and each problem with its fix")
    _add_settings(check)
    _add_web(check)

    bench = commands.add_parser("bench", help="measure what the README quotes")
    bench.add_argument("name", nargs="?", help="which one; without it, a list of all")
    bench.add_argument("--json", action="store_true", help="print the JSON object alone")
    bench.add_argument("--quick", action="store_true", help="within 30 s: the same sizes, fewer repeats")
    bench.add_argument("--names", action="store_true", help="print the names alone")

    for sub in truth.add_commands(commands):
        _add_settings(sub)
    _add_precompute(commands)
    _add_export(commands)
    _add_backfill(commands)
    _add_validate(commands)
    _add_backup(commands)
    _add_alerts(commands)
    _add_deliveries(commands)

    alive = commands.add_parser("alive", help="say whether the running process answers: exit code 0 or 1")
    _add_settings(alive)
    _add_web(alive)

    commands.add_parser("warm", help="compile the engine, so that the next start is quick")
    return top


def _add_precompute(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sub = commands.add_parser(
        "precompute", help="make heatmap columns ahead, for long windows and other models"
    )
    sub.add_argument("wanted", metavar="SYMBOL", nargs="+", help="BTCUSDT, or btc")
    sub.add_argument(
        "--interval", choices=("5m", "15m", "1h", "4h"), default="1h", help="how long a column is (1h)"
    )
    sub.add_argument("--days", type=int, default=30, help="how far back, 1 to 400 (30)")
    sub.add_argument(
        "--model", action="append", metavar="NAME", help="which model; may be given again (flow)"
    )
    sub.add_argument("--venue", metavar="NAME", help="whose candles; without it, the one with the most")
    _add_settings(sub)


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sub = commands.add_parser("export", help="write what is kept of the market into a Parquet file")
    sub.add_argument("table", metavar="TABLE", help="candles, liquidations, open_interest, zone_events ...")
    sub.add_argument("file", metavar="FILE.parquet", type=Path)
    sub.add_argument("--symbol", metavar="NAME", help="BTCUSDT, or btc; without it, all")
    sub.add_argument("--venue", metavar="NAME", help="without it, all")
    sub.add_argument("--from", dest="begin", metavar="TIME", help="first time, UTC: 2026-01-01")
    sub.add_argument("--to", dest="end", metavar="TIME", help="the rows before this time, UTC")
    _add_settings(sub)


def _add_backfill(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sub = commands.add_parser("backfill", help="fetch what is lacking of the past from the venues")
    sub.add_argument("wanted", metavar="SYMBOL", nargs="+", help="BTCUSDT, or btc")
    sub.add_argument("--days", type=int, required=True, help="how far back, 1 to 2000")
    sub.add_argument("--venues", metavar="NAMES", help="split by commas; without it, those of the settings")
    sub.add_argument(
        "--step",
        action="append",
        choices=("1m", "5m", "15m", "1h", "4h", "1d"),
        help="how long candles are; may be given again (5m)",
    )
    sub.add_argument(
        "--what", metavar="KINDS", help="candles, open_interest, funding, ratios, split by commas (all)"
    )
    _add_settings(sub)


def _add_validate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sub = commands.add_parser(
        "validate", help="record a venue for hours, and score what was predicted against what came"
    )
    sub.add_argument("--venue", metavar="NAME", required=True, help="binance, bybit, okx or hyperliquid")
    sub.add_argument("--hours", type=float, default=24.0, help="for how long (24)")
    _add_settings(sub)


def _add_backup(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sub = commands.add_parser("backup", help="copy both stores, beside a running Liqwatch too")
    sub.add_argument("folder", metavar="FOLDER", type=Path, help="where backups are kept; each gets a folder")
    sub.add_argument("--keep", type=int, metavar="N", help="remove all but the newest N of this source")
    _add_settings(sub)
    sub = commands.add_parser("restore", help="put a backup back; what was there is set aside")
    sub.add_argument("folder", metavar="BACKUP", type=Path, help="one backup, as `backup` printed it")
    _add_settings(sub)


def _add_alerts(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    alerts = commands.add_parser(
        "alerts", help="for cron and shells: try alerts once, or what became of them"
    )
    verbs = alerts.add_subparsers(dest="verb", required=True, metavar="check|history")
    check = verbs.add_parser(
        "check",
        help="try the console user's alerts once, without sending anything",
        description="Exit code: 0 where nothing became true, 3 where something did, 1 or 2 for an error.",
    )
    check.add_argument("--once", action="store_true", required=True, help="try them once and leave")
    check.add_argument("--window", default="5m", help="how lately counts as just now, 5m to 1d (5m)")
    past = verbs.add_parser("history", help="list what became of alerts, oldest first")
    past.add_argument("--user", help="whose: telegram:42, discord:7; without it, the console's user")
    past.add_argument(
        "--since", metavar="TIME", default="1d", help="a market time, UTC, or how long ago, as in 12h (1d)"
    )
    for sub in (check, past):
        sub.add_argument("--json", action="store_true", help="print one JSON object an alert")
        _add_settings(sub)


def _add_deliveries(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    deliveries = commands.add_parser("deliveries", help="messages that were lost: list them, send them again")
    verbs = deliveries.add_subparsers(dest="verb", required=True, metavar="list|show|requeue")
    listed = verbs.add_parser("list", help="list deliveries, newest first: those that failed for good")
    show = verbs.add_parser("show", help="show one with every step, and how else its alert was told")
    show.add_argument("number", metavar="NUMBER", type=int, help="of the delivery, as list shows it")
    again = verbs.add_parser("requeue", help="have lost ones sent again, by number or by flags")
    again.add_argument("numbers", metavar="NUMBER", type=int, nargs="*", help="as list shows it")
    for sub in (listed, again):
        sub.add_argument("--state", metavar="NAMES", help="DEAD, FAILED, EXPIRED, split by commas; or all")
        sub.add_argument("--user", help="whose: telegram:42, discord:7")
        sub.add_argument("--channel", help="email, webhook, apprise, discord, telegram")
        sub.add_argument("--limit", metavar="N", type=int, default=50, help="how many at most (50)")
    for sub in (listed, show, again):
        sub.add_argument("--json", action="store_true", help="print one JSON object a delivery")
        _add_settings(sub)


def _add_settings(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--source", metavar="auto|live|replay", help="where market data comes from")
    sub.add_argument("--speed", help="replay speed: market seconds a second, or max")
    sub.add_argument("--start", metavar="TIME", help="where a replay starts, UTC: 2025-10-10T20:00")
    sub.add_argument("--symbols", help="symbols to follow, split by commas")
    sub.add_argument("--data-dir", metavar="DIR", help="where everything is kept")
    sub.add_argument("--log-level", metavar="LEVEL", help="DEBUG, INFO, WARNING or ERROR")


def _add_web(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--host", help="address to listen on (127.0.0.1)")
    sub.add_argument("--port", help="port to listen on (8080); 0 takes a free one")


def overrides(given: argparse.Namespace) -> dict[str, object]:
    """Return the settings that flags override, by path; None where a flag was not given."""
    return {path: getattr(given, flag, None) for flag, path in FLAGS.items()}


def run(given: argparse.Namespace) -> int:
    """Start Liqwatch and serve until told to stop."""
    from bot.entry import serve
    from config.settings import load

    return asyncio.run(serve(load(overrides(given))))


def console(given: argparse.Namespace) -> int:
    """Run commands in this terminal."""
    from bot.entry import console_session
    from config.settings import load

    return asyncio.run(
        console_session(load(overrides(given)), lines=given.lines, as_json=given.json, directory=given.save)
    )


def replay(given: argparse.Namespace) -> int:
    """Steer a running replay."""
    from bot.entry import console_session
    from config.settings import load

    settings = load({**overrides(given), "source.kind": "replay"})
    line = f"/replay {given.verb} {given.value}".strip()
    return asyncio.run(console_session(settings, lines=[line], must_join=True))


def check(given: argparse.Namespace) -> int:
    """Print the effective settings, secrets masked; problems are printed by `main`."""
    from bot.entry import check_settings
    from config.settings import load

    return check_settings(load(overrides(given)))


def bench(given: argparse.Namespace) -> int:
    """List the benchmarks, or run one."""
    from bench import runner
    from bot import logs

    logs.configure(level="ERROR")
    if given.names:
        sys.stdout.write("\n".join(runner.names()) + "\n")
    elif given.name is None:
        sys.stdout.writelines(f"{name:12} {runner.BENCHES[name]}\n" for name in runner.names())
    else:
        runner.run(given.name, quick=given.quick, as_json=given.json)
    return 0


def truth_command(given: argparse.Namespace) -> int:
    """Import data, or measure and calibrate with it."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: faster so, and repeatable
    from bot.truth import cli
    from config.settings import load

    run = {"import": cli.import_, "accuracy": cli.accuracy, "calibrate": cli.calibrate}[given.command]
    return run(given, load(overrides(given)))


def precompute(given: argparse.Namespace) -> int:
    """Make heatmap columns ahead of time."""
    from bot import precompute as command
    from config.settings import load

    return command.precompute(given, load(overrides(given)))


def export(given: argparse.Namespace) -> int:
    """Write what is kept of the market into a file."""
    from bot import exporting
    from config.settings import load

    return exporting.export(given, load(overrides(given)))


def backfill(given: argparse.Namespace) -> int:
    """Fetch what is lacking of the past from the venues."""
    from bot.backfilling import command
    from config.settings import load

    return command.backfill(given, load(overrides(given)))


def validate(given: argparse.Namespace) -> int:
    """Record a venue for hours, and score what was predicted against what came."""
    from bot.validating import command
    from config.settings import load

    return command.validate(given, load(overrides(given)))


def backup(given: argparse.Namespace) -> int:
    """Copy both stores into a folder."""
    from bot import backup as command
    from config.settings import load

    return command.backup(given, load(overrides(given)))


def restore(given: argparse.Namespace) -> int:
    """Put a backup back."""
    from bot import backup as command
    from config.settings import load

    return command.restore(given, load(overrides(given)))


def alive(given: argparse.Namespace) -> int:
    """Say whether the running process answers."""
    from bot.alive import alive as command
    from config.settings import load

    return command(load(overrides(given)))


def alerts(given: argparse.Namespace) -> int:
    """Try alerts once, or list what became of them."""
    from bot import alerts_cli
    from config.settings import load

    return alerts_cli.run(given, load(overrides(given)))


def deliveries(given: argparse.Namespace) -> int:
    """List lost messages, show one, or have them sent again."""
    from bot import deliveries_cli
    from config.settings import load

    return deliveries_cli.run(given, load(overrides(given)))


def warm(_: argparse.Namespace) -> int:
    """Compile the engine's loops into their cache."""
    from bot.entry import warm_up

    return warm_up()


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": run,
    "console": console,
    "replay": replay,
    "check": check,
    "bench": bench,
    "import": truth_command,
    "accuracy": truth_command,
    "calibrate": truth_command,
    "precompute": precompute,
    "export": export,
    "backfill": backfill,
    "validate": validate,
    "alerts": alerts,
    "deliveries": deliveries,
    "backup": backup,
    "restore": restore,
    "alive": alive,
    "warm": warm,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected errors are shown without a traceback."""
    given = parser().parse_args(arguments)
    try:
        return COMMANDS[given.command](given)
    except ConfigError as error:
        sys.stderr.writelines(f"{problem}\n" for problem in error.problems)
        return USAGE_ERROR
    except UserError as error:
        sys.stderr.write(f"{error.message}\n" + (f"For example: {error.example}\n" if error.example else ""))
        return USAGE_ERROR
    except LiqwatchError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
