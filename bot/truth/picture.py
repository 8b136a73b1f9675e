"""Draw a report as one picture: what each prediction explains, what it adds, and where zones stand."""

import textwrap
from dataclasses import dataclass

import matplotlib as mpl

from bot.render.fonts import Weight, find_faces
from bot.render.ink import Ink
from bot.render.layout import Box
from bot.render.palette import PALETTES, Palette
from bot.render.picture import Theme
from bot.truth import words
from engine.scoring.measures import Interval
from engine.scoring.report import Kind, Report, Role, Skill

SIZE = (1280, 720)
SCALE = 2
MARGIN = 48
TOP, ROW = 150, 33
TITLE, BODY, SMALL = 30, 20, 18
LABELS = 250
"""Room for the names of the rows of a panel."""
LINE, FOOT_LETTERS = 26, 115
"""Height of a line of the foot, and the letters that surely fit into it."""
MOST_ROWS = 11
MOST_ADDED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """One picture being drawn, with its colours."""

    ink: Ink
    palette: Palette

    def say(  # noqa: PLR0913 - where, what and how of a line of text
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = BODY,
        dim: bool = False,
        bold: bool = False,
        align: str = "left",
    ) -> None:
        """Write a line."""
        weight = Weight.SEMIBOLD if bold else Weight.MEDIUM
        colour = self.palette.dim if dim else self.palette.ink
        self.ink.text((x, y), text, size, colour, weight=weight, align=align)


def draw_report(report: Report, theme: Theme = Theme.INFERNO) -> bytes:
    """Return the picture as PNG. Takes a fraction of a second: not for the event loop."""
    with mpl.rc_context({"text.hinting": "no_hinting"}):
        palette = PALETTES[theme]
        sheet = _Sheet(ink=Ink(SIZE, SCALE, find_faces(), palette.ground), palette=palette)
        _head(sheet, report)
        middle = SIZE[0] / 2
        _explained(sheet, report, Box(MARGIN, TOP, middle - 30, 0))
        _added(sheet, report, Box(middle + 30, TOP, SIZE[0] - MARGIN, 0))
        below = max(5, len(_adding(report))) + 1.6
        _zones(sheet, report, Box(middle + 30, TOP + below * ROW, SIZE[0] - MARGIN, 0))
        _foot(sheet, report)
        return sheet.ink.png()


def alt_text(report: Report) -> str:
    """Return what the picture shows, in words."""
    rows = [f"{s.name} {s.explained:.1%}" for s in words.summary_skills(report, report.models[0])]
    return (
        f"Accuracy for {report.symbol}, {words.span(report)}. Explained: {', '.join(rows)}. "
        f"{words.verdict(report, report.models[0])} {words.zone_verdict(report, 1)}"
    )


def _head(sheet: _Sheet, report: Report) -> None:
    title = f"{report.symbol}: how well liquidations are explained"
    sheet.say(MARGIN, 46, title, size=TITLE, bold=True)
    sheet.say(MARGIN, 84, f"{words.span(report)}; {words.sources(report)}", size=SMALL, dim=True)


def _foot(sheet: _Sheet, report: Report) -> None:
    claims = f"{words.verdict(report, report.models[0])} {words.others(report)}"
    lines = [*textwrap.wrap(claims, FOOT_LETTERS), words.zone_verdict(report, 1)]
    y = SIZE[1] - 32 - LINE * len(lines)
    for text in lines:
        sheet.say(MARGIN, y, text, size=SMALL)
        y += LINE
    sheet.say(MARGIN, y, f"{words.CONDITIONAL} Estimates, not advice.", size=SMALL, dim=True)


def _rows(report: Report) -> list[Skill]:
    """Return the rows of the first panel: one of each kind of baseline, every model, its best placebo.

    What the surface of a model explains standing still is shown of the first one alone.
    """
    chosen: dict[str, Skill] = {}
    for skill in words.every_skill(report):
        if skill.kind is Kind.FROZEN and skill.model != report.models[0]:
            continue
        kind = skill.name.rstrip(" 0123456789")
        key = f"{kind} {skill.kind}"
        if key not in chosen or skill.explained > chosen[key].explained:
            chosen[key] = skill
    return list(chosen.values())[:MOST_ROWS]


def _adding(report: Report) -> list[Skill]:
    """Return the rows of the second panel: those that may add to price and distance, baselines first."""
    rows = [s for s in _rows(report) if s.over_distance is not None and s.kind is Kind.WALK]
    return rows[-MOST_ADDED:]


def _explained(sheet: _Sheet, report: Report, box: Box) -> None:
    """Draw the share of deviance explained as bars."""
    sheet.say(box.x0, box.y0 - 26, "Explained on unseen days", bold=True)
    left, right = box.x0 + LABELS, box.x1 - 76
    for at, skill in enumerate(_rows(report)):
        y = box.y0 + at * ROW + 14
        name = skill.name.rstrip(" 0123456789") + (", frozen" if skill.kind is Kind.FROZEN else "")
        model = skill.role is Role.MODEL
        sheet.say(box.x0, y, name, size=SMALL, bold=model, dim=not model)
        width = max(0.0, min(1.0, skill.explained)) * (right - left)
        colour = sheet.palette.up if model else sheet.palette.dim
        sheet.ink.box(Box(left, y - 9, left + max(width, 2.0), y + 9), colour, radius=3.0)
        sheet.say(box.x1, y, words.percent(skill.explained), size=SMALL, align="right", bold=model)


def _added(sheet: _Sheet, report: Report, box: Box) -> None:
    """Draw what models and their best placebos add to price and distance, with intervals."""
    sheet.say(box.x0, box.y0 - 26, "Added to price + distance, 95 %", bold=True)
    rows = _adding(report)
    ends = [abs(v) for s in rows if s.over_distance for v in (s.over_distance.low, s.over_distance.high)]
    reach = max([v for v in ends if v == v] or [0.01]) * 1.05
    left, right = box.x0 + LABELS, box.x1 - 76
    zero = (left + right) / 2
    sheet.ink.line([(zero, box.y0), (zero, box.y0 + len(rows) * ROW)], sheet.palette.dim, 1.0)
    for at, skill in enumerate(rows):
        y = box.y0 + at * ROW + 14
        model = skill.role is Role.MODEL
        sheet.say(box.x0, y, skill.name.rstrip(" 0123456789"), size=SMALL, bold=model, dim=not model)
        if skill.over_distance is not None:
            _whisker(sheet, skill.over_distance, y, zero, (right - left) / 2 / reach)
            sheet.say(box.x1, y, f"{skill.over_distance.value:+.3f}", size=SMALL, align="right", bold=model)


def _whisker(sheet: _Sheet, found: Interval, y: float, zero: float, per_unit: float) -> None:
    if found.value != found.value or found.low != found.low:
        return
    colour = sheet.palette.up if found.above_zero else sheet.palette.dim
    x0, x, x1 = (zero + v * per_unit for v in (found.low, found.value, found.high))
    sheet.ink.line([(x0, y), (x1, y)], colour, 3.0)
    sheet.ink.box(Box(x - 5, y - 5, x + 5, y + 5), colour, radius=5.0)


def _zones(sheet: _Sheet, report: Report, box: Box) -> None:
    """Write the lift of zones and of placebo zones at every horizon."""
    horizons = sorted({score.horizon_h for score in report.zones})
    if not horizons:
        return
    sheet.say(box.x0, box.y0 - 26, "Zones: dollars over range covered", bold=True)
    places = [box.x1 - 110 * (len(horizons) - 1 - at) for at in range(len(horizons))]
    for x, horizon_h in zip(places, horizons, strict=True):
        sheet.say(x, box.y0 + 6, f"{horizon_h} h", size=SMALL, dim=True, align="right")
    for at, kind in enumerate(dict.fromkeys(score.kind for score in report.zones)):
        y = box.y0 + (at + 1) * (ROW - 5) + 6
        own = kind == "zones"
        sheet.say(box.x0, y, kind, size=SMALL, bold=own, dim=not own)
        for score in report.zones:
            if score.kind == kind:
                x = places[horizons.index(score.horizon_h)]
                sheet.say(x, y, f"{score.lift.value:.2f}", size=SMALL, align="right", bold=own, dim=not own)
