"""Every venue that is read says how much of its liquidations is seen; none is called whole that is not."""

from adapters.coverage import COVERAGE, CoverageKind, coverage, limits_of
from adapters.hyperliquid.streams import PARTIAL
from adapters.titles import entitled, title
from adapters.venue import Feed
from bot.sources import NATIVE


def test_every_venue_with_an_adapter_says_how_much_is_seen() -> None:
    assert set(NATIVE) <= set(COVERAGE)
    assert coverage("hyperliquid").sentence == PARTIAL[Feed.LIQUIDATIONS]


def test_a_venue_that_nobody_described_is_not_called_whole() -> None:
    found = coverage("bitget")
    assert found.kind is CoverageKind.UNKNOWN
    assert not found.full
    assert "Bitget" in found.sentence


def test_limits_are_named_once_each_and_whole_venues_not_at_all() -> None:
    told = limits_of(["okx", "bybit", "binance", "okx"])
    assert told == (coverage("okx").sentence, coverage("binance").sentence)
    assert limits_of(["bybit"]) == ()


def test_venues_are_called_as_they_write_themselves() -> None:
    assert [title(name) for name in ("binance", "bybit", "okx", "hyperliquid", "bitmex", "bitget")] == [
        "Binance",
        "Bybit",
        "OKX",
        "Hyperliquid",
        "BitMEX",
        "Bitget",
    ]
    assert title("") == ""
    assert entitled("okx does not answer", "okx") == "OKX does not answer"
    assert entitled("okxy does not answer", "okx") == "okxy does not answer"
