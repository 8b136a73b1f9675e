"""The page without its stream, and with one that it reads too slowly."""

import pytest

from bot.web.fanout import Message
from bot.web.wire import dumps, error_message

pytestmark = pytest.mark.browser


async def test_where_the_stream_is_off_the_page_asks_now_and_then(visit, serve):
    site = await serve(ws={"enabled": False})
    page = await visit(site.base)
    await page.open()
    await page.until("document.querySelector('#light').dataset.state === 'polling'")
    assert await page.text("#light-text") == "every few seconds"
    assert await page.text("#price") == "$112,000"
    assert await page.page.evaluate("document.querySelector('#veil').dataset.state") == "none"
    site.market.candle({"BTCUSDT": 112_321.0})
    frames = await page.page.evaluate("window.__liqwatch.frames")
    await page.until("document.querySelector('#price').textContent === '$112,321'")
    await page.until(f"window.__liqwatch.frames > {frames}")
    await page.market("eth")
    await page.until("document.querySelector('#price').textContent.startsWith('$4,0')")
    assert "Nearest zone above" in await page.until("document.querySelector('#summary').textContent")
    await page.picture("polling")
    assert all("/ws/heatmap" in line for line in page.said)
    assert await page.page.evaluate("window.__violations") == []


async def test_the_stream_takes_over_again_when_it_is_back(visit, serve):
    site = await serve()
    page = await visit(site.base)
    await page.open()
    settings = site.server.stream.settings
    site.server.stream.settings = settings.model_copy(update={"enabled": False})
    await site.server.stream.close()
    await page.until("document.querySelector('#light').dataset.state === 'polling'", timeout_ms=30_000)
    await page.until("document.querySelector('#veil').dataset.state === 'none'")
    site.server.stream.settings = settings
    await page.until("document.querySelector('#light').dataset.state === 'live'", timeout_ms=30_000)
    site.market.tick("BTCUSDT", 112_345.0)
    await page.until("document.querySelector('#price').textContent === '$112,345'")


async def test_a_page_that_reads_too_slowly_says_so_until_it_has_caught_up(desk, site):
    await desk.until("document.querySelector('#light').dataset.state === 'live'")
    site.server.stream.hub.publish(Message.of(dumps(error_message("slow_consumer", "Too slow."))))
    await desk.until("document.querySelector('#light').dataset.state === 'slow'")
    site.market.rebuilt(back=3)
    await desk.until("document.querySelector('#light').dataset.state === 'live'")
    await desk.clean()
