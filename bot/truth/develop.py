"""Make the shipped result: `python -m bot.truth.develop REPORT.json`.

The report is what `liqwatch accuracy --json` printed: aggregate scores only; none of the data that
they were measured on is kept.
"""

import json
import sys
import time
from pathlib import Path

from bot.truth.shelf import SHIPPED
from engine.scoring.report import Report

ABOUT = (
    "BTC on 5-minute bars of Binance prices and spot volume, against the hourly liquidations of Binance, "
    "Bybit and OKX together."
)


def main(path: Path) -> None:
    """Put a report in the place of the shipped one."""
    report = Report.from_dict(json.loads(path.read_text(encoding="utf-8")))
    body = {"about": ABOUT, "made_ms": time.time_ns() // 1_000_000, "report": report.to_dict()}
    SHIPPED.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
