"""Hold the heatmap's second implementation: one object per lot, plain Python, nothing shared with the engine.

Slow and obvious on purpose. A lot is a part of a candle's mass in one bin of one level. Bins are global
here, longs lie below the price and shorts above it: no mirror, no lazy decay, no running sums.
"""

import math
from dataclasses import dataclass, field

BIN = 2e-4
STEP_MS = 300_000
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@dataclass
class Lot:
    bin: int
    entry: float
    level: float
    amount: float
    lives: list[float]

    @property
    def standing(self):
        return self.amount * sum(self.lives)


@dataclass
class Book:
    preset: object
    side: str
    lots: list[Lot] = field(default_factory=list)
    entered: float = 0.0
    swept: float = 0.0
    taken: float = 0.0
    decayed: float = 0.0
    closed: float = 0.0

    def offset(self, level):
        return level.long_log if self.side == "long" else -level.short_log

    def remove(self, gone, into):
        setattr(self, into, getattr(self, into) + sum(lot.standing for lot in self.lots if gone(lot)))
        self.lots = [lot for lot in self.lots if not gone(lot)]

    def sweep(self, low, high):
        if self.side == "long":
            self.remove(lambda lot: lot.bin >= math.floor(low / BIN), "swept")
        else:
            self.remove(lambda lot: lot.bin <= math.floor(high / BIN), "swept")

    def take_profit(self, low, high):
        if self.preset.take_profit is None:
            return
        for level in self.preset.levels:
            if self.side == "long":
                edge = -1 - math.floor(-high / BIN + self.preset.take_profit / BIN + level.long_log / BIN)
                self.remove(lambda lot, edge=edge, o=level: lot.level is o and lot.bin <= edge, "taken")
            else:
                edge = math.floor(low / BIN + self.preset.take_profit / BIN + level.short_log / BIN)
                self.remove(lambda lot, edge=edge, o=level: lot.level is o and lot.bin >= edge, "taken")

    def decay(self, elapsed_ms):
        for lot in self.lots:
            before = lot.standing
            for k, life in enumerate(self.preset.lifetimes):
                lot.lives[k] *= 0.5 ** (elapsed_ms / (life.half_life_h * HOUR_MS))
            self.decayed += before - lot.standing

    def shrink(self, kept):
        for lot in self.lots:
            before = lot.standing
            lot.amount *= kept
            self.closed += before - lot.standing

    def points(self, logs):
        """Return where a candle's mass enters, with the share of each place."""
        if not self.preset.spread:
            names = ("open", "high", "low", "close")
            return [(sum(getattr(p, n) * logs[n] for n in names), p.share) for p in self.preset.entry]
        low, high, top = logs["low"], logs["high"], min(max(logs["vwap"], logs["low"]), logs["high"])
        places = [low + (high - low) * (i + 0.5) / self.preset.spread for i in range(self.preset.spread)]
        if high <= low:
            heights = [1.0 for _ in places]
        else:
            heights = [(z - low) / (top - low) if z < top else (high - z) / (high - top) for z in places]
        return [(z, h / sum(heights)) for z, h in zip(places, heights, strict=True)]

    def enter(self, logs, mass):
        for entry, share in self.points(logs):
            for level in self.preset.levels:
                target = entry - self.offset(level)
                passed = target >= logs["close"] if self.side == "long" else target <= logs["close"]
                if not passed and mass > 0:
                    self.open(level, entry, target, logs["close"], mass * share * level.weight)

    def open(self, level, entry, target, close, amount):
        centres = target / BIN - 0.5
        lower = math.floor(centres)
        share = centres - lower
        close_bin = math.floor(close / BIN)
        nearest = min if self.side == "long" else max
        for b, part in ((lower, 1 - share), (lower + 1, share)):
            lot = Lot(
                nearest(b, close_bin),
                entry,
                level,
                amount * part,
                [life.amplitude for life in self.preset.lifetimes],
            )
            self.entered += lot.standing
            self.lots.append(lot)

    def standing(self):
        return sum(lot.standing for lot in self.lots)

    def by_bin(self):
        bins = {}
        for lot in self.lots:
            bins[lot.bin] = bins.get(lot.bin, 0.0) + lot.standing
        return bins


class Oracle:
    """Feed it candles as dicts of floats; `books` holds what stands."""

    def __init__(self, preset):
        self.preset = preset
        self.books = {side: Book(preset, side) for side in ("long", "short")}
        self.bars = []
        self.close = None
        self.open_interest = math.nan

    def mass(self, ts, quote):
        window = self.preset.norm_days * DAY_MS
        known = [v for t, v in self.bars if t >= ts - window]
        mean = math.fsum(known) / len(known) if known else 0.0
        if len(known) * self.preset.step_ms < self.preset.norm_min_days * DAY_MS or mean <= 0:
            return 0.0
        return (quote / mean) ** self.preset.volume_exponent * self.preset.step_ms / STEP_MS

    def opened(self, book, candle, liquidated):
        """Let a book follow the open interest; return the coins that are opened on its side."""
        now = candle["open_interest"]
        if math.isnan(now) or math.isnan(self.open_interest):
            return 0.0
        left = self.open_interest - liquidated
        if now < left:
            book.shrink(now / left)
            return 0.0
        colour = "long" if candle["close"] >= candle["open"] else "short"
        return 0.0 if self.preset.sides == "colour" and book.side != colour else now - left

    def feed(self, candle):
        ts = candle["ts"]
        logs = {name: math.log(candle[name]) for name in ("open", "high", "low", "close")}
        quote = candle["quote_volume"]
        if math.isnan(quote):
            quote = candle["volume"] * (candle["high"] + candle["low"] + candle["close"]) / 3
        volume = candle["volume"]
        logs["vwap"] = math.log(quote / volume) if volume > 0 and quote > 0 else logs["close"]
        mass = self.mass(ts, quote)
        traded = [logs[n] for n in ("open", "high", "low", "close")]
        traded += [] if self.close is None else [self.close]
        for book in self.books.values():
            before = book.swept
            book.sweep(min(traded), max(traded))
            liquidated = self.preset.feedback * (book.swept - before)
            book.take_profit(min(traded), max(traded))
            book.decay(ts - self.bars[-1][0] if self.bars else 0)
            if self.preset.fuel == "open_interest":
                mass = self.opened(book, candle, liquidated)
            book.enter(logs, mass)
        if not math.isnan(candle.get("open_interest", math.nan)):
            self.open_interest = candle["open_interest"]
        self.bars.append((ts, quote))
        self.close = logs["close"]
