"""What a visitor may choose: market, window, columns, exchanges, sides, colours; links that show the same."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.venue import Feed, VenueState
from engine.model import Liquidation, PriceKind, Side

pytestmark = pytest.mark.browser

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
COLOURS = (Path(__file__).parent / "colours.js").read_text()
PARTS = {"binance": 0.5, "bybit": 0.3, "okx": 0.2}
SHOWN = "document.querySelector('#veil').dataset.state === 'none'"
PRESSED = "document.querySelector('#{} [aria-checked=true]')?.dataset.value"


@pytest.fixture
async def three(visit, site):
    """Return the page of a market that three exchanges trade."""
    site.market.parts = dict(PARTS)
    view = site.market.view
    site.market.view = lambda symbol: replace(view(symbol), venues=tuple(PARTS))
    page = await visit(site.base)
    await page.open()
    await page.until("document.querySelectorAll('#venues li').length === 3")
    return page


async def rows(page, selector: str) -> list[str]:
    """Return the words of every element, spaces made single."""
    found = await page.page.evaluate(f"[...document.querySelectorAll({selector!r})].map((n) => n.innerText)")
    return [" ".join(text.split()) for text in found]


async def test_exchanges_are_chosen_and_their_colours_parts_and_health_are_shown(three, site):
    assert await rows(three, "#venues li") == ["Binance 50%", "Bybit 30%", "OKX 20%"]
    await three.page.click("#exchanges-open")
    told = await rows(three, "#venue-list li")
    assert told[0].startswith("Binance 50% live only")
    assert len({row.split()[0] for row in told}) == 3
    swatches = "new Set([...document.querySelectorAll('#venue-list .swatch')].map((n) => n.style.background))"
    assert await three.page.evaluate(f"{swatches}.size") == 3
    await three.picture("exchanges")
    await three.page.uncheck("#venue-list [data-venue=bybit]")
    await three.until("location.search.endsWith('exchanges=binance,okx')")
    await three.until(SHOWN)
    assert ("binance", "okx") in site.market.asked_of
    assert await three.text("#exchanges-text") == "2"
    await three.page.go_back()
    await three.until("document.querySelector('#exchanges-text').textContent === 'all'")
    await three.until(SHOWN)
    await three.page.go_forward()
    await three.until("document.querySelector('#exchanges-text').textContent === '2'")
    await three.clean()


async def test_an_exchange_that_is_not_well_is_seen(visit, site):
    health = [replace(each, state=VenueState.DOWN) for each in site.market.health()]
    site.market.health = lambda: health
    page = await visit(site.base)
    await page.open()
    await page.page.click("#exchanges-open")
    await page.until("document.querySelector('#venue-list .badge-health')?.dataset.state === 'down'")
    looks = [url for url in page.asked if url.endswith("/exchanges/health")]
    await page.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.until("document.querySelector('#venue-list .badge-health')")
    assert [url for url in page.asked if url.endswith("/exchanges/health")] > looks


async def test_the_cross_hair_tells_what_part_each_exchange_has(three):
    await three.page.mouse.move(300, 220)
    words = await three.until("document.querySelector('#readout .split')?.innerText")
    assert "Binance 50%" in words
    assert "OKX 20%" in words


async def test_a_link_shows_the_same_and_back_leads_back(visit, site):
    site.market.parts = dict(PARTS)
    page = await visit(site.base)
    await page.open("/?symbol=eth&window=3d&interval=1h&exchanges=okx&side=long&palette=viridis&theme=light")
    await page.until("document.querySelector('#price').textContent === '$4,000.0'")
    await page.until(SHOWN)
    assert await page.page.evaluate("document.documentElement.dataset.theme") == "light"
    for group, value in (("windows", "3d"), ("intervals", "1h"), ("sides", "long"), ("palettes", "viridis")):
        assert await page.page.evaluate(PRESSED.format(group)) == value
    assert ("okx",) in site.market.asked_of
    assert await page.page.evaluate(COLOURS) > 60
    await page.picture("link")
    await page.page.click("#sides [data-value=both]")
    await page.page.click("#windows [data-value='24h']")
    await page.until(SHOWN)
    await page.page.go_back()
    await page.page.go_back()
    await page.until(f"{PRESSED.format('sides')} === 'long' && {PRESSED.format('windows')} === '3d'")
    await page.clean()


async def test_what_the_address_asks_for_and_there_is_none_of_is_left_out(visit, site):
    page = await visit(site.base)
    await page.open("/?symbol=nosuch&window=9y&interval=5m&side=up&palette=pink&leverage=7&exchanges=%3Cb%3E")
    assert "no NOSUCH here" in await page.until("document.querySelector('#banner').textContent")
    assert await page.text("#symbol-text") == "BTC"
    assert await page.page.evaluate("location.search") == "?symbol=BTC&window=24h&interval=5m"
    await page.clean()


async def test_leverages_are_asked_for_and_a_refusal_is_told_with_a_way_out(desk):
    await desk.page.click("#leverage-open")
    await desk.page.click("#leverage-chips [data-value='25']")
    await desk.until("location.search.endsWith('leverage=25')")
    await desk.page.click("#leverage-chips [data-value='50']")
    await desk.until(SHOWN)
    assert "25x, 50x, by model leverage" in await desk.text("#note")
    asked = [url for url in desk.asked if "leverage_weights" in url and "binary" in url]
    assert asked[-1].endswith("leverage_weights=0/0/25/20/0")
    await desk.page.keyboard.press("Escape")
    await desk.market("eth")  # there is no open interest of it
    await desk.until("document.querySelector('#veil').dataset.state === 'error'")
    assert "open interest" in await desk.text("#veil-text")
    await desk.page.click("#veil-clear")
    await desk.until(SHOWN)
    assert await desk.page.evaluate("location.search") == "?symbol=ETH&window=24h"


async def test_columns_that_are_too_many_cannot_be_chosen(desk):
    await desk.page.click("#windows [data-value='30d']")
    await desk.until("document.querySelector('#intervals [data-value=\\'5m\\']').disabled")
    assert await desk.page.is_enabled("#intervals [data-value='1h']")


async def test_markets_are_found_by_name_ticker_and_contract(desk):
    for typed, best in (("bitcoin", "BTC"), ("eth-perp", "ETH"), ("$xbt", "BTC"), ("etherium", None)):
        await desk.page.click("#symbol")
        await desk.page.fill("#search-input", typed)
        found = await rows(desk, "#search-list li")
        assert found[0].startswith(best or "Nothing here is called etherium")
        await desk.page.keyboard.press("Escape")
    await desk.market("eth")
    await desk.until("document.querySelector('#price').textContent === '$4,000.0'")
    await desk.page.click("#symbol")
    assert "shown now" in (await rows(desk, "#search-list li"))[0]


async def test_zones_are_listed_around_the_price_and_what_is_consumed_fades(desk, site):
    listed = await rows(desk, "#zones-list tbody tr")
    assert listed == [
        "114,464 $21M +2.1% 2 h",
        "113,568 $38M +1.3% 2 h",
        "112,000",
        "110,768 $55M −1.0% 2 h",
        "109,312 $62M −2.3% 2 h",
    ]
    zones = site.market.zones
    taken = lambda symbol: replace(zones(symbol), zones=zones(symbol).zones[1:])  # noqa: E731
    site.market.zones = taken
    site.market.candle()
    await desk.until("document.querySelector('#zones-list [data-gone]')?.innerText.includes('$38M')")
    await desk.until("!document.querySelector('#zones-list [data-gone]')")
    assert len(await rows(desk, "#zones-list tbody tr")) == 4
    await desk.clean()


async def test_reported_liquidations_are_bubbles_that_say_what_they_are(visit, serve):
    site = await serve()
    site.market.source_kind, site.market.said = "live", ""
    site.market.feeds = frozenset({Feed.LIQUIDATIONS})
    page = await visit(site.base)
    await page.open()
    await page.until("window.__liqwatch.following?.includes('liquidations:BTCUSDT')")
    price, ts = site.market.price["BTCUSDT"], site.market.clock_ms - 3_600_000
    for n, venue in enumerate(("binance", "okx")):
        event = Liquidation(
            venue=venue,
            symbol="BTCUSDT",
            side=Side.LONG,
            price=price * (1 - 0.002 * n),
            price_kind=PriceKind.FILL,
            quantity=10,
            notional_usd=price * 10 * (n + 1),
            ts=ts,
            received_ms=ts,
        )
        site.server.stream.board.heard(event)
    places = await page.until(
        "(window.__liqwatch.bubbles?.() ?? []).length === 2 && window.__liqwatch.bubbles()"
    )
    largest = places[0]
    box = await page.page.locator("#chart").bounding_box()
    await page.page.mouse.move(box["x"] + largest["x"], box["y"] + largest["y"])
    await page.until("document.querySelector('#readout').innerText.includes('liquidated')")
    words = await page.page.inner_text("#readout")
    assert "long liquidated: $2.2M at 111,776, OKX" in words
    await page.picture("bubbles")


async def test_dark_and_light_and_every_palette_are_drawn_and_remembered(desk):
    seen = set()
    for palette in ("inferno", "cividis", "viridis"):
        for theme in ("dark", "light"):
            await desk.page.evaluate(f"document.querySelector('#palettes [data-value={palette}]').click()")
            await desk.page.evaluate(f"document.querySelector('#themes [data-value={theme}]').click()")
            await desk.until(f"document.documentElement.dataset.theme === '{theme}'")
            seen.add(
                await desk.page.evaluate("getComputedStyle(document.querySelector('#ramp')).backgroundImage")
            )
    assert len(seen) == 6
    await desk.page.goto(desk.base + "/")
    await desk.until("window.__liqwatch.ready")
    assert await desk.page.evaluate("document.documentElement.dataset.theme") == "light"
    assert await desk.page.evaluate(PRESSED.format("palettes")) == "viridis"


@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_text_stands_out_in_both_themes(visit, site, scheme):
    page = await visit(site.base, color_scheme=scheme)
    await page.open()
    assert await page.page.evaluate("document.documentElement.dataset.theme") == scheme
    assert await page.page.evaluate(CONTRAST) == []
    for opener in ("#view-open", "#exchanges-open", "#leverage-open", "#symbol", "#help-open"):
        await page.page.click(opener)
        await page.page.mouse.move(400, 700)
        assert await page.page.evaluate(CONTRAST) == [], opener
        await page.page.keyboard.press("Escape")
    await page.clean()


async def test_a_picture_of_the_chart_is_handed_over(desk):
    async with desk.page.expect_download() as waited:
        await desk.page.click("#shoot")
    download = await waited.value
    assert download.suggested_filename == "liqwatch-btc-24h.png"
    raw = Path(await download.path()).read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(raw[at : at + 4], "big") for at in (16, 20))
    assert width > 700
    assert height > 500
    assert json.loads(await desk.page.evaluate("JSON.stringify(window.__violations)")) == []
