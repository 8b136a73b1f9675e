"""Let somebody choose the model of a picture, and the weights of its levels."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from bot.commands.context import Context
from bot.commands.spec import Choice, Command, Kind, Parameter
from bot.lang import N_, _, said
from bot.live.view import SymbolView
from bot.live.window import ModelFeed
from bot.render import text
from engine.errors import UserError
from engine.model import DAY_MS, STEP_MS, Candles
from engine.presets import PRESETS, Fuel, Preset, with_weights

FOLLOWED = "flow"
"""The model of zones and alerts, which is always there."""
MODEL = Parameter(
    name="model",
    kind=Kind.CHOICE,
    description=N_("How positions are estimated; flow measured best, zones and alerts always use it"),
    choices=(
        Choice(value="flow", label=N_("flow: from volume, measured best")),
        Choice(value="leverage", label=N_("leverage: from open interest, a ladder of leverages")),
        Choice(value="simple", label=N_("simple: the textbook's")),
    ),
    default=FOLLOWED,
)
WEIGHTS = Parameter(
    name="weights",
    kind=Kind.TEXT,
    description=N_("Weights of its levels: in leverage and simple, percent of 5x, 10x, 25x, 50x and 100x"),
    examples=("15/30/25/20/10",),
    named=True,
)
EXAMPLE = "/heatmap btc model=leverage weights=10/20/30/25/15"


KNOWN_MS = 100 * DAY_MS
"""How far back is looked for candles: columns are made from all there are, and sources keep no more."""
ROOM = 26
"""Letters of a label that leave room in a picture for what is said beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modelled:
    """A model chosen for one picture, and the candles it is fed with; `label` names it and its weights."""

    feed: ModelFeed
    label: str

    @property
    def days(self) -> float:
        """Return how many days of candles the model is fed with in all, as its picture's columns are."""
        return len(self.feed.history) * STEP_MS / DAY_MS

    @property
    def warm(self) -> bool:
        """Say whether there is as much history as a picture of this model should have."""
        return self.days >= self.feed.preset.warm_days

    @property
    def short(self) -> str:
        """Return the label where there is little room: weights are counted where they would fill it."""
        name = self.feed.preset.name
        if self.label == name or len(self.label) <= ROOM:
            return self.label
        return _("{name}, {count} own weights").format(name=name, count=len(self.feed.preset.levels))

    @property
    def about(self) -> str:
        """Return what the picture shows, in place of zones."""
        unit = _("standing notional") if self.coins else _("expected liquidations")
        return _("Model {short}: {unit}, zones not judged").format(short=self.short, unit=unit)

    @property
    def coins(self) -> bool:
        """Say whether the model follows open interest."""
        return self.feed.preset.fuel is Fuel.OPEN_INTEREST


def offering(command: Command, presets: Mapping[str, Preset], usual: str) -> Command:
    """Return a command whose model may be any of `presets`, and is `usual` where none is asked for."""
    if MODEL not in command.parameters:
        return command
    own = [Choice(value=name, label=_label(p)) for name, p in presets.items() if name not in PRESETS]
    model = replace(MODEL, choices=(*MODEL.choices, *own), default=usual)
    return replace(command, parameters=tuple(model if p is MODEL else p for p in command.parameters))


def _label(preset: Preset) -> str:
    """Say what a model of an installation's own is made from."""
    mass = N_("open interest") if preset.fuel is Fuel.OPEN_INTEREST else N_("volume")
    return said("{name}: of this installation, from {mass}", name=preset.name, mass=mass)


class Past(Protocol):
    """Be a market whose candles can be had."""

    async def history(self, symbol: str, span_ms: int) -> Candles:
        """Return the closed candles of the span that ends now."""


async def modelled(
    ctx: Context, view: SymbolView, name: str, weights: str, window_ms: int
) -> Modelled | None:
    """Return the model that a command's caller chose; see `pick`."""
    services = ctx.services
    return await pick(services.presets, services.market, view.symbol, (name, weights), window_ms)


async def pick(
    presets: Mapping[str, Preset], market: Past, symbol: str, asked: tuple[str, str], window_ms: int
) -> Modelled | None:
    """Return the model of a name, with weights as they are typed; None for the one that is followed anyway.

    Raise UserError for a model that is not there, for weights that do not fit, and where the market has no
    open interest to follow.
    """
    name, weights = asked
    if name == FOLLOWED and not weights:
        return None
    if name not in presets:
        raise UserError(
            _("There is no model {name}; there are: {models}.").format(
                name=repr(name[:40]), models=", ".join(presets)
            ),
            example=EXAMPLE,
        )
    preset = presets[name]
    label = name
    if weights:
        shares = shares_of(weights)
        preset = with_weights(preset, shares)
        label = f"{name} {'/'.join(f'{share * 100:g}' for share in shares)}"
    history = await market.history(symbol, max(KNOWN_MS, window_ms + round(preset.warm_days * DAY_MS)))
    if preset.fuel is Fuel.OPEN_INTEREST:
        known = np.flatnonzero(np.isfinite(history.open_interest))
        if not len(known):
            told = _("{name} follows open interest, and there is none for {base} at this time.").format(
                name=name, base=text.base(symbol)
            )
            raise UserError(told, example=f"/heatmap {text.base(symbol).lower()} model={FOLLOWED}")
        history = history[slice(int(known[0]), len(history))]
    return Modelled(feed=ModelFeed(preset=preset, history=history), label=label)


def shares_of(weights: str) -> list[float]:
    """Return weights as fractions: "15/30/25/20/10" and ".15 .3 .25 .2 .1" are the same."""
    pieces = weights.replace("/", " ").replace(",", " ").replace("%", " ").split()
    try:
        numbers = [float(piece) for piece in pieces]
    except ValueError:
        raise UserError(
            _("“{weights}” are no weights: numbers split by a slash.").format(weights=weights[:40]),
            example=EXAMPLE,
        ) from None
    percent = any(math.isfinite(number) and number > 1 for number in numbers)
    return [number / 100 for number in numbers] if percent else numbers
