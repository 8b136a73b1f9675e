"""Every venue that ccxt lists: its object is made, and says what it offers in the way that is read here."""

import pytest

from adapters.ccxt.calls import call
from adapters.ccxt.kit import CcxtKit
from adapters.ccxt.names import names
from adapters.ccxt.topics import EVERY_S, arguments


async def test_what_any_venue_offers_is_understood(library, make_known):
    read = 0
    for name in names():
        kit = CcxtKit(name)
        async with kit.client() as client:
            with pytest.raises(ValueError, match="not asked yet"):
                _ = client.exchange
            await client._called(
                call("safe_symbol_of_nobody", "BTC/USDT:USDT")
            )  # makes the object, asks nothing
            if not client.exchange.has.get("swap") or not client.has("fetchOHLCV"):
                continue
            read += 1
            known = make_known(venue=name)
            assert 1 <= kit.candles(known, 0, 0).size <= 1000
            kit.open_interest(known)
            kit.polls(known)
            for channel in kit.channels([known]):
                method, given = arguments(channel.topic)
                assert callable(getattr(client.exchange, method))
                assert "BTC/USDT:USDT" in str(given)
                assert method in EVERY_S or method.startswith("watch_")
            assert client.exchange.session is None  # nothing was opened
    assert read >= 40
