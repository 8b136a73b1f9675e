"""The page by keys alone."""

import pytest

pytestmark = pytest.mark.browser

CHOSEN = "document.querySelector('#{} [aria-checked=true]').dataset.value"


async def test_all_of_the_chart_is_reached_by_keys(desk):
    keys = desk.page.keyboard
    await keys.press("s")
    await desk.until("document.activeElement.id === 'search-input'")
    await keys.type("ether")
    await keys.press("Enter")
    await desk.until("document.querySelector('#price').textContent === '$4,000.0'")
    await keys.press("3")
    await keys.press("b")
    await keys.press("g")
    await keys.press("d")
    await desk.until("location.search === '?symbol=ETH&window=3d&side=long&palette=cividis&theme=light'")
    await keys.press("i")
    await desk.until(f"{CHOSEN.format('intervals')} === '5m'")
    await keys.press("z")
    assert not await desk.page.is_visible("#zones-pane")
    await keys.press("x")
    await desk.until("document.querySelector('#exchanges-menu').matches(':popover-open')")
    await keys.press("Escape")
    await keys.press("?")
    await desk.until("document.querySelector('#help').open")
    assert "cross-hair" in await desk.page.inner_text("#help-body")
    await keys.press("Escape")
    await keys.press("t")
    await desk.until("document.querySelectorAll('#table-body tbody tr').length > 8")
    await keys.press("Escape")
    await desk.clean()


async def test_the_cross_hair_moves_by_keys_and_speaks(desk):
    await desk.page.keyboard.press("c")
    await desk.until("document.activeElement.id === 'chart'")
    await desk.page.keyboard.press("Shift+ArrowUp")
    first = await desk.until("document.querySelector('#spoken').textContent")
    assert "dollars: longs" in first
    await desk.page.keyboard.press("Shift+ArrowLeft")
    await desk.until(f"document.querySelector('#spoken').textContent !== {first!r}")
    assert "UTC" in await desk.page.inner_text("#readout")
    await desk.page.keyboard.press("Escape")
    await desk.until("document.querySelector('#readout').innerText === ''")


async def test_keys_that_are_typed_choose_nothing(desk):
    await desk.page.focus("#ask")
    await desk.page.keyboard.type("bdg3")
    assert await desk.page.input_value("#ask") == "bdg3"
    assert await desk.page.evaluate(CHOSEN.format("sides")) == "both"


async def test_zones_are_walked_by_arrow_keys(desk):
    await desk.page.focus("#zones-list tr[data-zone]")
    first = await desk.page.evaluate("document.activeElement.dataset.zone")
    for _ in range(2):
        await desk.page.keyboard.press("ArrowDown")
    third = await desk.page.evaluate("document.activeElement.dataset.zone")
    assert third.startswith("BTCUSDT")
    assert third != first
