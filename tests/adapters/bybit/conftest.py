"""What tests of Bybit share: a few instruments, and frames as the venue writes them."""

import importlib.util
import json
import sys
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from adapters.bybit import rest
from adapters.bybit.listing import read_listing
from adapters.bybit.parse import Parser
from adapters.bybit.streams import Bybit
from adapters.instruments import Instrument, Instruments
from adapters.rest.verdicts import Answered, Outcome
from adapters.stream.dialect import Op

PEERS = Path(__file__).parents[2] / "peers"
DATA = Path(__file__).parents[2] / "data" / "bybit"
NOW = 1_760_000_000_000
"""Our clock in the tests, ms."""


def load(name):
    """Load a peer by its path: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, PEERS / f"{name}.py")
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


peer = load("bybit")


def instrument(native, symbol, base, quote="USDT", coins=1.0):
    return Instrument(
        venue="bybit", native=native, symbol=symbol, base=base, quote=quote, coins=coins, priced=coins
    )


KNOWN = Instruments(
    [
        instrument("BTCUSDT", "BTCUSDT", "BTC"),
        instrument("BTCPERP", "BTCUSDC", "BTC", "USDC"),
        instrument("LTCUSDT", "LTCUSDT", "LTC"),
        instrument("PIPPINUSDT", "PIPPINUSDT", "PIPPIN"),
        instrument("ROSEUSDT", "ROSEUSDT", "ROSE"),
        instrument("1000PEPEUSDT", "PEPEUSDT", "PEPE", coins=1000.0),
        instrument("SHIB1000USDT", "SHIBUSDT", "SHIB", coins=1000.0),
    ]
)


class Frames:
    """Frames in the shapes that the venue sends."""

    NOW, DATA = NOW, DATA

    @staticmethod
    def liquidations(*rows, topic="ROSEUSDT"):
        return json.dumps(
            {"topic": f"allLiquidation.{topic}", "type": "snapshot", "ts": NOW, "data": list(rows)}
        )

    @staticmethod
    def liquidation(**changed):
        return {"T": NOW - 375, "s": "ROSEUSDT", "S": "Sell", "v": "20000", "p": "0.04499"} | changed

    @staticmethod
    def ticker(kind="snapshot", topic="BTCUSDT", ts=NOW, **said):
        return json.dumps(
            {"topic": f"tickers.{topic}", "type": kind, "data": {"symbol": topic} | said, "cs": 1, "ts": ts}
        )

    @staticmethod
    def kline(topic="5.BTCUSDT", **changed):
        row = {
            "start": 1672324800000,
            "end": 1672325099999,
            "interval": "5",
            "open": "16649.5",
            "close": "16677",
            "high": "16677",
            "low": "16608",
            "volume": "2.081",
            "turnover": "34666.4005",
            "confirm": False,
            "timestamp": 1672324988882,
        } | changed
        return json.dumps({"topic": f"kline.{topic}", "data": [row], "ts": NOW, "type": "snapshot"})


@pytest.fixture(scope="session")
def frames():
    return Frames


@pytest.fixture(scope="session")
def known():
    return KNOWN


@pytest.fixture
def parser():
    return Parser()


@pytest.fixture
def read(parser, known):
    """Parse frames one after the other with one parser."""
    return lambda frame: parser.parse(frame, known, NOW)


@pytest.fixture(scope="session")
def btc():
    return KNOWN.native("BTCUSDT")


@pytest.fixture(scope="session")
def pepe():
    return KNOWN.native("1000PEPEUSDT")


@pytest.fixture(scope="session")
def answer():
    """Wrap a result as the venue does."""

    def make(rows=None, *, now=NOW, code=0, **result):
        held = {"category": "linear", **result} | ({} if rows is None else {"list": rows})
        return {"retCode": code, "retMsg": "OK", "result": held, "retExtInfo": {}, "time": now}

    return make


class Reader:
    """Calls, and one socket with the parser and the plan of the adapter."""

    def __init__(self, session, server, known):
        self.session = session
        self.server = server
        self.known = known
        self.dialect = Bybit(lambda: known)
        self.read = self.dialect.parser()
        self.numbers = count(1)
        self.socket = None

    async def get(self, call, *, worked_before=False, timeout_s=2.0):
        """Send a call as it is described, and return what was answered."""
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with self.session.request(
            call.method, self.server.url + call.path, params=call.query, timeout=timeout
        ) as response:
            body = await response.read()
            try:
                decoded = json.loads(body)
            except ValueError:
                decoded = None
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answered(
                status=response.status,
                headers=headers,
                body=body,
                decoded=decoded,
                worked_before=worked_before,
            )

    async def good(self, call):
        """Send a call that must be answered well, and return the decoded answer."""
        found = await self.get(call)
        assert rest.judge(found).outcome is Outcome.GOOD, found
        return found.decoded

    async def listing(self):
        """Return every page of contracts."""
        pages, cursor = [], ""
        while not pages or cursor:
            pages.append(read_listing(await self.good(rest.listing(cursor))))
            cursor = pages[-1].cursor
        return pages

    async def connect(self):
        self.socket = await self.session.ws_connect(self.server.ws_url)
        return self

    async def subscribe(self, topics, op=Op.SUBSCRIBE):
        """Ask for topics as the plan does; return the answers."""
        return [await self.ask(request.text) for request in self.dialect.requests(op, topics, self.numbers)]

    async def ask(self, text):
        await self.socket.send_str(text)
        while True:
            parsed = await self.next()
            if parsed.answers or parsed.alive:
                return parsed

    async def next(self, timeout_s=2.0):
        """Return what the next frame holds."""
        message = await self.socket.receive(timeout=timeout_s)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise EOFError(message.type)
        return self.read(message.data, NOW)


@pytest.fixture
def bybit():
    """The local venue's module, for servers of one's own."""
    return peer


@pytest.fixture
def make_reader():
    """Make a reader of a server of one's own."""
    return Reader


@pytest.fixture
async def server():
    server = await peer.Bybit().start()
    yield server
    await server.stop()


@pytest.fixture
async def reader(server, known):
    async with aiohttp.ClientSession() as session:
        yield Reader(session, server, known)


@pytest.fixture
async def stream(reader):
    """A reader with an open socket."""
    return await reader.connect()
