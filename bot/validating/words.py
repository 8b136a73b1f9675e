"""Say in plain words what a validation found, and what the coverage of the feed allows to claim."""

from collections.abc import Iterator

from adapters.coverage import CoverageKind, coverage
from engine.scoring.zone_lift import ZoneScore
from engine.validation import DISTANCE_ONLY, LEAST_HOURS, RANGE, ZONES, Verdict

CLAIMS = {
    CoverageKind.FULL: "The feed holds them all, so that shares and lifts are of everything liquidated.",
    CoverageKind.SAMPLED: (
        "Shares and lifts hold for what was published. They hold for everything only if what is left out "
        "lies where the rest does, which in a cascade it does not have to. Dollars are a lower bound."
    ),
    CoverageKind.PARTIAL: (
        "Shares and lifts hold for what these addresses took part in alone. That is no fair sample of all "
        "liquidations: nothing is claimed about the others, nor about dollars."
    ),
    CoverageKind.UNKNOWN: "Nothing is claimed beyond what was recorded.",
}
"""What may be claimed, by how much of a venue's liquidations is seen."""
BETTER = "Zones lift, and those put elsewhere do not reach them"
NOT_BETTER = "What zones lift is not told apart from what zones put elsewhere lift"


def sentences(verdict: Verdict, venue: str) -> Iterator[str]:
    """Return what a run found, sentence by sentence."""
    if not verdict.moments:
        yield "No candle was recorded from its prediction to its end: there is nothing to say."
    elif not verdict.scores:
        yield (
            f"{_counted(verdict.moments, 'candle')} recorded, and nothing was liquidated in front of the "
            "price: there is nothing to say."
        )
    else:
        yield from _found(verdict)
    seen = coverage(venue)
    yield seen.sentence
    yield CLAIMS[seen.kind]


def _found(verdict: Verdict) -> Iterator[str]:
    scores = {each.kind: each for each in verdict.scores}
    zones = scores[ZONES]
    yield (
        f"{_counted(verdict.liquidations, 'liquidation')} in {_counted(verdict.moments, 'candle')}: "
        f"{verdict.usd:,.0f} USD in front of the price, {verdict.elsewhere_usd:,.0f} USD elsewhere."
    )
    if zones.coverage != zones.coverage or zones.coverage == 0.0:
        yield "Price went through no zone: there is nothing to say about zones."
    else:
        yield (
            f"Zones covered {zones.coverage:.1%} of the range that price went through and held "
            f"{zones.dollars:.1%} of the dollars: lift {_lift(zones, verdict)}."
        )
        others = [each for each in verdict.scores if each.kind not in (ZONES, DISTANCE_ONLY)]
        told = [f"{each.kind} {_lift(each, verdict)}" for each in others]
        yield f"Placebos: {', '.join(told)}."
        if DISTANCE_ONLY in scores:
            yield f"Zones of a model that knows distance alone: {_lift(scores[DISTANCE_ONLY], verdict)}."
        yield _conclusion(verdict, zones, others)
    known = {name: rank for name, rank in verdict.ranks.items() if rank == rank}
    if known:
        named = {RANGE: "the range alone"}
        told = [f"{named.get(name, name)} {rank:.2f}" for name, rank in known.items()]
        yield f"Rank with the dollars of an hour and side: {', '.join(told)}."


def _conclusion(verdict: Verdict, zones: ZoneScore, others: list[ZoneScore]) -> str:
    """Return whether zones are where they should be, as far as that can be said."""
    if not verdict.has_intervals:
        return (
            f"Something was liquidated in {_counted(verdict.hours_with_any, 'hour')}; {LEAST_HOURS} are the "
            "least for an interval: nothing is settled."
        )
    best = max((each.lift.value for each in others if each.lift.value == each.lift.value), default=1.0)
    return f"{BETTER if zones.lift.low > max(best, 1.0) else NOT_BETTER}."


def _lift(score: ZoneScore, verdict: Verdict) -> str:
    if score.lift.value != score.lift.value:
        return "not known"
    interval = f" [{score.lift.low:.2f}, {score.lift.high:.2f}]" if verdict.has_intervals else ""
    return f"{score.lift.value:.2f}{interval}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
