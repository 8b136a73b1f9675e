"""How the page fares when its server is slow, gone, or cannot be reached at all."""

import pytest

from bot.web.fanout import Message
from bot.web.wire import dumps, error_message

pytestmark = pytest.mark.browser

STATE = "document.querySelector('#light').dataset.state"
VEIL = "document.querySelector('#veil').dataset.state"


async def test_a_slow_page_is_told_so_in_a_banner_until_it_has_caught_up(desk, site):
    await desk.until(f"{STATE} === 'live'")
    assert not await desk.page.is_visible("#banner")
    site.server.stream.hub.publish(Message.of(dumps(error_message("slow_consumer", "Too slow."))))
    await desk.until("document.querySelector('#banner').checkVisibility()")
    assert "too slowly" in await desk.text("#banner")
    site.market.rebuilt(back=3)
    await desk.until("!document.querySelector('#banner').checkVisibility()")
    await desk.clean()


async def test_once_loaded_the_page_opens_without_its_server(visit, site):
    page = await visit(site.base, service_workers="allow")
    await page.open("/?symbol=BTC&window=24h")
    await page.until("window.__liqwatch.kept > 0", timeout_ms=30_000)
    assert await page.page.evaluate("window.__violations") == []
    await site.server.stop()
    await page.page.reload()
    await page.until("window.__liqwatch?.frames > 0", timeout_ms=40_000)
    await page.until(f"{STATE} === 'offline' && {VEIL} === 'stale'")
    assert await page.text("#price") == "$112,000"
    assert "stands still" in await page.text("#veil-text")
    await page.picture("without-server")


async def test_a_line_that_was_lost_is_tried_again_at_growing_random_times(desk, site):
    waits = await desk.page.evaluate(
        """async () => {
          const { Socket } = await import("/static/socket.js");
          const real = window.WebSocket;
          const waits = [];
          class Dead {
            constructor() { queueMicrotask(() => this.onclose()); }
            close() {}
          }
          window.WebSocket = Dead;
          const later = window.setTimeout;
          window.setTimeout = (run, ms) => { waits.push(ms); if (waits.length < 9) later(run, 0); return 0; };
          new Socket("/nowhere", {});
          while (waits.length < 9) await new Promise((done) => later(done, 5));
          window.setTimeout = later;
          window.WebSocket = real;
          return waits;
        }"""
    )
    ceilings = [min(15_000, 400 * 2 ** min(n, 8)) for n in range(1, 10)]
    assert all(0.3 * most <= wait <= most for wait, most in zip(waits, ceilings, strict=True))
    assert len({wait / most for wait, most in zip(waits, ceilings, strict=True)}) > 5
