"""Hold the settings of each venue that has an adapter of its own, one frozen class a section."""

from typing import Any, Self

from pydantic import model_validator

from config.fields import Hint, Section, setting
from config.kinds import HTTP_ADDRESS, WS_ADDRESS, AddressList, Secret


def _rest_url(url: str, name: str, env: str) -> Any:  # noqa: ANN401 - what `setting` returns
    hint = Hint("an http or https address", url, env=env)
    return setting(url, f"where {name}'s REST API is", hint, pattern=HTTP_ADDRESS)


def _ws_url(url: str, name: str, env: str) -> Any:  # noqa: ANN401 - what `setting` returns
    hint = Hint("a ws or wss address", url, env=env)
    return setting(url, f"where {name}'s streams are", hint, pattern=WS_ADDRESS)


class BinanceSettings(Section):
    """Binance USD-M futures."""

    rest_url: str = _rest_url("https://fapi.binance.com", "Binance", "BINANCE_REST_URL")
    ws_url: str = setting(
        "wss://fstream.binance.com/market/stream",
        "where Binance's market streams are; on another path nothing ever comes",
        Hint(
            "a ws or wss address with /market in its path",
            "wss://fstream.binance.com/market/stream",
            env="BINANCE_WS_URL",
        ),
        pattern=r"^wss?://[^\s/?#]+(/[^\s?#]*)?/market(/[^\s?#]*)?$",
    )
    api_key: Secret = setting(
        None,
        "key that may read, to renew Binance's margin tiers each day; without one the shipped table is used",
        Hint("an API key that may only read, with its secret", "(your key)", env="BINANCE_API_KEY"),
    )
    api_secret: Secret = setting(
        None,
        "secret of that key",
        Hint("the secret of the API key", "(its secret)", env="BINANCE_API_SECRET"),
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.api_key is None) != (self.api_secret is None):
            missing = "api_key" if self.api_key is None else "api_secret"
            raise ValueError(f"wants {missing} too: set both of api_key and api_secret, or neither")
        return self


class BybitSettings(Section):
    """Bybit linear contracts."""

    rest_url: str = _rest_url("https://api.bybit.com", "Bybit", "BYBIT_REST_URL")
    ws_url: str = _ws_url("wss://stream.bybit.com/v5/public/linear", "Bybit", "BYBIT_WS_URL")


class OkxSettings(Section):
    """OKX swaps."""

    rest_url: str = _rest_url("https://www.okx.com", "OKX", "OKX_REST_URL")
    ws_url: str = _ws_url("wss://ws.okx.com", "OKX", "OKX_WS_URL")


class HyperliquidSettings(Section):
    """Hyperliquid perpetuals."""

    rest_url: str = _rest_url("https://api.hyperliquid.xyz", "Hyperliquid", "HYPERLIQUID_REST_URL")
    ws_url: str = _ws_url("wss://api.hyperliquid.xyz/ws", "Hyperliquid", "HYPERLIQUID_WS_URL")
    addresses: AddressList = setting(
        (),
        "addresses whose positions are read each minute; the liquidations of the first two are followed too",
        Hint(
            "at most 100 different addresses, 0x and 40 hexadecimal digits, split by commas",
            "0x0000000000000000000000000000000000000001",
            env="HYPERLIQUID_ADDRESSES",
        ),
        max_length=100,
    )
