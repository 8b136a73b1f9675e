"""Ask the venues what is not market data: margin tiers once a day, what some addresses hold once a minute."""

from dataclasses import dataclass
from typing import Self

from adapters.binance.brackets import Key
from adapters.live import LiveSource
from adapters.tiers import readers
from adapters.venue import Source
from bot.alerting.parts import wall_clock_ms
from bot.live.accounts import POLL_S, Accounts
from bot.live.tiers import CHECK_S, TierKeeper
from bot.scheduler import Scheduler
from config.settings import Settings
from config.tiers import TierBook
from storage.market import MarketStore
from storage.tiers import TierStore

HYPERLIQUID = "hyperliquid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiries:
    """Hold the book of margin tiers, and who renews it and reads accounts: nobody in a replay."""

    book: TierBook
    tiers: TierKeeper | None = None
    accounts: Accounts | None = None

    @classmethod
    async def open(cls, source: Source, store: MarketStore, settings: Settings) -> Self:
        """Return what there is to ask of a source, with the tiers in use that were read before."""
        book = TierBook()
        if not isinstance(source, LiveSource):
            return cls(book=book)
        tiers = TierKeeper(book, TierStore(store), source, readers(key_of(settings)), wall_clock_ms)
        await tiers.load()
        accounts = None
        if HYPERLIQUID in source.venues:
            accounts = Accounts(lambda: source.line(HYPERLIQUID), settings.hyperliquid.addresses)
        return cls(book=book, tiers=tiers, accounts=accounts)

    def schedule(self, scheduler: Scheduler) -> None:
        """Ask in the background, from the start on."""
        if self.tiers is not None:
            scheduler.every(CHECK_S, "margin tiers", self.tiers.refresh, at_once=True)
        if self.accounts is not None and self.accounts.addresses:
            scheduler.every(POLL_S, "accounts", self.accounts.poll, at_once=True)


def key_of(settings: Settings) -> Key | None:
    """Return the key for Binance's margin tiers, None where the settings have none."""
    name, secret = settings.binance.api_key, settings.binance.api_secret
    if name is None or secret is None:
        return None
    return Key(name=name.get_secret_value(), secret=secret.get_secret_value())
