"""Answer `/accuracy`: how well a model explains reported liquidations, beside baselines and placebos."""

from bot.commands import ids
from bot.commands.context import Context
from bot.commands.parts import NOT_ADVICE, SHARE, SYMBOL, maybe_view, rows, symbol_of
from bot.commands.reply import Button, Reply, Table
from bot.commands.spec import Call, Choice, Command, Kind, Parameter, Visibility, Who
from bot.lang import N_, _, speech
from bot.render import text
from bot.truth import words
from bot.truth.shelf import Shown
from engine.scoring.report import Report

HORIZON = Parameter(
    name="horizon",
    kind=Kind.CHOICE,
    description=N_("How long after they stood zones are judged"),
    default="1h",
    choices=(
        Choice(value="1h", label=N_("within 1 hour")),
        Choice(value="4h", label=N_("within 4 hours")),
        Choice(value="24h", label=N_("within 24 hours")),
    ),
)
HEADINGS = (
    N_("Prediction"),
    N_("Explained"),
    N_("Rank long/short"),
    N_("Over price"),
    N_("Over price + distance"),
)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with the rows that say the most, the zones, and what may be claimed."""
    symbol = symbol_of(ctx, call)
    shown = ctx.services.accuracy.of(symbol)
    report, horizon = shown.report, call.text("horizon") or "1h"
    model = report.models[0]
    return Reply(
        command="accuracy",
        title=_("{base} accuracy, {span}").format(base=text.base(report.symbol), span=words.span(report)),
        text="\n".join(filter(None, _sentences(shown))),
        fields=(*_zones(report, int(horizon.removesuffix("h"))), *_level(ctx, symbol)),
        table=Table(
            headings=tuple(map(_, HEADINGS)),
            rows=tuple(words.row(skill)[: len(HEADINGS)] for skill in words.summary_skills(report, model)),
            numeric=tuple(map(_, HEADINGS[1:])),
        ),
        buttons=rows(
            [
                *(
                    Button(
                        label=_("Zones within {value} h").format(value=choice.value.removesuffix("h")),
                        action=ids.action("accuracy", "", symbol, choice.value, edits=True),
                        style="primary" if choice.value == horizon else "plain",
                    )
                    for choice in HORIZON.choices
                ),
                Button(label=_("Heatmap"), action=ids.action("heatmap", "", symbol)),
            ]
        ),
    )


def _sentences(shown: Shown) -> tuple[str, ...]:
    """Return whose result it is, and what may and may not be claimed."""
    report = shown.report
    told = words.verdict(report, report.models[0])
    return (
        shown.label,
        told,
        words.others(report),
        words.limits(report),
        _(words.CONDITIONAL),
        _(NOT_ADVICE),
    )


def _level(ctx: Context, symbol: str) -> tuple[tuple[str, str], ...]:
    """Return by what the symbol's dollars are corrected, nothing where they are not."""
    view = maybe_view(ctx, symbol)
    if view is None or view.level is None:
        return ()
    level = view.level
    told = _("×{long} longs, ×{short} shorts, by {hours} h of reports").format(
        long=speech().figure(f"{level.long:.2f}"),
        short=speech().figure(f"{level.short:.2f}"),
        hours=level.hours,
    )
    return ((_("{base} dollars, last 7 days").format(base=text.base(symbol)), told),)


def _zones(report: Report, horizon_h: int) -> tuple[tuple[str, str], ...]:
    """Return what zones and the placebos of them hold, and cover."""
    found = {s.kind: s for s in report.zones if s.horizon_h == horizon_h}
    zones = found.pop("zones", None)
    if zones is None:
        return ()
    best = max(found.values(), key=lambda score: score.lift.value)
    another = found.get("another hour", best)
    return (
        (
            _("Zones within {horizon_h} h, lift").format(horizon_h=horizon_h),
            words.interval(zones.lift, ".2f"),
        ),
        (
            _("Coverage"),
            _("{percent} of the range, {percent2} of dollars").format(
                percent=words.percent(zones.coverage), percent2=words.percent(zones.dollars)
            ),
        ),
        (_("Zones {kind}, lift").format(kind=best.kind), words.interval(best.lift, ".2f")),
        (_("Zones of {kind}, lift").format(kind=another.kind), words.interval(another.lift, ".2f")),
    )


COMMANDS = (
    Command(
        noun="accuracy",
        description=N_(
            "Say how well liquidations are explained on unseen days, beside baselines and placebos"
        ),
        run=show,
        parameters=(SYMBOL, HORIZON, SHARE),
        aliases=("truth", "score"),
        examples=("/accuracy btc", "/accuracy btc horizon=24h"),
        visibility=Visibility.SHAREABLE,
        who=Who.EVERYONE,
    ),
)
