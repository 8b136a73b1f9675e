"""Answer `/zones`: the dense zones near the price, as a picture and in a table."""

from dataclasses import replace

from bot.commands import ids, venues_asked
from bot.commands.context import Context
from bot.commands.parts import (
    SHARE,
    SIDE,
    SYMBOL,
    dollars,
    rows,
    shares_of,
    side_of,
    stale_notice,
    symbol_of,
    view_among,
)
from bot.commands.pictures import LAYOUT, card, dressed
from bot.commands.reach import reach
from bot.commands.reply import Button, Image, Reply, Table
from bot.commands.spec import Call, Command, Cost, Kind, Parameter, Visibility, Who
from bot.commands.venues_asked import EXCHANGE
from bot.lang import N_, _, speech
from bot.live.view import SymbolView
from bot.render import text
from bot.render.zones_request import ZonesRequest
from engine.model import Side, Zone

WANTED_H = 48
FULL_H = 21 * 24
COUNT = Parameter(
    name="count",
    kind=Kind.INTEGER,
    description=N_("How many zones on each side, nearest first"),
    default=5,
    low=1,
    high=15,
    unit="zones",
    examples=("3", "10"),
)
HEADINGS = (N_("Side"), N_("Price range"), N_("Distance"), N_("Notional"), N_("Age"), N_("Share"))


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with the zones nearest to the price, in the order of their prices."""
    symbol = symbol_of(ctx, call)
    venues = venues_asked.chosen(ctx.services.market, call, symbol)
    view = await view_among(ctx, symbol, venues)
    side = side_of(call.text("side"))
    chosen = _chosen(view, side, call.whole("count"))
    lines = [
        _("Price {dollars}{interpolated}.").format(
            dollars=dollars(view.price), interpolated=_interpolated(view)
        )
    ]
    if shares := shares_of(ctx, view):
        lines.append(
            _("Venues' part of the whole: {shares}.").format(shares=venues_asked.shares(dict(shares)))
        )
    if awaited := [each for each in ctx.services.market.awaited(symbol) if not venues or each in venues]:
        lines.append(
            _("{titles} gave too little yet to have a part.").format(titles=venues_asked.titles(awaited))
        )
    if told := await reach(ctx, view, chosen):
        lines.append(told)
    lines += _notes(view, side, chosen)
    images, without = await _picture(ctx, call, view, chosen)
    lines += without
    again = [word for word in (*_again(symbol, call), venues_asked.word(venues)) if word]
    heatmap = [word for word in (symbol, venues_asked.word(venues)) if word]
    return Reply(
        command="zones",
        title=_("{base} zones").format(base=text.base(symbol))
        + (f", {venues_asked.titles(venues)}" if venues else ""),
        text="\n".join(lines),
        table=_table(ctx, view, chosen) if chosen else None,
        images=images,
        buttons=rows(
            [
                Button(label=_("Refresh"), action=ids.action("zones", "", *again, edits=True)),
                Button(label=_("Heatmap"), action=ids.action("heatmap", "", *heatmap)),
                Button(
                    label=_("Watch {base}").format(base=text.base(symbol)),
                    action=ids.action("watch", "", symbol),
                ),
            ]
        ),
        price=view.price,
        notice=stale_notice(ctx, view),
    )


def _again(symbol: str, call: Call) -> tuple[str, ...]:
    return (symbol, call.text("side"), str(call.whole("count")), call.text("layout"))


async def _picture(
    ctx: Context, call: Call, view: SymbolView, zones: list[Zone]
) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    """Return the card of these zones, nothing where there are none, or why there is no picture."""
    if not zones or view.zones is None:
        return (), ()
    request = replace(
        dressed(ctx, ZonesRequest.of(view, now_ms=ctx.now_ms), view, call.text("layout")),
        zones=tuple(zones),
        known=view.zones.threshold_ready,
        samples_h=view.zones.samples_h,
        side=side_of(call.text("side")),
    )
    return await card(ctx, request)


def _interpolated(view: SymbolView) -> str:
    return _(", interpolated within its candle") if view.interpolated else ""


def _chosen(view: SymbolView, side: Side | None, count: int) -> list[Zone]:
    """Return the nearest zones of each side asked for, highest price first."""
    if view.zones is None:
        return []
    found: list[Zone] = []
    for each in Side:
        if side in (None, each):
            near = sorted(view.zones.by_side(each), key=lambda z: z.distance(view.price))
            found += near[:count]
    return sorted(found, key=lambda z: -z.peak)


def _table(ctx: Context, view: SymbolView, zones: list[Zone]) -> Table:
    several = len(view.venues) > 1
    return Table(
        headings=(*map(_, HEADINGS), *((_("Most on"),) if several else ())),
        rows=tuple((*_row(ctx, view.price, z), *((_most_on(z),) if several else ())) for z in zones),
        numeric=tuple(map(_, HEADINGS[2:])),
        brief=tuple(map(_, HEADINGS[1:4])),
    )


def _most_on(zone: Zone) -> str:
    """Return the venue that has most of a zone, and its part of it."""
    if not zone.venue_share:
        return ""
    venue, part = max(zone.venue_share, key=lambda pair: pair[1])
    return f"{venues_asked.title(venue)} {venues_asked.share(part)}"


def _row(ctx: Context, price: float, zone: Zone) -> tuple[str, ...]:
    return (
        "↓ " + _("longs") if zone.side is Side.LONG else "↑ " + _("shorts"),
        f"{text.price(zone.low)} – {text.price(zone.high)}",
        distance(zone, price),
        text.money(zone.notional_usd),
        ctx.age(zone.born_ts),
        text.share(zone.share) if zone.share > 0 else "<1%",
    )


def distance(zone: Zone, price: float) -> str:
    """Return how far a zone's nearer edge is, with its direction; "here" inside it."""
    away = zone.distance(price)
    if away == 0:
        return _("here")
    return text.percent(away if zone.low > price else -away)


def _notes(view: SymbolView, side: Side | None, chosen: list[Zone]) -> list[str]:
    """Return what a reader must know before trusting the table."""
    judged = view.zones
    if judged is None:
        return [_("No zones yet: the history is still being read.")]
    if not judged.threshold_ready:
        return [
            _("No zones yet: judging what is dense takes {wanted_h} hours, there are {samples_h}.").format(
                wanted_h=WANTED_H, samples_h=judged.samples_h
            )
        ]
    notes = []
    if not chosen:
        nothing = {
            None: _("Nothing denser than usual nearby: no level stands out from the last days."),
            Side.LONG: _(
                "Nothing denser than usual nearby below the price: no level stands out from the last days."
            ),
            Side.SHORT: _(
                "Nothing denser than usual nearby above the price: no level stands out from the last days."
            ),
        }
        notes.append(nothing[side])
    if judged.samples_h < FULL_H:
        notes.append(
            _("Judged on {samples_h} of 21 days of history.").format(
                samples_h=speech().figure(f"{judged.samples_h / 24:.1f}")
            )
        )
    if not view.warm:
        notes.append(
            _("The book is young: {history_days} of 7 days.").format(
                history_days=speech().figure(f"{view.history_days:.1f}")
            )
        )
    return notes


COMMANDS = (
    Command(
        noun="zones",
        description=N_(
            "Show the dense liquidation zones near the price: range, distance, dollars, age, share"
        ),
        run=show,
        parameters=(SYMBOL, SIDE, COUNT, EXCHANGE, LAYOUT, SHARE),
        aliases=("zone", "levels", "liqs"),
        examples=("/zones btc", "/zones eth side=short count=3", "/zones btc exchange=binance"),
        visibility=Visibility.SHAREABLE,
        cost=Cost.PICTURE,
        who=Who.EVERYONE,
    ),
)
