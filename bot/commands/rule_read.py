"""Understand what an alert is to watch: a line or fields -> a market and a rule, or a sentence that helps."""

from dataclasses import dataclass, replace
from typing import Any

from bot.commands import symbols, values, words
from bot.commands.context import Context
from bot.commands.rule_parts import FIELDS, NONE
from bot.commands.spec import Call, NearMiss
from bot.commands.symbols import Markets
from bot.lang import _
from bot.render import text
from engine.errors import UserError
from engine.model import Severity
from engine.rules.condition import kinds
from engine.rules.conditions.zone_proximity import ZoneProximity
from engine.rules.expression import Leaf, Repeat, Spec, lacking, leaves
from engine.rules.phrases import TRY
from engine.rules.sentence import lacking_sentence
from engine.rules.stored import stored
from engine.rules.text import read_rule
from storage.rules import OWN, ZONE_PROXIMITY, watch_params

EXAMPLE = "btc falls 3% in 15m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """Be what a line said: the coin as it was typed, "" where none was, and the rule."""

    coin: str
    spec: Spec


def typed_line(call: Call) -> str:
    """Return the condition of a call as one line: what was typed, or a type with its fields."""
    if not call.has("type"):
        return call.text("when")
    fields = [f"{p.name}={call.text(p.name)}" for p in FIELDS if call.has(p.name) and p.name != "with"]
    return " ".join(filter(None, (call.text("type"), call.text("when"), *fields, call.text("with"))))


def understood(line: str, head: str, now_ms: int, feeds: frozenset[str] | None = None) -> Understood:
    """Return what a line says; UserError with an example that begins with `head` and works with `feeds`."""
    try:
        found = read_rule(line.replace(">=", ">").replace("<=", "<"), now_ms=now_ms)
    except UserError as error:
        message, _, better = error.message.partition(TRY)
        example = better.partition(" (")[0].rstrip(".") or error.example or EXAMPLE
        if not _works(example, feeds):
            example = EXAMPLE
        raise UserError(f"{message.rstrip('.')}.", example=f"{head} {example}") from None
    return Understood(coin=found.coin, spec=found.spec)


def feeds_of(ctx: Context) -> frozenset[str]:
    """Return the kinds of fact that this installation has, by name."""
    return frozenset(feed.value for feed in ctx.services.market.feeds)


def _works(line: str, feeds: frozenset[str] | None) -> bool:
    """Say whether a line can be read, and served with what there is."""
    try:
        return feeds is None or not lacking(read_rule(line, now_ms=0).spec.when, feeds)
    except UserError:
        return False


def market_of(ctx: Context, call: Call, coin: str) -> str:
    """Return the market that an alert is about, "" where none is named and the user has no usual one."""
    named = call.text("symbol")
    if not coin:
        return named or ctx.prefs.symbol
    market = ctx.services.market
    try:
        found = symbols.resolve(coin, Markets(known=tuple(market.listed), aliases=ctx.services.aliases))
    except NearMiss as error:
        raise error.within(lambda piece: line_with(call, coin, piece)) from None
    if named and named != found:
        raise UserError(
            _("This names two markets: {base} and {base2}.").format(
                base=text.base(named), base2=text.base(found)
            ),
            example=f"/{call.command.name} {EXAMPLE}",
        )
    return found


def coin_alone(ctx: Context, line: str) -> str:
    """Return the market that a line names and nothing else; empty where it says more, or something else."""
    market = ctx.services.market
    if len(line.split()) > 1:
        return ""
    try:
        return symbols.resolve(line, Markets(known=tuple(market.listed), aliases=ctx.services.aliases))
    except UserError:
        return ""


def line_with(call: Call, coin: str, better: str) -> str:
    """Return a call as a line with another coin."""
    given = given_of(call)
    return line_of(
        call.command.name, given | {"when": given.get("when", "").lower().replace(coin, better, 1)}
    )


def given_of(call: Call) -> dict[str, str]:
    """Return what a call was given as it is typed, by name, so that it can be asked again."""
    shown = {
        p.name: values.typed(p, call.values[p.name]) for p in call.command.parameters if p.name in call.given
    }
    return {name: value for name, value in shown.items() if name != "save"}


def line_of(command: str, given: dict[str, str]) -> str:
    """Return the line that asks for a command with values: "/alert add btc falls 3% in 15m severity=info"."""
    loose = ("id", "name", "code", "when")
    first = [given[name] for name in loose if given.get(name)]
    named = [f'{n}="{v}"' if " " in v else f"{n}={v}" for n, v in given.items() if n not in loose and v]
    return " ".join([f"/{command}", *first, *named])


def with_common(ctx: Context, call: Call, spec: Spec) -> Spec:
    """Return a rule with what a call says about the whole of it; UserError where it does not fit."""
    changes: dict[str, Any] = {}
    if call.has("for"):
        changes["for_ms"] = call.whole("for")
    if call.has("hysteresis"):
        none = call.text("hysteresis") == NONE
        changes["hysteresis"] = 0.0 if none else call.number("hysteresis")
    if call.has("expires"):
        changes["expires_ms"] = ctx.now_ms + call.whole("expires") if call.whole("expires") else None
    if call.has("severity"):
        changes["severity"] = Severity(call.text("severity"))
    if call.has("repeat"):
        changes["repeat"] = Repeat(call.text("repeat"))
    if call.has("note"):
        changes["note"] = "" if call.text("note").lower() == NONE else call.text("note")
    return replace(spec, **changes)


def checked(ctx: Context, spec: Spec, symbol: str) -> None:
    """Raise UserError where a rule could never become true here: a feed or a venue is not there."""
    missing = lacking(spec.when, feeds_of(ctx))
    for kind, feeds in missing.items():
        raise UserError(lacking_sentence(kinds()[kind], feeds), example=f"/alert add {EXAMPLE}")
    read = ctx.services.market.venues_of(symbol)
    for leaf in leaves(spec.when):
        if leaf.venue and leaf.venue not in read:
            told = words.joined(list(read), "or")
            raise UserError(
                _("{base} is not read from {venue} here, but from {what}.").format(
                    base=text.base(symbol), venue=leaf.venue, what=told
                )
            )


def near_a_zone(spec: Spec) -> ZoneProximity | None:
    """Return the condition of an alert about zones one by one, None for any other.

    Such an alert is what `/watch` makes: each zone that price nears is told by itself.
    """
    if not isinstance(spec.when, Leaf) or not isinstance(spec.when.condition, ZoneProximity):
        return None
    plain = spec.for_ms == 0 and spec.repeat is Repeat.ALWAYS and spec.expires_ms is None
    return spec.when.condition if plain else None


def columns(spec: Spec, *, quiet_critical: bool = False) -> tuple[str, dict[str, Any]]:
    """Return the kind and the parameters under which a rule is kept."""
    near = near_a_zone(spec)
    if near is None:
        return stored(spec, quiet_critical=quiet_critical)
    give_back = ZoneProximity.hysteresis if spec.hysteresis is None else spec.hysteresis
    params = watch_params(
        {spec.severity: near.within},
        hysteresis=round(near.within * give_back, 8),
        min_notional_usd=near.min_usd,
        side=near.side,
        quiet_critical=quiet_critical,
    )
    return ZONE_PROXIMITY, params | {OWN: True}
