"""Let somebody choose the model of a picture, and the weights of its levels."""

import math
from dataclasses import dataclass

import numpy as np

from bot.commands.context import Context
from bot.commands.spec import Choice, Kind, Parameter
from bot.live.view import SymbolView
from bot.live.window import ModelFeed
from bot.render import text
from engine.errors import UserError
from engine.model import DAY_MS, STEP_MS
from engine.presets import PRESETS, Fuel, with_weights

USUAL = "flow"
MODEL = Parameter(
    name="model",
    kind=Kind.CHOICE,
    description="How positions are estimated; flow measured best, zones and alerts always use it",
    choices=(
        Choice(value="flow", label="flow: from volume, measured best"),
        Choice(value="leverage", label="leverage: from open interest, a ladder of leverages"),
        Choice(value="simple", label="simple: the textbook's"),
    ),
)
WEIGHTS = Parameter(
    name="weights",
    kind=Kind.TEXT,
    description="Shares of 5x, 10x, 25x, 50x and 100x in leverage or simple, in percent",
    examples=("15/30/25/20/10",),
    named=True,
)
EXAMPLE = "/heatmap btc model=leverage weights=10/20/30/25/15"


@dataclass(frozen=True, slots=True, kw_only=True)
class Modelled:
    """A model chosen for one picture, and the candles it is fed with for it."""

    feed: ModelFeed
    label: str

    @property
    def days(self) -> float:
        """Return how many days of candles there are."""
        return len(self.feed.history) * STEP_MS / DAY_MS

    @property
    def about(self) -> str:
        """Return what the picture shows, in place of zones."""
        unit = "standing notional" if self.coins else "expected liquidations"
        return f"Model {self.label}: {unit}, zones not judged"

    @property
    def coins(self) -> bool:
        """Say whether the model follows open interest."""
        return self.feed.preset.fuel is Fuel.OPEN_INTEREST


async def modelled(
    ctx: Context, view: SymbolView, model: str, weights: str, window_ms: int
) -> Modelled | None:
    """Return the model that was chosen, None for the usual one, which is always there.

    Raise UserError for weights that do not fit, and where the market has no open interest to follow.
    """
    name = model or USUAL
    if name == USUAL and not weights:
        return None
    preset = PRESETS[name]
    label = name
    if weights:
        shares = shares_of(weights)
        preset = with_weights(preset, shares)
        label = f"{name} {'/'.join(f'{share * 100:g}' for share in shares)}"
    span_ms = window_ms + round(preset.warm_days * DAY_MS)
    history = await ctx.services.market.history(view.symbol, span_ms)
    if preset.fuel is Fuel.OPEN_INTEREST:
        known = np.flatnonzero(np.isfinite(history.open_interest))
        if not len(known):
            told = (
                f"{name} follows open interest, and there is none for {text.base(view.symbol)} at this time."
            )
            raise UserError(told, example="/heatmap btc")
        history = history[slice(int(known[0]), len(history))]
    return Modelled(feed=ModelFeed(preset=preset, history=history), label=label)


def shares_of(weights: str) -> list[float]:
    """Return weights as fractions: "15/30/25/20/10" and ".15 .3 .25 .2 .1" are the same."""
    pieces = weights.replace("/", " ").replace(",", " ").replace("%", " ").split()
    try:
        numbers = [float(piece) for piece in pieces]
    except ValueError:
        raise UserError(
            f"“{weights[:40]}” are no weights: numbers split by a slash.", example=EXAMPLE
        ) from None
    percent = any(math.isfinite(number) and number > 1 for number in numbers)
    return [number / 100 for number in numbers] if percent else numbers
