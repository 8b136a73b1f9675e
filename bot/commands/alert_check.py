"""Answer `/alert check`: which of one's alerts are true now, and which have just become true."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bot.commands import rule_words, words
from bot.commands.alerts import none_yet
from bot.commands.amounts import DAY_MS, MINUTE_MS
from bot.commands.context import Context
from bot.commands.reply import File, Reply, Table, Tone
from bot.commands.spec import Call, Choice, Command, Kind, Parameter
from bot.lang import N_, _, ngettext
from bot.render import text
from engine.errors import UserError
from engine.model import STEP_MS, Severity
from engine.rules.conditions.zone_proximity import ZoneProximity
from engine.rules.dry_run import DryRun
from engine.rules.expression import Leaf, Spec
from engine.rules.sentence import feeds_told
from engine.rules.text import write_rule
from storage.rules import list_rules, to_watch
from storage.tables import Rule

FRESH_MS = MINUTE_MS
FILE = "alert-check.jsonl"
WINDOW = Parameter(
    name="window",
    kind=Kind.DURATION,
    description=N_("How lately an alert must have become true to count as fired, 5m to 1d"),
    default=STEP_MS,
    low=STEP_MS,
    high=DAY_MS,
    unit="time",
    examples=("5m", "1h"),
)
FORM = Parameter(
    name="as",
    kind=Kind.CHOICE,
    description=N_("Whether a file of JSON lines comes along"),
    default="words",
    choices=(
        Choice(value="words", label=N_("words alone")),
        Choice(value="json", label=N_("with JSON lines")),
    ),
    examples=("json",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One alert, or one step of a watch, as it stands; `run` is None where `why` says what is lacking."""

    rule: Rule
    spec: Spec
    run: DryRun | None
    why: str = ""

    def fired(self, window_ms: int) -> tuple[int, ...]:
        """Return when it became true in the window that ends with what is stored."""
        if self.run is None:
            return ()
        return tuple(ts for ts in self.run.times if ts >= self.run.until_ms - window_ms)


async def check(ctx: Context, call: Call) -> Reply:
    """Try each alert on what is stored now; nothing is sent, and nothing is remembered of it."""
    owner, window_ms = ctx.caller.user_id, call.whole("window")
    mine = await ctx.services.state.read(lambda session: list_rules(session, owner))
    alive = [rule for rule in mine if rule.ended_ms is None]
    if not alive:
        raise none_yet()
    found = [await _checked(ctx, rule, spec) for rule in alive for spec in steps(rule)]
    true = sum(each.run is not None and each.run.true is True for each in found)
    fired = [each for each in found if each.fired(window_ms)]
    just = _("{count} became true in the last {duration}").format(
        count=len(fired), duration=words.duration(window_ms)
    )
    said = ngettext(
        "{true} of {count} condition true now, {just}",
        "{true} of {count} conditions true now, {just}",
        len(found),
    )
    return Reply(
        command="alert check",
        title=said.format(true=true, count=words.count(len(found)), just=just),
        text=_("Tried on stored candles; the check itself sends nothing. What is paused is tried too."),
        table=Table(
            headings=(_("No."), _("Alert"), _("Now"), _("Became true last")),
            rows=tuple(_row(ctx, each) for each in found),
            numeric=(_("No."),),
        ),
        files=(_file(ctx, found, window_ms),) if call.text("as") == "json" else (),
        tone=Tone.WARN if fired else Tone.PLAIN,
    )


def steps(rule: Rule) -> list[Spec]:
    """Return what an alert asks, a watch once for each of its steps, the worst first."""
    if not rule_words.is_watch(rule):
        return [rule_words.spec(rule)]
    watch = to_watch(rule)
    return [
        Spec(
            when=Leaf(ZoneProximity(within=within, side=watch.side, min_usd=watch.min_notional_usd)),
            hysteresis=min(watch.hysteresis / within, 1.0),
            severity=severity,
        )
        for severity, within in watch.within
    ]


async def _checked(ctx: Context, rule: Rule, spec: Spec) -> Checked:
    try:
        run = await ctx.services.dry.run(spec, rule.symbol, fresh_ms=FRESH_MS)
    except UserError as error:
        return Checked(rule=rule, spec=spec, run=None, why=error.message)
    if run.lacking:
        why = _("nothing is stored of {feeds}").format(feeds=feeds_told(run.lacking))
        return Checked(rule=rule, spec=spec, run=None, why=why)
    return Checked(rule=rule, spec=spec, run=run)


def _row(ctx: Context, each: Checked) -> tuple[str, ...]:
    state = rule_words.state(ctx, each.rule)
    shown = f"{words.severity(each.spec.severity)}: {_asks(each)}"
    if not rule_words.awake(ctx, each.rule):
        shown = f"{shown} ({state})"
    last = ctx.moment(each.run.times[-1]) if each.run and each.run.times else "–"
    return str(each.rule.rule_id), shown, _now(each), last


def _asks(each: Checked) -> str:
    """Return what is asked as a line that would make it: "BTC within 1% of zone"."""
    coin = text.base(each.rule.symbol)
    line = write_rule(replace(each.spec, hysteresis=None, severity=Severity.WARNING), coin.lower())
    return f"{coin} {line.removeprefix(coin.lower()).strip()}"


def _now(each: Checked) -> str:
    if each.run is None:
        return _("unknown: {why}").format(why=each.why)
    return {True: _("true"), False: _("not true"), None: _("unknown: too little is stored")}[each.run.true]


def _file(ctx: Context, found: Sequence[Checked], window_ms: int) -> File:
    """Return the same as JSON lines, for scripts."""
    lines = [json.dumps(_object(ctx, each, window_ms), ensure_ascii=False) for each in found]
    return File(content="\n".join(lines).encode(), name=FILE, media_type="application/x-ndjson")


def _object(ctx: Context, each: Checked, window_ms: int) -> dict[str, Any]:
    run, fired = each.run, each.fired(window_ms)
    return {
        "alert": each.rule.rule_id,
        "symbol": each.rule.symbol,
        "severity": each.spec.severity.value,
        "asks": _asks(each),
        "state": rule_words.state(ctx, each.rule),
        "true": None if run is None else run.true,
        "fired": bool(fired),
        "fired_at": [_iso(ts) for ts in fired],
        "last_at": _iso(run.times[-1]) if run and run.times else None,
        "until": _iso(run.until_ms) if run else None,
        "why": each.why,
    }


def _iso(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat()


COMMANDS = (
    Command(
        noun="alert",
        verb="check",
        description=N_("Try your alerts once on what is stored now, without sending anything"),
        run=check,
        parameters=(WINDOW, FORM),
        examples=("/alert check", "/alert check 1h"),
    ),
)
