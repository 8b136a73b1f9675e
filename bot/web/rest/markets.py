"""Answer what there is of markets: symbols, exchanges, zones, candles, levels, accuracy, liquidations."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from adapters.coverage import coverage
from adapters.titles import title
from adapters.venue import Feed
from bot.truth import words
from bot.truth.shelf import Shelf
from bot.web.api import levels_of
from bot.web.channels import facts_of
from bot.web.ports import Market
from bot.web.reports import MOST_STEPS, Reported, body_of_report
from bot.web.rest import answers
from bot.web.rest.asks import AccuracyAsk, CandlesAsk, LevelsAsk, LiquidationsAsk, ZonesAsk
from bot.web.rest.fields import INTERVALS, Nothing
from bot.web.rest.kept import Kept
from bot.web.rest.problems import nothing_there
from bot.web.rest.reading import Reading, fits
from engine.model import HOUR_MS, Candles, Side, Zone
from engine.scoring.measures import Interval
from storage.venue_reads import Asked

MOST_CANDLES = 5000
MINUTE_MS = 60_000


class Markets:
    """Answer what there is of markets, from what is known now."""

    def __init__(self, market: Market, reported: Reported | None, accuracy: Shelf | None) -> None:
        self._market = market
        self._reported = reported
        self._accuracy = accuracy
        self._reading = Reading(market)

    async def symbols(self, _: Nothing) -> Kept:
        """Answer every market with its newest facts."""
        rows = []
        for symbol in self._market.symbols:
            view = self._market.view(symbol)
            facts = facts_of(view)
            taken = {name: facts[name] for name in answers.SymbolAnswer.model_fields if name in facts}
            taken |= {"zones": len(facts["zones"]), "exchanges": facts["venues"]}
            rows.append(
                answers.SymbolAnswer(symbol=symbol, price=view.price, price_ts=view.price_ts, **taken)
            )
        return Kept.json(answers.SymbolsAnswer(**self._head(), symbols=rows))

    async def exchanges(self, _: Nothing) -> Kept:
        """Answer every exchange that is read."""
        health = {each.venue: each for each in self._market.health()}
        of = {symbol: self._market.venues_of(symbol) for symbol in self._market.symbols}
        rows = []
        for venue in self._market.venues:
            seen, now = coverage(venue), health.get(venue)
            rows.append(
                answers.ExchangeAnswer(
                    exchange=venue,
                    title=title(venue),
                    state=now.state.value if now else "unknown",
                    ok=bool(now and now.ok),
                    symbols=[symbol for symbol, venues in of.items() if venue in venues],
                    coverage=seen.kind.value,
                    coverage_says=seen.sentence,
                )
            )
        return Kept.json(answers.ExchangesAnswer(**self._head(), exchanges=rows))

    async def zones(self, ask: ZonesAsk) -> Kept:
        """Answer the zones of a market, nearest first."""
        symbol = self._reading.symbol(ask.symbol)
        venues = self._reading.exchanges(ask.exchanges, symbol)
        view = await self._market.view_among(symbol, venues)
        held = view.zones.zones if view.zones else ()
        asked = [z for z in held if ask.side in ("both", z.side.value) and z.notional_usd >= ask.min_usd]
        asked.sort(key=lambda zone: zone.distance(view.price))
        now_ms = self._market.now_ms()
        answer = answers.ZonesAnswer(
            **self._head(),
            symbol=symbol,
            price=view.price,
            price_ts=view.price_ts,
            exchanges=list(view.venues),
            ready=bool(view.zones and view.zones.threshold_ready),
            zones=[_zone(zone, view.price, now_ms) for zone in asked],
        )
        return Kept.json(answer)

    async def candles(self, ask: CandlesAsk) -> Kept:
        """Answer the closed candles of a stretch of time."""
        symbol = self._reading.symbol(ask.symbol)
        step_ms = INTERVALS[ask.interval]
        between = self._reading.between(ask, self._reading.end_of(symbol))
        fits(between, step_ms, MOST_CANDLES, ask)
        start = between.t0 // step_ms * step_ms
        found = await self._market.candles_between(symbol, start, between.t1)
        if not len(found):
            raise nothing_there(f"There are no candles of {symbol} from {start} to {between.t1}.")

        def make() -> Kept:
            rows = folded(found, step_ms)
            return Kept.json(
                answers.CandlesAnswer(
                    source=self._market.source_kind,
                    symbol=symbol,
                    exchange=self._market.view(symbol).venue,
                    interval=ask.interval,
                    step_ms=step_ms,
                    start=start,
                    end=between.t1,
                    **rows,
                )
            )

        return await asyncio.to_thread(make)

    async def levels(self, ask: LevelsAsk) -> Kept:
        """Answer what stands at the newest close, in levels."""
        symbol = self._reading.symbol(ask.symbol)
        venues = self._reading.exchanges(ask.exchanges, symbol)
        shot = await self._market.snapshot(symbol, bin_bp=ask.bin_bp, min_usd=ask.min_usd, venues=venues)
        body = levels_of(shot)
        exchanges = body.pop("venues")
        return Kept.json(answers.LevelsAnswer(**self._head(), exchanges=exchanges, **body))

    async def liquidations(self, ask: LiquidationsAsk) -> Kept:
        """Answer what exchanges reported as liquidated."""
        if self._reported is None or Feed.LIQUIDATIONS not in self._market.feeds:
            raise nothing_there("There are no reports of liquidations here: none were recorded.")
        symbol = "" if ask.symbol is None else self._reading.symbol(ask.symbol)
        venues = self._reading.exchanges(ask.exchanges, symbol)
        between = self._reading.between(ask, self._market.now_ms() + 1, HOUR_MS)
        asked = Asked(symbol=symbol, venues=venues, t0=between.t0, t1=between.t1, min_usd=ask.min_usd)
        step_ms = max(1, math.ceil((between.t1 - between.t0) / MOST_STEPS / MINUTE_MS)) * MINUTE_MS
        report = await self._reported.liquidation_report(asked, step_ms=step_ms, count=ask.limit)
        read = venues or (self._market.venues_of(symbol) if symbol else self._market.venues)
        body = body_of_report(report, read)
        answer = answers.LiquidationsAnswer(
            **self._head(),
            symbol=symbol or "all",
            start=between.t0,
            end=between.t1,
            min_usd=ask.min_usd,
            step_ms=step_ms,
            total_usd=body["total_usd"],
            exchanges=[answers.Reported(**_renamed(each)) for each in body["venues"]],
            steps=[
                answers.Step(**dict(zip(body["step_fields"], step, strict=True))) for step in body["steps"]
            ],
            largest=[
                answers.Largest(**_renamed(dict(zip(body["fields"], row, strict=True))))
                for row in body["largest"]
            ],
        )
        return Kept.json(answer)

    async def accuracy(self, ask: AccuracyAsk) -> Kept:
        """Answer how well heatmaps explain reported liquidations."""
        symbol = self._reading.symbol(ask.symbol)
        if self._accuracy is None:
            raise nothing_there("Nothing has been measured here.")
        shown = self._accuracy.of(symbol)
        report = shown.report
        answer = answers.AccuracyAnswer(
            symbol=symbol,
            measured_on=report.symbol,
            own=shown.own,
            says=f"{shown.label} {words.verdict(report, report.models[0])}",
            made_ms=shown.made_ms,
            start=report.from_ms,
            end=report.to_ms,
            hours=report.hours,
            exchanges=list(report.venues),
            reported_by=list(report.reported_by),
            works={model: report.works(model) for model in report.models},
            skills=[
                answers.SkillAnswer(
                    name=skill.name,
                    role=skill.role.value,
                    kind=skill.kind.value,
                    model=skill.model,
                    explained=_known(skill.explained),
                    over_price=_figure(skill.over_price),
                    over_distance=_figure(skill.over_distance),
                )
                for skill in report.skills
            ],
            zones=[
                answers.ZoneLift(
                    kind=score.kind,
                    horizon_h=score.horizon_h,
                    coverage=_known(score.coverage),
                    dollars=_known(score.dollars),
                    lift=_interval(score.lift),
                )
                for score in report.zones
            ],
        )
        return Kept.json(answer)

    def _head(self) -> dict[str, Any]:
        return self._reading.head().model_dump()


def every(
    seconds: float, clock: Callable[[], float], answer: Callable[[], Awaitable[Kept]]
) -> Callable[[Nothing], Awaitable[Kept]]:
    """Return a handler that works an answer out once in so many seconds, however many ask."""
    lock = asyncio.Lock()
    held: list[tuple[float, Kept]] = []

    async def handle(_: Nothing) -> Kept:
        async with lock:
            if not held or clock() - held[0][0] >= seconds:
                held[:] = [(clock(), await answer())]
            return held[0][1]

    return handle


def folded(candles: Candles, step_ms: int) -> dict[str, npt.NDArray[np.float64] | npt.NDArray[np.int64]]:
    """Return candles of a longer step, by column; a sum is of what is known, NaN where nothing is."""
    number = candles.ts // step_ms
    first = np.flatnonzero(np.diff(number, prepend=-1))
    last = np.append(first[1:], len(candles)) - 1
    return {
        "ts": number[first] * step_ms,
        "open": candles.open[first],
        "high": np.maximum.reduceat(candles.high, first),
        "low": np.minimum.reduceat(candles.low, first),
        "close": candles.close[last],
        "volume": _sums(candles.volume, first),
        "quote_volume_usd": _sums(candles.quote_volume, first),
        "open_interest": candles.open_interest[last],
    }


def _sums(values: npt.NDArray[np.float64], first: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    known = np.isfinite(values)
    total: npt.NDArray[np.float64] = np.add.reduceat(np.where(known, values, 0.0), first)
    return np.where(np.add.reduceat(known.astype(np.int64), first) > 0, total, np.nan)


def _zone(zone: Zone, price: float, now_ms: int) -> answers.ZoneAnswer:
    return answers.ZoneAnswer(
        id=zone.zone_id,
        side=Side(zone.side).value,
        low=zone.low,
        high=zone.high,
        peak=zone.peak,
        notional_usd=zone.notional_usd,
        distance=zone.distance(price),
        share=zone.share,
        percentile=zone.percentile,
        born_ts=zone.born_ts,
        age_s=max(0, now_ms - zone.born_ts) // 1000,
        exchanges={venue: round(part, 6) for venue, part in zone.venue_share},
    )


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose venue is called exchange, as everywhere in the API."""
    return {("exchange" if name == "venue" else name): value for name, value in row.items()}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _interval(found: Interval) -> answers.Figure:
    return answers.Figure(value=_known(found.value), low=_known(found.low), high=_known(found.high))


def _figure(found: Interval | None) -> answers.Figure | None:
    return None if found is None else _interval(found)
