"""The chat panel, as the local user sees it."""

from pathlib import Path

import pytest

from engine.model import Severity

pytestmark = pytest.mark.browser

LAST = "[...document.querySelectorAll('#log .card')].at(-1)"

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


async def test_a_heatmap_command_is_answered_with_its_picture(desk):
    await desk.say("/heatmap btc")
    await desk.until("document.querySelector('#log .shot img')?.naturalWidth === 1280")
    image = "document.querySelector('#log .shot img')"
    assert await desk.page.evaluate(f"{image}.alt") == "BTC heatmap, 24 hours"
    assert await desk.text("#log .said") == "/heatmap btc"
    assert await desk.text("#log .card h3") == "BTC, last 24 hours"
    await desk.picture("desktop-reply")
    await desk.page.click("#log .shot")
    await desk.until("document.querySelector('#lightbox').open")
    await desk.page.keyboard.press("Escape")
    await desk.until("!document.querySelector('#lightbox').open")
    await desk.clean()


async def test_a_newcomer_is_shown_three_ways_to_begin(desk):
    buttons = await desk.page.evaluate(
        "[...document.querySelectorAll('.hint button span')].map((s) => s.textContent)"
    )
    assert buttons == ["/heatmap btc", "/watch btc", "/help"]
    await desk.page.click(".hint button")
    await desk.until("document.querySelector('#log .shot img')?.naturalWidth === 1280")
    assert await desk.page.query_selector(".hint") is None


async def test_a_table_and_a_mistake_are_shown(desk):
    await desk.say("/zones btc")
    await desk.until("document.querySelectorAll('#log td').length === 6")
    assert await desk.page.get_attribute("#log td:last-child", "class") == "num"
    await desk.say("/nonsense")
    await desk.until("document.querySelector('#log [data-tone=bad] .wrong')")
    await desk.page.click("#log [data-tone=bad] button")
    await desk.until("[...document.querySelectorAll('#log .said')].at(-1).textContent === '/help'")
    await desk.clean()


async def test_a_crash_is_told_with_its_incident(desk):
    await desk.say("/boom")
    await desk.until("document.querySelector('#log .wrong')?.textContent.includes('Incident')")
    assert "secret" not in await desk.text("#log")


async def test_an_alert_is_shown_edited_and_acted_upon(desk, site, make_alert):
    await desk.until("document.querySelector('#light').dataset.state === 'live'")
    await desk.page.wait_for_timeout(200)
    await site.inapp.push(make_alert(1))
    await desk.until("document.querySelector('#log .alert .shot img')?.naturalWidth === 1280")
    assert await desk.text("#log .alert .chip") == "Warning"
    assert await desk.text("#log .alert h3") == "BTC is 0.9% above $55M of longs"
    await desk.picture("desktop-alert")
    edited = make_alert(
        1, delivery_id=2, revision=1, severity=Severity.CRITICAL, folded=2, title="BTC is inside"
    )
    await site.inapp.push(edited)
    await desk.until("document.querySelector('#log .alert h3').textContent === 'BTC is inside'")
    assert await desk.page.evaluate("document.querySelectorAll('#log .alert').length") == 1
    assert await desk.text("#log .alert .chip") == "Critical"
    await desk.page.click("#log .alert .buttons button")
    await desk.until(f"{LAST}.querySelector('table')")
    assert site.commands.asked[-2][0] == "v1:alert:snooze:1:1h"
    assert site.inapp.acked == [2]
    assert site.inapp.seen == {1, 2}
    await desk.clean()


async def test_the_head_of_an_alert_is_in_view_where_all_of_it_has_no_room(desk, site, make_alert):
    long = "\n".join(f"Zone {n} lies below the price." for n in range(20))
    for n in (1, 2):
        await site.inapp.push(make_alert(n, text=long))
        await desk.until(f"document.querySelectorAll('#log .alert').length === {n}")
        above = "document.querySelector('#log').getBoundingClientRect().top"
        await desk.until(f"Math.abs({LAST}.getBoundingClientRect().top - {above} - 14) < 2")
        assert await desk.page.evaluate(f"{LAST}.offsetHeight > document.querySelector('#log').clientHeight")


async def test_alerts_are_counted_while_the_panel_is_closed(desk, site, make_alert):
    await desk.page.click("#panel-toggle")
    await site.inapp.push(make_alert(1))
    await desk.until("document.querySelector('#unread').textContent === '1'")
    await desk.until("document.querySelector('#toasts .card')")
    assert site.inapp.seen == set()
    await desk.page.click("#toasts .card")
    await desk.until("document.querySelector('#unread').hidden")
    assert site.inapp.seen == {1}


async def test_the_inbox_is_there_on_the_next_visit(visit, site, make_alert):
    await site.inapp.push(make_alert(1))
    page = await visit(site.base)
    await page.open()
    for _ in range(2):
        await page.until("document.querySelector('#log .alert .shot img')?.naturalWidth === 4")
        assert await page.page.evaluate("document.querySelectorAll('#log .alert').length") == 1
        assert await page.page.query_selector("#toasts .card") is None
        await page.page.reload()


async def test_what_a_server_sends_is_text_and_never_markup(desk, site, make_alert):
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    buttons = ((("Go", "javascript:alert(3)"), ("Out", "https://example.org/x")),)
    await site.inapp.push(make_alert(1, title=evil, text=evil, label=evil, buttons=buttons))
    await desk.until("document.querySelector('#log .alert')")
    assert await desk.text("#log .alert h3") == evil
    assert await desk.page.evaluate("document.querySelectorAll('#log script').length") == 0
    assert await desk.page.get_attribute("#log .alert a.button", "rel") == "noopener noreferrer"
    await desk.clean()


async def test_everything_works_by_keyboard(desk):
    await desk.page.keyboard.press("/")
    await desk.until("document.activeElement.id === 'ask'")
    await desk.until("document.querySelectorAll('#suggestions li').length > 0")
    await desk.picture("desktop-suggestions")
    await desk.page.keyboard.press("ArrowDown")
    assert await desk.page.get_attribute("#ask", "aria-activedescendant") == "suggestion-0"
    await desk.page.keyboard.press("Enter")
    await desk.until("document.querySelector('#ask').value === '/heatmap '")
    await desk.until("document.querySelector('#suggestions li b')?.textContent === 'btc'")
    await desk.page.keyboard.press("Tab")
    await desk.until("document.querySelector('#ask').value === '/heatmap btc '")
    await desk.page.keyboard.press("Escape")
    await desk.page.keyboard.press("Enter")
    await desk.until("document.querySelector('#log .shot img')?.naturalWidth === 1280")
    await desk.page.keyboard.press("ArrowUp")
    assert await desk.page.input_value("#ask") == "/heatmap btc"
    await desk.page.focus("#windows button[aria-checked=true]")
    await desk.page.keyboard.press("ArrowRight")
    await desk.until("location.search.endsWith('window=3d')")
    assert await desk.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


async def test_text_stands_out_from_its_ground(desk, site, make_alert):
    await desk.say("/heatmap btc")
    await desk.say("/zones btc")
    await desk.say("/nonsense")
    for number, severity in enumerate(Severity):
        await site.inapp.push(make_alert(number + 1, severity=severity))
    await desk.until("document.querySelectorAll('#log .card').length === 6")
    await desk.page.wait_for_timeout(300)
    assert await desk.page.evaluate(CONTRAST) == []


async def test_a_button_to_this_page_changes_the_chart(desk):
    await desk.say("/heatmap btc")
    await desk.until("document.querySelector('#log .buttons button')")
    await desk.page.click("#log .buttons button:text-is('Chart')")
    await desk.until("document.querySelector('#price').textContent === '$4,000.0'")
    assert desk.page.url.endswith("symbol=ETH&window=3d")


async def test_bound_elsewhere_the_panel_asks_for_its_token(visit, open_site, token):
    page = await visit(open_site.base)
    await page.open()
    await page.until("!document.querySelector('#sign-in').hidden")
    await page.picture("desktop-locked")
    await page.page.fill("#token", "not the token")
    await page.page.press("#token", "Enter")
    await page.until("document.querySelector('#sign-in-wrong').textContent.includes('not the token')")
    await page.page.fill("#token", token)
    await page.page.press("#token", "Enter")
    await page.until("document.querySelector('#sign-in').hidden")
    await page.say("/heatmap btc")
    await page.until("document.querySelector('#log .shot img')?.naturalWidth === 1280")


async def test_the_printed_address_opens_the_panel_and_hides_the_token(visit, open_site, token):
    page = await visit(open_site.base)
    await page.open(f"/?token={token}")
    assert token not in page.page.url
    await page.until("document.querySelector('#sign-in').hidden && document.querySelector('.hint')")
    await page.clean()


async def test_the_panel_comes_back_after_the_server_was_away(desk, site, make_alert):
    await desk.say("/heatmap btc")
    await desk.until("document.querySelector('#log .shot img')")
    await site.server.stop()
    await desk.until("document.querySelector('#ask').placeholder.startsWith('Not connected')")
    await desk.say("/zones btc")
    await desk.until(f"{LAST}.textContent.includes('Not connected')")
    port = int(site.base.rsplit(":", 1)[1])
    site.server._settings = site.server._settings.model_copy(update={"port": port})
    await site.server.start()
    await site.inapp.push(make_alert(1))
    await desk.until("document.querySelector('#log .alert')", timeout_ms=25_000)
