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


@pytest.mark.parametrize("typed", ["pepe", "1000pepe", "kPEPE", "PEPE-PERP", "1000PEPEUSDT"])
def test_contracts_on_a_thousand_coins(markets, typed):
    assert symbols.resolve(typed, markets) == "1000PEPEUSDT"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("bct", "btc"), ("btcc", "btc"), ("etg", "eth"), ("bitcion", "btc"), ("ethusdc", "eth")],
)
def test_a_typo_is_offered_and_not_taken(markets, typed, offered):
    with pytest.raises(NearMiss, match="Did you mean") as caught:
        symbols.resolve(typed, markets)
    assert caught.value.lines[0] == offered


def test_what_is_not_served_is_said_with_what_is(markets):
    with pytest.raises(UserError, match="I read BTC, ETH, SOL and 1000PEPE") as caught:
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
