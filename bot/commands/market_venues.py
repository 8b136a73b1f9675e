"""Put side by side what each venue says of one market, and sum it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.commands import venues_asked, words
from bot.commands.context import Context
from bot.commands.reply import Table
from bot.lang import N_, _, speech
from bot.live.view import SymbolView
from bot.render import text
from engine.model import Tick
from storage.venue_reads import Carried, Paid
from storage.venues import Facts

UNKNOWN = "–"
HEADINGS = (
    N_("Venue"),
    N_("Price"),
    N_("24 h volume"),
    N_("Open interest"),
    N_("Funding"),
    N_("Long/short"),
    N_("Share"),
)
RATE_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueLine:
    """What one venue says of a market; None where it does not say."""

    venue: str
    price: float | None
    volume_usd: float | None
    carried: Carried | None
    paid: Paid | None
    ratio: float | None
    share: float | None


def lines_of(
    view: SymbolView, facts: Facts, ticks: Mapping[str, Tick], shares: Mapping[str, float]
) -> list[VenueLine]:
    """Return a line for each venue of a view."""
    return [
        VenueLine(
            venue=venue,
            price=_price(view, facts, ticks.get(venue), venue),
            volume_usd=facts.traded[venue].volume_usd if venue in facts.traded else None,
            carried=facts.carried.get(venue),
            paid=facts.paid.get(venue),
            ratio=facts.ratios.get(venue),
            share=shares.get(venue),
        )
        for venue in view.venues
    ]


def _price(view: SymbolView, facts: Facts, tick: Tick | None, venue: str) -> float | None:
    """Return a venue's newest price: its last one, else that of its last candle."""
    traded = facts.traded.get(venue)
    if tick is not None and (traded is None or tick.ts >= traded.close_ts):
        return tick.price
    if traded is not None:
        return traded.close
    return view.price if view.venues == (venue,) else None


def table(lines: Sequence[VenueLine]) -> Table:
    """Return the venues side by side."""
    return Table(
        headings=tuple(map(_, HEADINGS)),
        rows=tuple(_row(line) for line in lines),
        numeric=tuple(map(_, HEADINGS[1:])),
        brief=tuple(map(_, (HEADINGS[0], HEADINGS[1], HEADINGS[4]))),
    )


def _row(line: VenueLine) -> tuple[str, ...]:
    return (
        venues_asked.title(line.venue),
        UNKNOWN if line.price is None else text.price(line.price),
        UNKNOWN if line.volume_usd is None else text.money(line.volume_usd),
        _carried(line),
        UNKNOWN if line.paid is None else rate(line.paid),
        UNKNOWN if line.ratio is None else f"{line.ratio:.2f}",
        venues_asked.share(line.share) if line.share else UNKNOWN,
    )


def _carried(line: VenueLine) -> str:
    """Return a venue's open interest in dollars, and its change in a day where that is known."""
    if line.carried is None or line.price is None:
        return UNKNOWN
    told = text.money(line.carried.coins * line.price)
    before = line.carried.coins_before
    return f"{told} {text.percent(line.carried.coins / before - 1)}" if before else told


def rate(paid: Paid) -> str:
    """Return a funding rate and how often it is paid: "0.0100%/8h"."""
    sign = text.MINUS if paid.rate < 0 else ""
    often = f"/{paid.interval_h:g}h" if paid.interval_h else ""
    return f"{sign}{abs(paid.rate) * 100:.{RATE_DIGITS}f}%{often}"


def volume_usd(view: SymbolView, lines: Sequence[VenueLine]) -> float | None:
    """Return the dollars traded in a day on all these venues; None where a venue's are not known."""
    if len(lines) == 1:
        return view.volume_24h_usd if view.volume_24h_usd is not None else lines[0].volume_usd
    known = [line.volume_usd for line in lines if line.volume_usd is not None]
    return sum(known) if len(known) == len(lines) else None


def open_interest(view: SymbolView, lines: Sequence[VenueLine]) -> tuple[float, float | None] | None:
    """Return the coins of open interest on all these venues that say it, and their change in a day."""
    if len(lines) == 1 and view.open_interest is not None:
        return view.open_interest, view.oi_change_24h
    known = [line.carried for line in lines if line.carried is not None]
    if not known:
        return None
    pairs = [(each.coins, each.coins_before) for each in known if each.coins_before]
    before = sum(then for _, then in pairs if then)
    change = sum(now for now, _ in pairs) / before - 1 if before else None
    return sum(each.coins for each in known), change


def funding_year(lines: Sequence[VenueLine]) -> float | None:
    """Return the funding of a year, each venue weighing by its open interest; None where nobody says it."""
    paid = [(line.paid, line.carried) for line in lines if line.paid is not None]
    rates = [(each.apr, carried.coins if carried else 0.0) for each, carried in paid if each.apr is not None]
    if not rates:
        return None
    whole = sum(coins for _unused, coins in rates)
    return sum(apr * (coins / whole if whole > 0 else 1 / len(rates)) for apr, coins in rates)


def funding_fields(ctx: Context, lines: Sequence[VenueLine]) -> tuple[tuple[str, str], ...]:
    """Return the funding of a year, and when it is paid next."""
    paid = [(line.paid, line.carried) for line in lines if line.paid is not None]
    if not paid:
        return ()
    coming = [each.funding_ts for each, _unused in paid if each.funding_ts > ctx.now_ms]
    due = _(", next in {ago}").format(ago=words.ago(min(coming) - ctx.now_ms)) if coming else ""
    told = []
    if len(paid) == 1:
        told.append(rate(paid[0][0]))
    if (year := funding_year(lines)) is not None:
        told.append(_("{change} a year").format(change=text.change(year)))
    found = [(_("Funding"), ", ".join(told) + due)] if told else []
    ratios = [line.ratio for line in lines if line.ratio is not None]
    if len(lines) == 1 and ratios:
        found.append(
            (_("Long/short"), _("{ratios} accounts").format(ratios=speech().figure(f"{ratios[0]:.2f}")))
        )
    return tuple(found)
