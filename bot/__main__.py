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
