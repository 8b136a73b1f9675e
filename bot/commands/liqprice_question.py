"""Turn a `/liqprice` call into one position to ask about, or into a sentence about what is missing."""

from dataclasses import dataclass

from bot.commands.rule_read import given_of
from bot.commands.spec import Call, Incomplete, NearMiss
from bot.lang import _, speech
from bot.live.view import SymbolView
from bot.render import text
from engine.errors import UserError
from engine.margin.cross import Wallet, cross
from engine.margin.isolated import isolated
from engine.margin.model import Leg, Liquidation, Mode, Rules
from engine.margin.tiers import TierTable
from engine.margin.venues import rules_of
from engine.model import Side

MAX_LEVERAGE = 1000.0
DEFAULT_VENUE = "binance"
BUNDLES = (1_000.0, 10_000.0, 1_000_000.0)
"""How many coins venues bundle, whose prices people may type."""
NEAR = 2.5
CROSS_EXAMPLE = "/liqprice btc long 10x size=50k mode=cross balance=20k"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Hold one position to ask about.

    `live` says that the entry is the price now, `sized` that a size was given, `size_usd` what it was if it
    was given in dollars; `balance` is the wallet behind a cross position, None for an isolated one.
    """

    symbol: str
    rules: Rules
    table: TierTable
    leg: Leg
    leverage: float
    balance: float | None
    live: bool
    sized: bool
    size_usd: float | None

    def answer(self, rules: Rules | None = None) -> Liquidation:
        """Return where the position is liquidated, by the venue's rules or another reading of them."""
        by = rules or self.rules
        if self.balance is None:
            return isolated(by, self.table, self.leg, leverage=self.leverage)
        wallet = Wallet(self.balance)
        return cross(by, self.table, self.leg, wallet=wallet, leverage=self.leverage)

    def words(self) -> list[str]:
        """Return the words of a line that asks this again."""
        leg = self.leg
        entry = [] if self.live else [f"{leg.entry:.15g}"]
        venue = [] if self.rules.venue == DEFAULT_VENUE else [self.rules.venue]
        made = [self.symbol, leg.side.value, *entry, f"{self.leverage:g}x", *venue]
        if self.sized:
            made.append(f"size={self.size_usd:.15g}" if self.size_usd else f"qty={leg.quantity:.15g}")
        if self.balance is not None:
            made.append(f"balance={self.balance:.15g}")
        return made


def read_question(call: Call, symbol: str, view: SymbolView | None, table: TierTable) -> Question:
    """Return the position that a call asks about. Raise UserError where something is missing."""
    entry, leverage = call.number("entry"), call.number("leverage")
    if leverage is None:
        raise _no_leverage(call, symbol, entry)
    now = view.price if view and view.price > 0 else None
    price = now if entry is None else entry
    if entry is not None and now is not None and (bundle := _bundle(entry / now)):
        raise _of_bundle(call, symbol, entry, bundle)
    if price is None:
        raise UserError(
            _("{base} has no price now; say the entry.").format(base=text.base(symbol)),
            example=f"/liqprice {text.base(symbol).lower()} long 100 10x",
        )
    quantity = _quantity(call, price)
    leg = Leg(
        side=Side(call.text("side")),
        quantity=table.nominal_quantity(price) if quantity is None else quantity,
        entry=price,
    )
    return Question(
        symbol=symbol,
        rules=rules_of(table.venue),
        table=table,
        leg=leg,
        leverage=leverage,
        balance=_balance(call, sized=quantity is not None),
        live=entry is None,
        sized=quantity is not None,
        size_usd=call.number("size"),
    )


def _quantity(call: Call, price: float) -> float | None:
    """Return the coins of a position, None where no size was given."""
    size, quantity = call.number("size"), call.number("qty")
    if size is not None and quantity is not None:
        raise UserError(
            _("Say size in dollars or qty in coins, not both."), example="/liqprice btc long 10x 50k"
        )
    if quantity is not None and not quantity > 0:
        raise UserError(_("qty is more than 0."), example="/liqprice btc long 10x qty=0.5")
    return quantity if size is None else size / price


def _balance(call: Call, *, sized: bool) -> float | None:
    """Return the wallet balance of a cross position, None for an isolated one."""
    balance = call.number("balance")
    crossed = call.text("mode") == Mode.CROSS if call.has("mode") else balance is not None
    if crossed and balance is None:
        raise UserError(
            _("A cross position needs the balance of the wallet behind it."), example=CROSS_EXAMPLE
        )
    if crossed and not sized:
        raise UserError(
            _("A cross position needs its size: the wallet is all there is to compare."),
            example=CROSS_EXAMPLE,
        )
    if balance is not None and not crossed:
        raise UserError(_("A balance only matters in cross mode."), example=CROSS_EXAMPLE)
    return balance if crossed else None


def _bundle(times: float) -> float:
    """Return the coins of the bundle that a price is probably of, by how often it is the coin's; else 0."""
    return next((bundle for bundle in BUNDLES if bundle / NEAR < times < bundle * NEAR), 0.0)


def _of_bundle(call: Call, symbol: str, entry: float, bundle: float) -> NearMiss:
    """Ask for the price of one coin where that of a bundle was given, as contracts on 1000 coins have it."""
    base, leverage = text.base(symbol), call.number("leverage") or 10.0
    meant = f"{entry / bundle:.15f}".rstrip("0").rstrip(".")
    line = f"/liqprice {base.lower()} {call.text('side')} {meant} {leverage:g}x"
    told = _("Prices here are of one {base}; {entry} looks like that of {bundle}.").format(
        base=base, entry=speech().figure(f"{entry:.12g}"), bundle=speech().figure(f"{bundle:,.0f}")
    )
    return NearMiss(_("{what} Did you mean {meant}?").format(what=told, meant=meant), lines=(line,))


def _no_leverage(call: Call, symbol: str, entry: float | None) -> UserError:
    """Ask for the leverage; a number that was taken for the entry may have been meant as one."""
    base, side = text.base(symbol).lower(), call.text("side")
    if entry is not None and 1 <= entry <= MAX_LEVERAGE:
        line = f"/liqprice {base} {side} {entry:g}x"
        return NearMiss(
            _("With which leverage? {entry} was taken as the entry price.").format(
                entry=speech().figure(f"{entry:g}")
            ),
            lines=(line,),
        )
    given = "" if entry is None else f" {entry:.15g}"
    return Incomplete(
        _("/liqprice needs a leverage."),
        command=call.command,
        given=given_of(call),
        example=f"/liqprice {base} {side}{given} 10x",
        lacks="leverage",
    )
