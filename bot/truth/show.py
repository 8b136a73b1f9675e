"""Show a report in the terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from bot.truth import words
from engine.scoring.report import Level, Pair, Report, Role

STYLES = {Role.MODEL: "bold", Role.BASELINE: "", Role.PLACEBO: "dim"}


def show(console: Console, report: Report) -> None:
    """Print the whole report: predictions, zones, level, verdicts, notes."""
    console.print(f"[bold]{report.symbol}[/bold], {words.span(report)}", highlight=False)
    console.print(words.sources(report), style="dim", highlight=False)
    console.print(_predictions(report))
    for horizon_h in sorted({score.horizon_h for score in report.zones}):
        console.print(_zones(report, horizon_h))
    for model, level in report.levels:
        console.print(_level(model, level), highlight=False)
    for model in report.models:
        console.print(words.verdict(report, model), style="bold", highlight=False)
    console.print(words.CONDITIONAL, style="dim", highlight=False)
    for note in report.notes:
        console.print(note, style="dim", highlight=False)


def _table(headings: tuple[str, ...], title: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for at, heading in enumerate(headings):
        table.add_column(heading, justify="right" if at else "left", no_wrap=True)
    return table


def _predictions(report: Report) -> Table:
    table = _table(words.HEADINGS, "Hourly liquidations, each hour judged by what other days taught")
    for skill in words.every_skill(report):
        cells = words.row(skill, stands=skill.model in report.standing)
        table.add_row(*cells, style=STYLES[skill.role])
    return table


def _zones(report: Report, horizon_h: int) -> Table:
    table = _table(words.ZONE_HEADINGS, f"Zones of {report.models[0]} within {horizon_h} h")
    for score in report.zones:
        if score.horizon_h == horizon_h:
            table.add_row(*words.zone_row(score), style="bold" if score.kind == "zones" else "")
    return table


def _level(model: str, level: Level) -> str:
    def said(values: Pair) -> str:
        return words.pair(values, ".2f")

    return (
        f"Level of {model}: reported over predicted in the last week {said(level.factor)}; predicted over "
        f"reported {said(level.raw_ratio)}, with the weekly factor {said(level.levelled_ratio)}; weeks stray "
        f"by {said(level.raw_drift)}, with it by {said(level.levelled_drift)} (logarithm)."
    )
