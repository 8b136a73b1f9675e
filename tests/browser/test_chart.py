"""The live chart, as a visitor sees it."""

import base64
import importlib.util
from pathlib import Path

import pytest

from bot.web.encode import Frame, pack

pytestmark = pytest.mark.browser

_spec = importlib.util.spec_from_file_location("grids", Path(__file__).parents[1] / "web" / "test_encode.py")
grids = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(grids)

COLOURS = (Path(__file__).parent / "colours.js").read_text()


async def test_the_page_draws_the_chart_without_a_complaint(desk):
    assert await desk.page.evaluate(COLOURS) > 60
    assert await desk.text("#price") == "$112,000"
    assert await desk.text("#change") == "−3.11%"
    assert await desk.text("#source") == "REPLAY 2025-10-10 20:35 UTC"
    assert await desk.text(".advice") == "Estimates from public data, not advice"
    assert "of price" in await desk.text("#legend-unit")
    assert await desk.page.get_attribute(".tv", "href") == "https://www.tradingview.com/"
    await desk.until("document.querySelector('#light').dataset.state === 'live'")
    await desk.page.wait_for_timeout(300)
    await desk.picture("desktop")
    await desk.clean()


async def test_the_first_frame_comes_soon(desk):
    assert (
        await desk.page.evaluate("window.__liqwatch.firstFrameMs") < 3000
    )  # the goal is 700, see bench first


async def test_what_the_chart_shows_is_also_said_in_words(desk):
    words = await desk.until("document.querySelector('#summary').textContent")
    assert "BTC at 112,000" in words
    assert "Nearest zone above: $38M of shorts" in words
    assert "Nearest zone below: $55M of longs" in words


async def test_another_model_than_flow_is_named_on_the_chart(visit, serve, desk):
    assert not await desk.page.is_visible("#note")
    other = await visit((await serve(usual="leverage")).base)
    await other.open()
    await other.until("!document.querySelector('#note').hidden")
    assert await other.text("#note") == "Model leverage: standing notional. Zones and alerts use flow"
    await other.picture("usual")
    await other.clean()


async def test_the_cross_hair_reads_time_price_and_dollars(desk):
    await desk.page.mouse.move(400, 300)
    readout = await desk.until("document.querySelector('#readout').innerText")
    assert "UTC" in readout
    assert "longs" in readout
    assert "shorts" in readout
    assert "per $" in readout


async def test_symbol_and_window_change_and_stay_in_the_address(desk):
    await desk.market("ether")
    await desk.until("document.querySelector('#price').textContent === '$4,000.0'")
    frames = await desk.page.evaluate("window.__liqwatch.frames")
    await desk.page.click("#windows button[data-value='7d']")
    await desk.until(f"window.__liqwatch.frames > {frames}")
    assert desk.page.url.endswith("/?symbol=ETH&window=7d")
    await desk.page.reload()
    await desk.until("document.querySelector('#price').textContent === '$4,000.0'")
    assert await desk.page.get_attribute("#windows button[data-value='7d']", "aria-checked") == "true"
    await desk.clean()


async def test_a_link_leads_to_its_symbol_and_window(visit, site):
    page = await visit(site.base)
    await page.open("/?symbol=eth&window=3d")
    await page.until("document.querySelector('#price').textContent === '$4,000.0'")
    assert await page.text("#symbol-text") == "ETH"


async def test_prices_and_candles_arrive_live(desk, site):
    site.market.tick("BTCUSDT", 112_345.0)
    await desk.until("document.querySelector('#price').textContent === '$112,345'")
    frames = await desk.page.evaluate("window.__liqwatch.frames")
    for _ in range(3):
        site.market.candle({"BTCUSDT": 112_400.0})
        frames = await desk.until(f"window.__liqwatch.frames > {frames} && window.__liqwatch.frames")
    await desk.clean()


async def test_a_missed_message_is_noticed_and_made_good(desk, site):
    drawn = []
    draw = site.market.grid
    site.market.grid = lambda *args, **more: drawn.append(args) or draw(*args, **more)
    (channel,) = site.server._stream.board._drawn.values()
    channel._n += 3
    site.market.candle()
    await desk.until("window.__liqwatch.frames >= 2")
    assert len(drawn) == 1  # the snapshot was made of what was there
    site.market.candle()
    await desk.until("window.__liqwatch.frames >= 3")
    await desk.clean()


async def test_many_columns_do_not_outgrow_the_chart(visit, site):
    page = await visit(site.base)
    await page.open("/?symbol=BTC&window=12h")
    for _ in range(300):
        site.market.candle()
    await page.until("window.__liqwatch.frames > 1")
    site.market.candle({"BTCUSDT": 112_222.0})
    await page.until("document.querySelector('#price').textContent === '$112,222'")
    await page.clean()


async def test_the_replays_pause_is_seen(desk, site):
    site.market.said = "REPLAY 2025-10-10 20:35 UTC paused"
    await desk.until("document.querySelector('#source').dataset.state === 'paused'")
    assert await desk.text("#source") == "REPLAY 2025-10-10 20:35 UTC paused"


async def test_the_line_comes_back_by_itself(desk, site):
    await site.server.stop()
    await desk.until("document.querySelector('#light').dataset.state === 'offline'")
    assert "stands still" in await desk.text("#veil-text")
    await desk.picture("desktop-offline")
    port = int(site.base.rsplit(":", 1)[1])
    site.server._settings = site.server._settings.model_copy(update={"port": port})
    await site.server.start()
    await desk.until("document.querySelector('#light').dataset.state === 'live'", timeout_ms=25_000)
    await desk.until("document.querySelector('#veil').dataset.state === 'none'")


async def test_a_fault_is_told_and_can_be_tried_again(desk, site):
    site.market.fault = RuntimeError("for a moment")
    await desk.page.click("#windows button[data-value='3d']")
    await desk.until("document.querySelector('#veil').dataset.state === 'error'")
    assert "Incident" in await desk.text("#veil-text")
    site.market.fault = None
    await desk.page.click("#veil-retry")
    await desk.until("document.querySelector('#veil').dataset.state === 'none'")


async def test_no_market_yet_is_said(visit, site):
    site.market.symbols = ()
    page = await visit(site.base)
    await page.page.goto(site.base)
    await page.until("document.querySelector('#veil').dataset.state === 'empty'")
    assert "No market" in await page.text("#veil-text")
    site.market.symbols = ("BTCUSDT", "ETHUSDT")
    await page.until("document.querySelector('#veil').dataset.state === 'none'", timeout_ms=20_000)


DECODE = """
async (packed) => {
  const { decode } = await import("/static/decode.js");
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const f = await decode(bytes.buffer);
  const sum = (row, weigh) => row.reduce((s, v, i) => (Number.isNaN(v) ? s : s + v * weigh(i)), 0);
  return {
    ts: [f.ts[0], f.ts.at(-1)], columns: f.ts.length,
    close: sum(f.close, () => 1), gaps: f.close.filter(Number.isNaN).length,
    long: sum(f.long, (i) => (i % 251) + 1), short: sum(f.short, (i) => (i % 241) + 1),
  };
}
"""


async def test_the_pages_decoder_agrees_with_the_servers_encoder(desk):
    for seed in range(40):
        frame = Frame.of(
            grids.grid_of(seed, 1 + seed * 3 % 37, 5 + seed, price=10.0 ** (seed % 9 - 3), gaps=seed % 2)
        )
        packed = base64.b64encode(pack(frame, {"type": "snapshot"})).decode()
        read = await desk.page.evaluate(DECODE, packed)
        assert read["ts"] == [frame.ts[0], frame.ts[-1]]
        assert read["columns"] == len(frame)
        closes = frame.ohlc[3]
        assert read["gaps"] == sum(closes != closes)
        assert read["close"] == pytest.approx(float(closes[closes == closes].sum()), rel=1e-5)
        for name, period in (("long", 251), ("short", 241)):
            cells = getattr(frame, name).ravel().astype(int)
            assert read[name] == sum(int(v) * (i % period + 1) for i, v in enumerate(cells))


async def test_damage_on_the_line_is_noticed(desk):
    packed = bytearray(pack(Frame.of(grids.grid_of(1, 5, 9)), {"type": "snapshot"}))
    for cut in (packed[:3], packed[: len(packed) // 2], b"LQW9" + packed[4:], packed[:-9] + bytes(9)):
        text = base64.b64encode(bytes(cut)).decode()
        script = (
            "async (t) => { const d = "
            + DECODE.strip()
            + "; try { await d(t); return 'read'; } catch { return 'refused'; } }"
        )
        assert await desk.page.evaluate(script, text) == "refused"
