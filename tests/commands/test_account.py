"""`/account`: what an address holds, and every way to be told no."""

from collections import Counter
from dataclasses import replace

import pytest

from adapters.hyperliquid.account import Account, Position
from adapters.parsed import Dropped
from bot.commands.dispatch import Commands
from bot.commands.limits import ASKED_EVERY_S
from engine.errors import UserError
from engine.margin.model import Mode
from engine.model import Side

USER = "0x" + "ab" * 20
BTC = Position(
    venue="hyperliquid",
    symbol="BTCUSDT",
    user=USER,
    ts=1_760_128_490_000,
    side=Side.LONG,
    quantity=0.5,
    entry=110_000.0,
    notional_usd=56_500.0,
    liquidation=101_700.0,
    leverage=20.0,
    mode=Mode.CROSS,
    margin_usd=2_825.0,
    pnl_usd=1_500.0,
)
PEPE = replace(
    BTC,
    symbol="PEPEUSDT",
    side=Side.SHORT,
    quantity=1e9,
    entry=0.0000125,
    notional_usd=12_300.0,
    liquidation=None,
    mode=Mode.ISOLATED,
    leverage=5.0,
    pnl_usd=-200.0,
)


class Known:
    """An account that is known without a venue."""

    def __init__(self, *positions, fail=None, dropped=None):
        self.found = Account(
            user=USER, ts=BTC.ts, value_usd=12_345.6, positions=positions, dropped=Counter(dropped or {})
        )
        self.fail = fail
        self.asked = []

    async def account(self, address):
        self.asked.append(address)
        if self.fail:
            raise self.fail
        return self.found


@pytest.fixture
def asking(desk):
    """Return a desk that is live and knows accounts."""

    def made(accounts):
        desk.market.source_kind = "live"
        desk.services = replace(desk.services, accounts=accounts, replay=None)
        desk.commands = Commands(desk.services, clock=lambda: desk.seconds[0])
        return desk

    return made


async def test_positions_come_with_their_true_liquidation_prices(asking):
    desk = asking(Known(PEPE, BTC))
    reply = await desk.ok(f"/account {USER}")
    assert reply.title == "0xabab…abab on Hyperliquid: 2 positions, $69K"
    first, second = (dict(zip(reply.table.headings, row, strict=True)) for row in reply.table.rows)
    assert first == {
        "Market": "BTC",
        "Side": "long",
        "Size": "0.5 BTC",
        "Entry": "$110,000.00",
        "Leverage": "20x cross",
        "Worth": "$56K",
        "Profit": "+$1.5K",
        "Liquidated at": "$101,700.00",
        "Distance": "−10.00%",
    }
    assert (second["Market"], second["Side"], second["Size"]) == ("PEPE", "short", "1e+09 PEPE")
    assert (second["Profit"], second["Liquidated at"], second["Distance"]) == ("−$200", "no price", "")
    assert "worth $12,346" in reply.text
    assert "Cross positions share one margin" in reply.text
    assert reply.ephemeral


async def test_nothing_open_and_what_could_not_be_read(asking):
    desk = asking(Known(dropped={Dropped.NOT_LINEAR: 2}))
    reply = await desk.ok(f"/account {USER}")
    assert reply.title == "0xabab…abab on Hyperliquid: nothing is open"
    assert "2 more could not be read" in reply.text
    assert reply.table is None


async def test_only_the_largest_of_many_are_shown(asking):
    many = [replace(BTC, notional_usd=float(usd)) for usd in range(1, 31)]
    reply = await asking(Known(*many)).ok(f"/account {USER}")
    assert len(reply.table.rows) == 20
    assert reply.table.rows[0][5] == "$30"
    assert "The 20 largest are shown" in reply.text


async def test_what_the_reader_refuses_is_told(asking):
    refusal = UserError("“x” is no Hyperliquid address.", example="/account 0x00")
    reply = await asking(Known(fail=refusal)).say("/account x")
    assert (reply.error, reply.example) == (refusal.message, "/account 0x00")


async def test_a_venue_is_not_asked_for_one_user_again_and_again(asking, me):
    known = Known(BTC)
    desk = asking(known)
    await desk.ok(f"/account {USER}")
    reply = await desk.commands.dispatch(f"/account {USER}", me)
    assert "Try again in 5 s" in reply.error
    assert len(known.asked) == 1
    desk.seconds[0] += ASKED_EVERY_S
    assert not (await desk.commands.dispatch(f"/account {USER}", me)).failed


async def test_a_replay_and_an_installation_without_the_venue_say_why_not(desk, asking):
    assert "a recording has none of it" in (await desk.say(f"/account {USER}")).error
    assert "LIQWATCH_VENUES" in (await asking(None).say(f"/account {USER}")).error
    assert (await desk.say("/account")).title == "Address?"
