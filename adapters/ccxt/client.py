"""Ask a venue through ccxt: the one place that touches the library, which may not be installed.

A call's path is the name of ccxt's method and its body the arguments. Retries, memory of final answers,
pages and health are those of every other venue; how often may be asked is ccxt's to know.
"""

import asyncio
import importlib
from collections.abc import Mapping
from typing import Any, Self

import structlog

from adapters.ccxt.verdicts import Failure
from adapters.health import Health
from adapters.rest.calls import Call, Site
from adapters.rest.client import RestClient
from adapters.rest.verdicts import Answered
from adapters.rest.waiting import Backoff, Clock

log = structlog.get_logger(__name__)

TIMEOUT_S = 15.0
"""How long a call may take, waiting for ccxt's own rate limit included."""
LOAD_S = 60.0
"""How long the list of markets may take: it is several calls at some venues."""
CLOSE_S = 1.0
"""How long closing may take."""


def only_swaps(options: object) -> dict[str, object]:
    """Return the options that let the list of markets be that of swaps alone, as far as a venue has such."""
    asked = options.get("fetchMarkets") if isinstance(options, dict) else None
    types = asked.get("types", asked) if isinstance(asked, dict) else asked
    found: dict[str, object] = {"defaultType": "swap"}
    if isinstance(types, list):
        kept = [each for each in types if each in ("swap", "linear")]
        if kept:
            found["fetchMarkets"] = {"types": kept} if isinstance(asked, dict) else kept
    return found


def exchange_of(name: str, config: Mapping[str, object]) -> Any:  # noqa: ANN401 - ccxt has no types
    """Return ccxt's object for a venue, not connected; the streaming one where there is one."""
    streaming = importlib.import_module("ccxt.pro")
    make = getattr(streaming, name, None) or getattr(importlib.import_module("ccxt.async_support"), name)
    exchange = make(
        {"enableRateLimit": True, "timeout": round(TIMEOUT_S * 1000), "newUpdates": True, **config}
    )
    exchange.options.update(only_swaps(exchange.options))
    exchange.has["fetchCurrencies"] = False  # nothing of coins and their networks is needed
    return exchange


def _refused() -> None:
    """Take ccxt's `open` place once it is closed."""
    raise ConnectionError("closed")


class CcxtClient(RestClient):
    """Ask one venue through ccxt, for everybody. `config` goes to ccxt as it is, such as other `urls`."""

    def __init__(
        self,
        site: Site,
        config: Mapping[str, object],
        *,
        clock: Clock | None = None,
        health: Health | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        super().__init__(site, clock=clock, health=health, backoff=backoff)
        self._name = site.venue
        self._config = config
        self._exchange: Any = None
        self._making = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Do nothing yet: ccxt's object is made, and connects, when the venue is first asked."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.open = _refused  # what the library still has under way would connect anew
            exchange.timeout_on_exit = 0
            try:
                async with asyncio.timeout(CLOSE_S):
                    await exchange.close()
            except Exception as error:  # noqa: BLE001 - whatever the library raises, the end goes on
                log.warning("ccxt.not_closed", venue=self._name, why=Failure.of(error).words[:300])

    @property
    def exchange(self) -> Any:  # noqa: ANN401 - ccxt has no types
        """Return ccxt's object; raise ValueError before the first call and after the end."""
        if self._exchange is None:
            raise ValueError("the venue was not asked yet")
        return self._exchange

    def has(self, method: str, *, emulated: bool = False) -> bool:
        """Say whether the venue has a method, by ccxt's name of it (`fetchTime`); or an emulation of it."""
        told = self.exchange.has.get(method)
        return told is True or (emulated and told == "emulated")

    def takes_until(self, method: str) -> bool:
        """Say whether a method of ccxt for this venue takes the end of a range: its code alone tells."""
        own = getattr(self.exchange, method).__code__
        inner = (getattr(self.exchange, name, None) for name in own.co_names if name.startswith("fetch_"))
        codes = (own, *(each.__code__ for each in inner if each is not None))
        return any("until" in code.co_consts or "handle_until_option" in code.co_names for code in codes)

    async def measure_skew(self) -> float:
        """Return the venue's clock less ours, ms, asked anew where the venue tells its time."""
        return await super().measure_skew() if self.has("fetchTime") else self.skew_ms

    def page_size(self, method: str, usual: int) -> int:
        """Return how many rows ccxt says a call gives at most."""
        known: object = self.exchange.features
        for name in ("swap", "linear", method, "limit"):
            known = known.get(name) if isinstance(known, dict) else None
        return known if isinstance(known, int) and known > 0 else usual

    async def _send(self, call: Call) -> Answered:
        """Call ccxt; what it raises comes back as a Failure. Raise TimeoutError where it takes too long."""
        work = asyncio.create_task(self._called(call))
        try:
            await asyncio.wait({work}, timeout=call.timeout_s)
            if not work.done():
                raise TimeoutError
            if work.cancelled():  # by ccxt itself, as when somebody else's wait for the same is over
                return Answered(status=200, decoded=Failure(kinds=("NetworkError",), words=""))
            return Answered(status=200, decoded=work.result())
        finally:
            work.cancel()

    async def _called(self, call: Call) -> object:
        try:
            async with self._making:
                if self._exchange is None:
                    self._exchange = await asyncio.to_thread(exchange_of, self._name, self._config)
            answer: object = await getattr(self._exchange, call.path[1:])(**(call.body or {}))
        except Exception as error:  # noqa: BLE001 - judged: what the library raises comes back as a Failure
            return Failure.of(error)
        return answer
