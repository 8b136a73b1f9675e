"""What an operator reads while history is read, and once everything runs."""

import asyncio
from types import SimpleNamespace

from bot import entry
from bot.banner import beginning, some, waiting
from config.settings import SourceChoice


def test_a_start_says_what_it_reads():
    assert beginning(("BTCUSDT", "ETHUSDT"), ("binance", "okx"), days=45) == (
        "Reading 45 days of BTCUSDT, ETHUSDT from Binance, OKX; what was read before is kept, "
        "so only the first start takes long.\n"
    )
    many = [f"C{n}" for n in range(11)]
    assert some(many) == "C0, C1, C2, C3, C4, C5, C6, C7 and 3 more"
    assert some(many[:8]).endswith("C7")


def test_a_long_start_says_what_is_there():
    assert waiting(("A", "B", "C"), ("B",)) == "1 of 3 markets are there; still reading A, C"
    assert waiting(("A", "B"), ()) == "0 of 2 markets are there; still reading A, B"
    assert waiting(("A", "B"), ("A", "B")) == "2 of 2 markets are there; starting the rest"


async def test_lines_come_while_live_venues_are_read_and_not_in_a_replay(monkeypatch, capsys):
    monkeypatch.setattr(entry, "TELL_EVERY_S", 0.01)
    source = SimpleNamespace(symbols=("BTCUSDT", "ETHUSDT"), venues=("okx",), history_days=10)
    app = SimpleNamespace(kind=SourceChoice.LIVE, settings=SimpleNamespace(source=source))
    telling = asyncio.create_task(entry._tell(app, began=0.0))
    await asyncio.sleep(0.05)
    app.market = SimpleNamespace(symbols=("ETHUSDT",))
    await asyncio.sleep(0.05)
    assert not telling.done()
    telling.cancel()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("Reading 10 days of BTCUSDT, ETHUSDT from OKX;")
    assert printed[1].endswith("s  0 of 2 markets are there; still reading BTCUSDT, ETHUSDT")
    assert printed[-1].endswith("s  1 of 2 markets are there; still reading BTCUSDT")
    await entry._tell(SimpleNamespace(kind=SourceChoice.REPLAY), began=0.0)
    assert capsys.readouterr().out == ""
