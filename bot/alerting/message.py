"""Say an alert in two or three lines: what happened, what it means, where it comes from. Pure functions.

Texts are plain; a channel escapes and decorates them. Nothing here is advice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.alerting.facts import zone_to_json
from bot.alerting.freshness import FROM, TO, TOLD
from bot.alerting.rules.fires import ALSO, ASKED, FOLLOW_UP, LATE_FROM, LATE_TO, LIMITS, NOTE, PREDICTED
from bot.alerting.rules.fires import TOLD as TOLD_BY_RULE
from bot.alerting.words import base, clock, moment, percent, price, span, usd
from bot.lang import _, ngettext, speech
from bot.lang.choice import CHOSEN
from engine.model import HOUR_MS, Fire, Severity, Side, Zone
from engine.rules.now import say_away

PICTURE_WINDOW_MS = 24 * HOUR_MS
DIGEST_LINES = 12
"""How many alerts a digest names one by one."""

Rows = tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What an alert says, before any channel dresses it. `buttons` are rows of (label, action).

    `figures` are the numbers of the text as (label, value), for channels that show them side by side.
    """

    kind: str
    severity: Severity
    symbol: str
    title: str
    text: str
    market_ms: int
    label: str = ""
    buttons: Rows = ()
    folded: int = 0
    zone: Zone | None = None
    picture: bool = True
    figures: tuple[tuple[str, str], ...] = ()

    def as_json(self, *, silent: bool = False, note: str = "") -> dict[str, Any]:
        """Return the form in which the outbox keeps it."""
        zone = zone_to_json(self.zone) if self.zone else None
        asked = {"symbol": self.symbol, "window_ms": PICTURE_WINDOW_MS, "zone": zone}
        return {
            "kind": self.kind,
            "severity": self.severity.value,
            "symbol": self.symbol,
            "title": self.title,
            "text": self.text,
            "market_ms": self.market_ms,
            "label": self.label,
            "buttons": [[list(button) for button in row] for row in self.buttons],
            "folded": self.folded,
            "picture": asked if self.picture and self.symbol else None,
            "silent": silent,
            "note": note,
            "figures": [list(figure) for figure in self.figures],
            **({} if speech().code == "en" else {CHOSEN: speech().code}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What a message of one alert is made from. `fire` leads it; `latest` is the newest that rides along.

    `folded` counts those that ride along; `label` is the source line, empty when live; `tz` the owner's zone.
    """

    alert_id: str
    fire: Fire
    label: str = ""
    tz: str = "UTC"
    folded: int = 0
    latest: Fire | None = None


def tell(telling: Telling) -> Message:
    """Return the message of one alert, with what rides along."""
    fire = telling.fire
    title = headline(fire)
    lines = [*_body(fire), *_reasons(fire), *_missing(fire, telling.tz)]
    if telling.folded:
        title = f"{title} ×{telling.folded + 1}"
        lines.append(_since(telling))
    lines.append(_source(fire, telling))
    return Message(
        kind=fire.kind,
        severity=fire.severity,
        symbol=fire.symbol,
        title=title,
        text="\n".join(lines),
        market_ms=fire.ts,
        label=telling.label,
        buttons=_buttons(telling),
        folded=telling.folded,
        zone=fire.zone,
        figures=_figures(fire),
    )


def headline(fire: Fire) -> str:
    """Return the one line that says it all: "BTC is 0.8% above a $42M long zone"."""
    coin, told = base(fire.symbol), dict(fire.facts).get(TOLD_BY_RULE)
    if told is not None:
        return str(told)
    if fire.zone is None:
        return f"{coin}: {fire.kind.replace('_', ' ')}"
    distance = fire.zone.distance(fire.price)
    away = percent(distance) if distance else ""
    return say_away(coin, fire.zone, fire.price, usd=usd(fire.zone.notional_usd), away=away)


def _body(fire: Fire) -> list[str]:
    """Return what the zone is, and what it would mean to get there."""
    zone = fire.zone
    if zone is None:
        return []
    swept = dict(fire.facts).get(PREDICTED)
    long, where = zone.side is Side.LONG, f"{price(zone.low)}–{price(zone.high)}"
    if swept is not None:
        of_longs = _("{range}: about {usd} of longs were expected to be liquidated there.")
        said = of_longs if long else _("{range}: about {usd} of shorts were expected to be liquidated there.")
        return [said.format(range=where, usd=usd(float(swept)))]
    if zone.share >= 0.005:
        of_longs = _("{range}: about {usd} of longs, {share} of the long side nearby.")
        said = of_longs if long else _("{range}: about {usd} of shorts, {share} of the short side nearby.")
    else:
        said = _("{range}: about {usd} of longs.") if long else _("{range}: about {usd} of shorts.")
    share = speech().percent(f"{zone.share * 100:.0f}")
    size = said.format(range=where, usd=usd(zone.notional_usd), share=share)
    return [size, _meaning(zone.side)]


def _figures(fire: Fire) -> tuple[tuple[str, str], ...]:
    """Return price, distance, zone and its dollars, as far as the alert has them."""
    found = [(_("Price"), price(fire.price))] if fire.price > 0 else []
    if fire.zone is not None:
        zone = fire.zone
        found += [
            (_("Distance"), percent(zone.distance(fire.price))),
            (_("Zone"), f"{price(zone.low)}–{price(zone.high)}"),
            (_("Longs there") if zone.side is Side.LONG else _("Shorts there"), usd(zone.notional_usd)),
        ]
    return tuple(found)


def _reasons(fire: Fire) -> list[str]:
    """Return what else is true, what was asked, what was liquidated since, how sure that is, and the note."""
    facts = dict(fire.facts)
    said = {
        ALSO: "{told}",
        ASKED: _("Your alert: {told}"),
        FOLLOW_UP: _("Three minutes later: {told}"),
        LIMITS: "{told}",
        NOTE: _("Note: {told}"),
    }
    return [line.format(told=_ended(str(facts[name]))) for name, line in said.items() if facts.get(name)]


def _ended(words: str) -> str:
    """Return words with a mark at their end."""
    return words if words.endswith((".", "!", "?", "…", "。", "！", "？")) else f"{words}."


def _missing(fire: Fire, tz: str) -> list[str]:
    """Return from when to when there was no data, of an alert that comes after an outage."""
    facts = dict(fire.facts)
    if LATE_FROM in facts and LATE_TO in facts:
        begin, end = span(int(facts[LATE_FROM]), int(facts[LATE_TO]), tz)
        return [_("Crossed while Liqwatch was down, between {begin} and {end}.").format(begin=begin, end=end)]
    if FROM not in facts or TO not in facts:
        return []
    begin, end = clock(int(facts[FROM]), tz), clock(int(facts[TO]), tz)
    return [
        _("Data was missing from {begin} to {end}: what price did in between was not seen.").format(
            begin=begin, end=end
        )
    ]


def _meaning(side: Side) -> str:
    if side is Side.LONG:
        return _("If price falls into it, these longs are sold off by force, which can deepen the fall.")
    return _("If price climbs into it, these shorts are bought back by force, which can lift it further.")


def _since(telling: Telling) -> str:
    """Return what has ridden along: "6 more since; at 20:41 UTC: BTC is 0.3% above a $38M long zone"."""
    more = ngettext("{count} more since", "{count} more since", telling.folded).format(count=telling.folded)
    if telling.latest is None:
        return f"{more}."
    return _("{more}; at {time}: {headline}.").format(
        more=more, time=clock(telling.latest.ts, telling.tz), headline=headline(telling.latest)
    )


def _source(fire: Fire, telling: Telling) -> str:
    """Return the line of price, time and source."""
    when = telling.label or moment(int(dict(fire.facts).get(TOLD, fire.ts)), telling.tz)
    return _("Price {price} · {when}").format(price=price(fire.price), when=when) if fire.price > 0 else when


def _buttons(telling: Telling) -> Rows:
    fire = telling.fire
    rule = str(fire.rule_id)
    return (
        ((_("Snooze 1 h"), f"v1:alert:snooze:{rule}:for=1h"), (_("Pause"), f"v1:alert:pause:{rule}")),
        (
            (_("Chart"), f"v1:heatmap:-:{fire.symbol}:24h"),
            *(((_("Before, after"), f"v1:swept:-:{fire.symbol}"),) if PREDICTED in dict(fire.facts) else ()),
            (_("Why?"), f"v1:alert:why:{telling.alert_id}"),
        ),
        (
            (_("Useful"), f"v1:alert:useful:{telling.alert_id}"),
            (_("Not useful"), f"v1:alert:useless:{telling.alert_id}"),
        ),
    )


def tell_test(telling: Telling) -> Message:
    """Return the message of a test: the look of a real one, marked so that nobody takes it for one."""
    real, says = tell(telling), telling.fire.zone or telling.fire.facts
    about = _("This is how alert {rule_id} reaches you here.").format(rule_id=telling.fire.rule_id)
    return Message(
        kind="test",
        severity=real.severity,
        symbol=real.symbol,
        title=_("Test alert, nothing has happened: {title}").format(title=real.title)
        if says
        else _("Test alert"),
        text=_("{about} It counts for no limit.\n{text}").format(about=about, text=real.text),
        market_ms=real.market_ms,
        label=real.label,
        buttons=real.buttons[:-1],  # nothing has happened that could be judged
        zone=real.zone,
        figures=real.figures,
    )


def tell_digest(fires: Sequence[Fire], *, now_ms: int, label: str, tz: str) -> Message:
    """Return one message for what had gone to the digest, newest first."""
    newest = sorted(fires, key=lambda f: (-f.ts, -f.severity.rank))
    coins = list(dict.fromkeys(base(f.symbol) for f in newest))
    lines = [f"{moment(f.ts, tz)} · {headline(f)}" for f in newest[:DIGEST_LINES]]
    if len(newest) > DIGEST_LINES:
        lines.append(_("and {count} more: /alert history").format(count=len(newest) - DIGEST_LINES))
    lines.append(label or moment(now_ms, tz))
    title = ngettext(
        "Your digest: {count} alert on {coins}", "Your digest: {count} alerts on {coins}", len(newest)
    ).format(count=len(newest), coins=", ".join(coins))
    return Message(
        kind="digest",
        severity=Severity.INFO,
        symbol=newest[0].symbol if len(coins) == 1 else "",
        title=title,
        text="\n".join(lines),
        market_ms=now_ms,
        label=label,
        buttons=(((_("History"), "v1:alert:history"),),),
        picture=len(coins) == 1,
    )
