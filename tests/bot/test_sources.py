"""Which venues can be read is said before anything starts."""

import pytest

from adapters.ccxt.kit import CcxtKit
from adapters.ccxt.names import installed
from adapters.kits import OkxKit
from bot import sources
from config.settings import Settings
from engine.errors import ConfigError


def with_venues(*names):
    usual = Settings()
    return usual.model_copy(update={"source": usual.source.model_copy(update={"venues": names})})


@pytest.fixture
def library():
    if not installed():
        pytest.skip("needs ccxt: pip install 'liqwatch[ccxt]'")


@pytest.fixture
def without(monkeypatch):
    monkeypatch.setattr(sources.ccxt_names, "names", tuple)


def test_any_name_that_ccxt_knows_is_a_venue(library):
    native, other = sources.kits_of(with_venues("okx", "gate"))
    assert isinstance(native, OkxKit)
    assert isinstance(other, CcxtKit)
    assert (native.venue, other.venue) == ("okx", "gate")


def test_an_unknown_name_is_told_with_those_that_are_near(library):
    with pytest.raises(ConfigError) as error:
        sources.check_venues(with_venues("okx", "gatte", "bybitt"))
    words = str(error.value)
    assert "gatte cannot be read" in words
    assert "Did you mean gate" in words
    assert "bybitt cannot be read" in words
    assert "Did you mean bybit" in words


def test_without_ccxt_it_is_said_how_to_install_it(without):
    sources.check_venues(with_venues("okx", "hyperliquid"))
    with pytest.raises(ConfigError) as error:
        sources.kits_of(with_venues("okx", "gate", "binnance"))
    words = str(error.value)
    assert "gate is none of binance, bybit, okx, hyperliquid" in words
    assert "pip install 'liqwatch[ccxt]'" in words
    assert "Did you mean binance" in words
