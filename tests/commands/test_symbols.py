"""Markets are found however they are written; a typo is offered, never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import symbols
from bot.commands.spec import NearMiss
from bot.commands.symbols import Markets
from engine.errors import UserError


def refusal(read, *args) -> UserError | None:
    """Return what a call is refused with, None where it is not; any other error fails the test."""
    try:
        read(*args)
    except UserError as error:
        return error
    return None


@pytest.mark.parametrize(
    "typed",
    [
        "btc",
        "BTC",
        "$btc",
        "#btc",
        "xbt",
        "XBTUSD",
        "bitcoin",
        "BTC-PERP",
        "btc/usdt",
        "btcusdt",
        "BTC_USDT",
        "btc-usd",
        "btcusd",
        "BTCUSDT.P",
        "BINANCE:BTCUSDT.P",
        "BTC-USDT-SWAP",
        "BTC/USDT:USDT",
        "BTC-PERPETUAL",
        "btcperp",
        "₿",
        " btc ",
    ],
)
def test_bitcoin_however_it_is_written(markets, typed):
    assert symbols.resolve(typed, markets) == "BTCUSDT"


@pytest.mark.parametrize(
    "typed",
    [
        "pepe",
        "1000pepe",
        "kPEPE",
        "kpepe",
        "kpepeusdt",
        "pepe1000",
        "1000000pepe",
        "PEPE-PERP",
        "1000PEPEUSDT",
        "PEPE-USDT-SWAP",
        "PEPEUSDT",
    ],
)
def test_bundles_are_found_by_their_coin(markets, typed):
    assert symbols.resolve(typed, markets) == "PEPEUSDT"


def test_not_every_k_is_a_thousand():
    with pytest.raises(UserError):
        symbols.resolve("kava", Markets(known=("AVAUSDT",)))
    assert symbols.resolve("kava", Markets(known=("AVAUSDT", "KAVAUSDT"))) == "KAVAUSDT"


def test_a_bundle_beside_another_coin_of_its_name_is_found_by_its_number():
    both = Markets(known=("BOBUSDT", "1000000BOBUSDT"))
    assert symbols.resolve("bob", both) == "BOBUSDT"
    assert symbols.resolve("1000000bob", both) == "1000000BOBUSDT"
    with pytest.raises(UserError):
        symbols.resolve("1000000bob", Markets(known=("BOBUSDT",)))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("bct", "btc"), ("btcc", "btc"), ("etg", "eth"), ("bitcion", "btc"), ("ethusdc", "eth")],
)
def test_a_typo_is_offered_and_not_taken(markets, typed, offered):
    with pytest.raises(NearMiss, match="Did you mean") as caught:
        symbols.resolve(typed, markets)
    assert caught.value.lines[0] == offered


def test_what_is_not_served_is_said_with_what_is(markets):
    with pytest.raises(UserError, match="I read BTC, ETH, SOL and PEPE") as caught:
        symbols.resolve("zzzzqq", markets)
    assert not isinstance(caught.value, NearMiss)
    with pytest.raises(UserError, match="No market is being read yet"):
        symbols.resolve("btc", Markets())
    many = Markets(known=tuple(f"C{n}USDT" for n in range(30)))
    with pytest.raises(UserError, match="30 markets"):
        symbols.resolve("zzzzqq", many)


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_in_any_other_way(text):
    served = Markets(known=("BTCUSDT", "ETHUSDT"), aliases={"bitcoin": "BTC"})
    refused = refusal(symbols.resolve, text, served)
    assert refused is None or len(refused.message) < 200
