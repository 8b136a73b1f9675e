"""Say what a measurement found in words and rows that every way of showing it shares."""

from datetime import UTC, datetime

from adapters.coverage import COVERAGE, coverage
from bot.lang import N_, _, ngettext, speech
from engine.scoring.measures import Interval
from engine.scoring.report import Kind, Pair, Report, Role, Skill
from engine.scoring.zone_lift import ZoneScore

CONDITIONAL = N_("It says where liquidations sit given where price went, not where price goes.")
HEADINGS = (
    *(
        N_("Prediction"),
        N_("Explained"),
        N_("Rank long/short"),
        N_("Over price"),
        N_("Over price + distance"),
    ),
    *(N_("Top 5% hours found"), N_("Dollars long/short")),
)
ZONE_HEADINGS = (N_("Zones"), N_("Coverage"), N_("Dollars in them"), N_("Lift"), N_("Lift at equal distance"))


def percent(value: float) -> str:
    """Return a share as 86.7%; a dash where it is not known."""
    return "–" if value != value else f"{value:.1%}"


def pair(values: Pair, form: str = ".3f") -> str:
    """Return one figure for each side: .887/.885 with the zero left in."""
    return "/".join("–" if v != v else f"{v:{form}}" for v in values)


def interval(found: Interval | None, form: str = "+.3f") -> str:
    """Return a figure with its interval: +0.036 [+0.026, +0.046]."""
    if found is None:
        return ""
    if found.value != found.value:
        return "–"
    return f"{found.value:{form}} [{found.low:{form}}, {found.high:{form}}]"


def row(skill: Skill, *, stands: bool = False) -> tuple[str, ...]:
    """Return a prediction's row under HEADINGS; `stands` says that its dollars are of standing positions."""
    frozen = skill.kind is Kind.FROZEN
    return (
        _("{model}, frozen").format(model=skill.name) if frozen else _(skill.name),
        f"{skill.explained:.3f}",
        pair(skill.spearman),
        interval(skill.over_price),
        interval(skill.over_distance),
        pair(skill.recall, ".0%"),
        pair(skill.usd_ratio, ".2f") + (" standing" if stands else ""),
    )


def zone_row(score: ZoneScore) -> tuple[str, ...]:
    """Return a kind of zones' row under ZONE_HEADINGS."""
    return (
        score.kind,
        percent(score.coverage),
        percent(score.dollars),
        interval(score.lift, ".2f"),
        interval(score.lift_at_distance, ".2f"),
    )


def span(report: Report) -> str:
    """Return the stretch measured: 2025-12-08 to 2026-03-14, 2,327 hours."""
    first, last = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (report.from_ms, report.to_ms - 1))
    return _("{first} to {last}, {hours} hours").format(
        first=f"{first:%Y-%m-%d}", last=f"{last:%Y-%m-%d}", hours=speech().figure(f"{report.hours:,}")
    )


def sources(report: Report) -> str:
    """Return where candles and liquidations are from, and of whom not all of them are seen."""
    reported = (
        f"{venue} ({coverage(venue).kind})" if _in_part(venue) else venue for venue in report.reported_by
    )
    return _("candles {venues}; liquidations {reported}").format(
        venues=", ".join(report.venues), reported=", ".join(reported)
    )


def limits(report: Report) -> str:
    """Return a sentence for each venue of whose liquidations only a part was there to be explained."""
    return " ".join(coverage(venue).sentence for venue in report.reported_by if _in_part(venue))


def _in_part(venue: str) -> bool:
    return venue in COVERAGE and not coverage(venue).full


def verdict(report: Report, model: str) -> str:
    """Return one sentence on what may be claimed of a model, in the words of the rule."""
    skill = report.skill(model)
    if skill is None or skill.over_distance is None:
        return _("{model} was not measured.").format(model=model)
    added = interval(skill.over_distance)
    if report.works(model):
        return _(
            "{model} works: it adds {added} to price and distance together, and its placebos add nothing."
        ).format(model=model, added=added)
    if report.adds(model):
        return _(
            "{model} adds {added} to price and distance together and its placebos add nothing, "
            "but that is small and not settled: how the baseline is fitted moves it by as much."
        ).format(model=model, added=added)
    if skill.over_distance.above_zero:
        return _(
            "{model} is not shown to work: it adds {added} to price and distance, but so does a placebo."
        ).format(model=model, added=added)
    return _("{model} is not shown to work: what it adds to price and distance is {added}.").format(
        model=model, added=added
    )


def others(report: Report) -> str:
    """Return what may be claimed of the models besides the first, empty where there are none."""
    failed = [model for model in report.models[1:] if not report.adds(model)]
    said = [verdict(report, model) for model in report.models[1:] if model not in failed]
    if failed:
        told = ngettext("{models} is not shown to work.", "{models} are not shown to work.", len(failed))
        said.append(told.format(models=speech().joined(failed)))
    return " ".join(said)


def zone_verdict(report: Report, horizon_h: int) -> str:
    """Return one sentence on the zones, beside the placebo that fares best."""
    scores = {score.kind: score for score in report.zones if score.horizon_h == horizon_h}
    zones = scores.pop("zones", None)
    if zones is None or not scores:
        return _("Zones were not measured.")
    best = max(scores.values(), key=lambda score: score.lift.value)
    return _(
        "Within {horizon_h} h zones hold {value} times the dollars of an average range as "
        "wide; placebo zones up to {value2} ({kind})."
    ).format(
        horizon_h=horizon_h,
        value=speech().figure(f"{zones.lift.value:.2f}"),
        value2=speech().figure(f"{best.lift.value:.2f}"),
        kind=best.kind,
    )


def summary_skills(report: Report, model: str) -> list[Skill]:
    """Return the rows that say the most: a model, the two baselines, other models, its best placebo."""
    names = [model, "price only", "distance only", *(name for name in report.models if name != model)]
    chosen = [skill for name in names if (skill := report.skill(name)) is not None]
    frozen = report.skill(model, Kind.FROZEN)
    placebos = report.placebos(model)
    if placebos:
        chosen.append(max(placebos, key=lambda skill: skill.explained))
    return [*chosen, *([frozen] if frozen else [])]


def every_skill(report: Report) -> list[Skill]:
    """Return every row in the order of the table: baselines, models, placebos."""
    order = {Role.BASELINE: 0, Role.MODEL: 1, Role.PLACEBO: 2}
    return sorted(report.skills, key=lambda skill: order[skill.role])


def line(report: Report, model: str, *, own: bool) -> str:
    """Return the line on a picture's footer; empty where the model was not measured.

    What a picture shows stands still until price moves on, so the frozen figure is said as well.
    """
    skill, price = report.skill(model), report.skill("price only")
    if skill is None or price is None:
        return ""
    frozen = report.skill(model, Kind.FROZEN)
    still = (
        _(", {explained} standing still").format(explained=f"{frozen.explained:.0%}")
        if frozen is not None
        else ""
    )
    whose = _("own data") if own else "development"
    return _("explains {explained} bar by bar{still}, price alone {explained2} ({whose})").format(
        explained=f"{skill.explained:.0%}", still=still, explained2=f"{price.explained:.0%}", whose=whose
    )
