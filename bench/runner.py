"""Run a benchmark by name and print its figures, for people or as one JSON object on the last line."""

import importlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, Protocol, TextIO, TypedDict

from engine.errors import UserError

BENCHES = {
    "first": "from a warm start to the first picture, drawing, loop lag, memory, the chart's first frame",
    "api": "the HTTP API: what is kept at 50 clients at once, what has to be made, what goes over the wire",
    "page": "the page: its first frame, the same on a processor four times slower, frames while panning",
    "chat": "500 users on Discord and 500 on Telegram: from command to reply, acknowledgements, loop lag",
    "ws": "the stream: how late its messages come to 1,000, 5,000 and 10,000 clients, what a client costs",
    "engine": "whole histories through each preset, one live candle, a cold restart, memory",
    "ingest": "frames parsed and stored a second, each venue; from a frame to the last rule",
    "rules": "a million rules: a tick, an update, memory, reading them at a start, the plain loop beside it",
    "burst": "10,000 people alerted by one candle: how late, in what order, and whether all of it arrives",
    "crash": "the sender killed again and again while far ends fail: what is lost, and what comes twice",
    "saved": "how soon an alert is live once it is saved, on a market with a thousand",
    "dry": "how long one waits to be told how often a new alert would have fired in thirty days",
    "alerts": "how many alerts the default watch gives on the recorded December",
    "consolidate": "how many fires of 200 made traders do not ring on the recorded December",
    "beat_flow": "what variants of flow gain over it on real liquidations (needs LIQWATCH_SAMPLES)",
    "touch": "how well the chance that price comes to a zone is calibrated (needs LIQWATCH_SAMPLES)",
    "synthetic": "how well each preset ranks what stands, in made markets whose positions are known",
}


class Outcome(TypedDict):
    """What a benchmark returns: figures by name, their units, and the goal of each that has one.

    A figure is None where it could not be measured; `notes` says why. Of what is named `..._per_s` and of
    what `more` names more is better, of everything else less.
    """

    figures: Mapping[str, float | None]
    units: dict[str, str]
    goals: dict[str, float]
    notes: NotRequired[dict[str, str]]
    more: NotRequired[list[str]]


class Bench(Protocol):
    """What every module `bench.NAME` offers."""

    def run(self, *, quick: bool) -> Outcome:
        """Measure; `quick` takes the same sizes with fewer repeats, within 30 s."""
        ...


def names() -> list[str]:
    """Return the names of all benchmarks."""
    return sorted(BENCHES)


def run(name: str, *, quick: bool, as_json: bool, to: TextIO | None = None) -> dict[str, Any]:
    """Run one benchmark and print it to `to` (stdout); UserError for a name that there is none of."""
    if name not in BENCHES:
        raise UserError(
            f"There is no benchmark {name!r}; there are: {', '.join(names())}.",
            example="liqwatch bench first",
        )
    module: Bench = importlib.import_module(f"bench.{name}")
    outcome = module.run(quick=quick)
    report = {"bench": name, **outcome, "machine": machine()}
    out = to or sys.stdout
    if not as_json:
        out.write(table(name, outcome))
    out.write(json.dumps(report) + "\n")
    out.flush()
    return report


def table(name: str, outcome: Outcome) -> str:
    """Return the figures as aligned lines: name, value, unit, goal and whether it was met."""
    lines = [f"bench {name} on {machine()}"]
    for figure, value in outcome["figures"].items():
        if value is None:
            why = outcome.get("notes", {}).get(figure, "no reason given")
            lines.append(f"  {figure:28} not measured: {why}")
            continue
        goal = outcome["goals"].get(figure)
        more = figure.endswith("_per_s") or figure in outcome.get("more", [])
        mark = (
            "" if goal is None else f"  goal {goal:g}: {'met' if _met(value, goal, more=more) else 'MISSED'}"
        )
        lines.append(f"  {figure:28} {value:12.3f} {outcome['units'].get(figure, ''):10}{mark}")
    return "\n".join(lines) + "\n"


def _met(value: float, goal: float, *, more: bool) -> bool:
    return value >= goal if more else value <= goal


def machine() -> str:
    """Return what the figures were measured on, in one line."""
    cores = f"{os.cpu_count() or 0} cores"
    system = f"{platform.system()} {platform.machine()}"
    return f"{_processor()}, {cores}, {system}, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown processor"
