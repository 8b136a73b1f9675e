"""Try to beat `flow` on real liquidations: choose among variants on one stretch, judge once on others.

Variants are compared on 2025-12-08 to 2026-01-30 alone. The best of each family by deviance explained there
is judged once, on 2026-02-01 to 2026-03-14, and on 2025-11-23 to 2025-12-07, on which not even `flow` was
chosen. Intervals there hold for all finalists together (Bonferroni). Data are read from LIQWATCH_SAMPLES and
never shipped. `python -m bench.beat_flow` prints the tables of docs/model.md.
"""

import sys
from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path

from bench.flow.scale import mixing, scales
from bench.flow.settle import RIDGES, fixed_ridge, lifts, looking_ahead, mixtures, placebos, settle
from bench.flow.study import read_study, samples
from bench.flow.trial import Score, Trial, Tried
from bench.flow.volume import perpetual_quote
from bench.runner import Outcome, machine
from engine.errors import UserError
from engine.presets import FLOW, EntryPoint
from engine.scoring.measures import SURE, Interval

QUICK = 2
"""Variants of a family that a quick run tries."""


def run(*, quick: bool) -> Outcome:
    """Return what the best of each family gains over `flow`, chosen and held out; nothing without data.

    `quick` tries a few of each family, on the chosen stretch alone.
    """
    try:
        folder = samples()
    except UserError as missing:
        sys.stderr.write(f"{missing}\n")
        return {"figures": {"variants": 0.0}, "units": {}, "goals": {}}
    trial = Trial(read_study(folder))
    families = tried_families(trial, most=QUICK if quick else None)
    figures = {"variants": float(sum(map(len, families.values())))}
    sure = together_sure(len(families))
    for family, members in families.items():
        best = best_of(trial, members)
        name = family.replace(",", "").replace(" ", "_")
        figures[f"{name}_chosen"] = trial.score(trial.chosen, best).over_flow.value
        if quick:  # of a few variants the best is not the one that was chosen: what is held out stays so
            continue
        found = trial.score(trial.held, best, sure=sure).over_flow
        figures[f"{name}_held"] = found.value
        figures[f"{name}_held_low"] = found.low
    return {"figures": figures, "units": {}, "goals": {}}


def tried_families(trial: Trial, *, most: int | None) -> dict[str, list[Tried]]:
    """Return every variant, by family."""
    groups = groupby(trial.tried(most=most), key=lambda tried: tried.family)
    return {family: list(members) for family, members in groups}


def together_sure(count: int) -> float:
    """Return how sure each of several intervals must be for all of them to hold with 95 %."""
    return 1.0 - (1.0 - SURE) / count


def best_of(trial: Trial, members: list[Tried]) -> Tried:
    """Return the variant that explains most on the chosen stretch."""
    return min(members, key=lambda each: float(trial.losses(trial.chosen, each.usd).sum()))


def _signed(value: Interval) -> str:
    return f"{value.value:+.4f} [{value.low:+.4f}, {value.high:+.4f}]"


def _row(score: Score, *more: str) -> str:
    ranks = f"{score.ranks[0]:.3f}/{score.ranks[1]:.3f}"
    cells = [score.family, score.name, f"{score.explained:.4f}", ranks, _signed(score.over_flow)]
    return "| " + " | ".join([*cells, _signed(score.adds), *more]) + " |"


def _head(*names: str) -> str:
    return "| " + " | ".join(names) + " |\n" + "| --- " * len(names) + "|"


def report(trial: Trial) -> None:
    """Print every variant on the chosen stretch, the finalists elsewhere, and what the ridge does."""
    families = tried_families(trial, most=None)
    usual = Tried("flow", "flow", trial.flow)
    count = sum(map(len, families.values()))
    print(
        f"{machine()}\n{count} variants in {len(families)} families; hours: chosen {len(trial.chosen.rows)}"
    )
    columns = ("family", "variant", "explained", "ranks", "over flow", "adds to price and distance")
    print("\nChosen on:", *(trial.chosen.begin, trial.chosen.end), f"\n{_head(*columns)}")
    for each in (usual, Tried("baseline", "distance only", trial.distance), *chain(*families.values())):
        print(_row(trial.score(trial.chosen, each)))
    print(f"\n{_head('family', 'best of family on days it was not chosen on, over flow')}")
    for family, members in families.items():
        print(f"| {family} | {_signed(trial.nested(members))} |")
    sure = together_sure(len(families))
    for stretch in (trial.held, trial.before):
        print(
            f"\nJudged on {stretch.begin} to {stretch.end}: {len(stretch.rows)} hours, intervals {sure:.2%}"
        )
        print(f"price only {stretch.explained(stretch.loss(stretch.price)):.4f}")
        print(_head(*columns, "over flow, curve of the chosen stretch"))
        for each in (usual, *(best_of(trial, members) for members in families.values())):
            across = trial.carried_gain(stretch, each.usd, sure=sure)
            print(_row(trial.score(stretch, each, sure=sure), _signed(across)))


def report_ridge(trial: Trial) -> None:
    """Print what `flow` and its placebos add to price and distance, by ridge."""
    fixed = fixed_ridge(trial)
    print(f"\nRidge fixed on the chosen stretch by price and distance alone: {fixed:g}")
    print(_head("prediction", "judged on", "ridge", "base", "adds", "base, carried", "adds, carried"))
    stretches = ((trial.held, "held"), (trial.before, "before"))
    for stretch, label in stretches:
        made = [("flow", trial.flow, ridge) for ridge in RIDGES]
        made += [(name, usd, fixed) for name, usd in placebos(trial).items()]
        for name, usd, ridge in made:
            s = settle(trial, name, usd, stretch, label, ridge)
            cells = [name, label, f"{ridge:g}", f"{s.base:.4f}", _signed(s.adds)]
            print("| " + " | ".join([*cells, f"{s.carried_base:.4f}", _signed(s.carried_adds)]) + " |")


def report_doubts(trial: Trial) -> None:
    """Print what is behind the gain of a share of leverage, what looks ahead, and what zones lift."""
    print(f"\n5% of leverage, by whose open interest\n{_head('open interest', 'chosen', 'held')}")
    for name, usd in mixtures(trial, 0.05).items():
        tried = Tried("", name, usd)
        gains = [_signed(trial.score(stretch, tried).over_flow) for stretch in (trial.chosen, trial.held)]
        print(f"| {name} | {' | '.join(gains)} |")
    print(f"\nVolumes that look ahead\n{_head('volume', 'explained', 'over flow')}")
    for name, (explained, gain) in looking_ahead(trial).items():
        print(f"| {name} | {explained:.4f} | {_signed(gain)} |")
    spot = trial.study.candles.quote_volume
    perpetual = perpetual_quote([0, 1, 2], 1, trial.study)
    close = replace(FLOW, entry=(EntryPoint(close=1.0),))
    rows = (("flow", FLOW, spot), ("perpetual volume", FLOW, perpetual), ("at the close", close, spot))
    print(f"\nLift of zones, held\n{_head('zones of', '1 h', '4 h', '24 h')}")
    for name, preset, quote in rows:
        found = lifts(trial, trial.held, preset, quote)
        print(f"| {name} | {' | '.join(f'{v.value:.2f} [{v.low:.2f}, {v.high:.2f}]' for v in found)} |")


def report_scales(trial: Trial, folder: Path) -> None:
    """Print what hourly candles of several venues give, and what a coin's own scale does."""
    print(f"\nHourly candles, chosen stretch\n{_head('venues', 'explained', 'over the first alone')}")
    for names, explained, gain in mixing(trial, folder):
        print(f"| {names} | {explained:.4f} | {_signed(gain)} |")
    columns = (
        "coin",
        "days",
        "reported over predicted, first half",
        "second",
        "off by BTC's",
        "off by its own",
    )
    print(f"\nHyperliquid by the day\n{_head(*columns)}")
    for s in scales(folder):
        cells = (s.coin, str(s.days), *(f"{v:.2f}" for v in (s.first, s.second, s.by_volume, s.own)))
        print("| " + " | ".join(cells) + " |")


def main() -> None:
    """Print everything; UserError where the data are not there."""
    folder = samples()
    trial = Trial(read_study(folder))
    report(trial)
    report_ridge(trial)
    report_doubts(trial)
    report_scales(trial, folder)


if __name__ == "__main__":
    main()
