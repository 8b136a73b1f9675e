"""Symbols are followed because somebody asks, within a limit, and left when nobody does any more."""

import asyncio

import pytest

from bot.live import following as module
from bot.live.following import Following
from engine.errors import UserError


class Exchange:
    """A market that lists a few symbols and knows some of them."""

    def __init__(self):
        self.listed = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")
        self.followed = ["BTCUSDT"]
        self.known = {"BTCUSDT"}
        self.left = []
        self.load_s = 0.05

    def has(self, symbol):
        return symbol in self.known

    def follow(self, symbol):
        self.followed.append(symbol)
        asyncio.get_running_loop().call_later(self.load_s, self.known.add, symbol)

    async def leave(self, symbol):
        self.followed.remove(symbol)
        self.known.discard(symbol)
        self.left.append(symbol)


@pytest.fixture
def exchange():
    return Exchange()


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def following(exchange, clock):
    return Following(exchange, ("BTCUSDT",), most=3, monotonic=clock)


async def test_who_asks_for_a_listed_symbol_gets_it(exchange, following):
    await following.ensure("SOLUSDT")
    assert exchange.has("SOLUSDT")
    await following.ensure("SOLUSDT")
    assert exchange.followed == ["BTCUSDT", "SOLUSDT"]


async def test_a_symbol_that_is_not_listed_is_for_others_to_refuse(exchange, following):
    await following.ensure("NOSUCHUSDT")
    await following.ensure("all")
    assert exchange.followed == ["BTCUSDT"]


async def test_one_that_loads_slowly_is_told_and_goes_on_loading(exchange, following, clock):
    exchange.load_s = 0.3
    asking = asyncio.create_task(following.ensure("SOLUSDT"))
    await asyncio.sleep(0.1)
    clock.now += module.PATIENCE_S + 1
    with pytest.raises(UserError, match="SOLUSDT is being loaded"):
        await asking
    await asyncio.sleep(0.3)
    await following.ensure("SOLUSDT")


async def test_no_more_are_followed_than_may_be(exchange, following):
    for symbol in ("SOLUSDT", "ETHUSDT"):
        await following.ensure(symbol)
    with pytest.raises(UserError, match="3 markets are the most"):
        await following.ensure("DOGEUSDT")
    assert "DOGEUSDT" not in exchange.followed


async def test_what_nobody_has_asked_for_gives_way_but_never_what_is_watched(exchange, following, clock):
    await following.ensure("SOLUSDT", "local:a")
    clock.now += 1
    await following.ensure("ETHUSDT", "local:b")
    await following.sweep({"SOLUSDT": 1})
    clock.now += module.GIVES_WAY_S
    with pytest.raises(UserError, match="3 markets are the most"):
        await following.ensure("DOGEUSDT", "local:a")
    clock.now += 2
    await following.ensure("DOGEUSDT", "local:a")
    assert exchange.left == ["ETHUSDT"]
    assert exchange.followed == ["BTCUSDT", "SOLUSDT", "DOGEUSDT"]


async def test_one_user_does_not_take_all_the_room(exchange, clock):
    coins = [f"C{number}USDT" for number in range(module.EACH + 2)]
    exchange.listed = ("BTCUSDT", *coins)
    exchange.load_s = 0.0
    following = Following(exchange, ("BTCUSDT",), most=100, monotonic=clock)
    for coin in coins[: module.EACH]:
        await following.ensure(coin, "local:greedy")
    with pytest.raises(UserError, match="you have brought in 10 markets"):
        await following.ensure(coins[-1], "local:greedy")
    await following.ensure(coins[0], "local:greedy")  # what is there is for everybody
    await following.ensure(coins[-1], "local:other")
    clock.now += module.IDLE_S + 1
    await following.sweep({})
    await following.ensure(coins[-2], "local:greedy")


async def test_what_nobody_wants_is_left_and_what_somebody_watches_stays(exchange, following, clock):
    await following.ensure("SOLUSDT")
    await following.ensure("ETHUSDT")
    assert await following.sweep({"ETHUSDT": 2}) == ()
    clock.now += module.IDLE_S - 10
    await following.ensure("SOLUSDT")
    clock.now += 20
    assert await following.sweep({"ETHUSDT": 2}) == ()
    clock.now += module.IDLE_S
    assert await following.sweep({"ETHUSDT": 2}) == ("SOLUSDT",)
    assert exchange.followed == ["BTCUSDT", "ETHUSDT"]
    assert await following.sweep({}) == ("ETHUSDT",)
    assert await following.sweep({}) == ()  # those of the settings stay
    await following.ensure("SOLUSDT")
    assert exchange.has("SOLUSDT")
