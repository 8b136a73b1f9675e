"""Describe the commands `import`, `accuracy` and `calibrate` to the command line."""

import argparse
from pathlib import Path


def add_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> list[argparse.ArgumentParser]:
    """Add the three commands to the command line; return them, so that it adds the common flags."""
    take = commands.add_parser("import", help="take in candles, open interest or liquidations from files")
    take.add_argument("venue", metavar="VENUE", help="where the data is from; all for sums over venues")
    take.add_argument("symbol", metavar="SYMBOL", help="BTCUSDT, or btc")
    take.add_argument("files", metavar="FILE", nargs="+", type=Path, help="CSV or Parquet (docs/accuracy.md)")

    measured = commands.add_parser("accuracy", help="measure how well models say where liquidations sit")
    _add_wish(measured)
    measured.add_argument("--export", type=Path, metavar="FILE.parquet", help="write hourly predictions")
    measured.add_argument("--picture", type=Path, metavar="FILE.png", help="write the report as a picture")

    fitted = commands.add_parser("calibrate", help="fit level and shape to reported liquidations")
    _add_wish(fitted)
    return [take, measured, fitted]


def _add_wish(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("symbol", metavar="SYMBOL", help="BTCUSDT, or btc")
    sub.add_argument("--from", dest="begin", metavar="TIME", help="first hour to judge, UTC: 2025-12-08")
    sub.add_argument("--to", dest="end", metavar="TIME", help="judge the hours before this time, UTC")
    sub.add_argument(
        "--model", action="append", metavar="NAME", help="which model; may be given again (flow)"
    )
    sub.add_argument("--venues", metavar="A,B", help="whose candles; without it, all there are")
    sub.add_argument("--reported-by", metavar="A,B", help="whose liquidations; without it, all there are")
    sub.add_argument("--seed", type=int, default=1, help="seed of placebos and intervals (1)")
    sub.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
