"""The page on a phone: everything fits, the panel is a sheet."""

import pytest

pytestmark = pytest.mark.browser


async def test_nothing_is_wider_than_the_screen(phone):
    await phone.page.wait_for_timeout(300)
    await phone.picture("phone")
    assert await phone.page.evaluate("document.documentElement.scrollWidth") == 390
    wide = await phone.page.evaluate(
        "[...document.querySelectorAll('header *, .foot *, .panel *')].filter((n) => n.checkVisibility()"
        " && n.getBoundingClientRect().right > 391).map((n) => n.id || n.className)"
    )
    assert wide == []
    await phone.clean()


async def test_things_to_touch_are_large_enough(phone):
    small = await phone.page.evaluate(
        "[...document.querySelectorAll('button, input')].filter((n) => n.checkVisibility()"
        " && n.getBoundingClientRect().height < 30).map((n) => n.id || n.textContent)"
    )
    assert small == []


async def test_the_sheet_opens_answers_and_closes(phone):
    await phone.page.tap("#quick button")
    await phone.until("document.querySelector('#panel').dataset.open === 'true'")
    await phone.until("document.querySelector('#log .shot img')?.naturalWidth === 1280")
    await phone.page.wait_for_timeout(300)
    await phone.picture("phone-reply")
    await phone.page.tap("#grip")
    await phone.until("document.querySelector('#panel').dataset.open === 'false'")
    assert await phone.page.evaluate("document.querySelector('#quick').hidden")
    await phone.clean()


async def test_an_alert_shows_above_the_closed_sheet(phone, site, make_alert):
    await phone.until("document.querySelector('#panel').dataset.open === 'false'")
    await phone.page.wait_for_timeout(300)
    await site.inapp.push(make_alert(1))
    await phone.until("document.querySelector('#toasts .card')")
    assert await phone.text("#unread-sheet") == "1 new"
    await phone.picture("phone-alert")
    await phone.page.tap("#toasts .card")
    await phone.until("document.querySelector('#log .alert .shot img')?.naturalWidth === 1280")
    await phone.until("document.querySelector('#unread-sheet').hidden")


async def test_motion_is_left_out_where_asked(visit, site):
    page = await visit(site.base, reduced_motion="reduce")
    await page.open()
    duration = await page.page.evaluate("getComputedStyle(document.querySelector('.card')).animationDuration")
    assert float(duration.removesuffix("s")) <= 0.001


async def test_filters_and_zones_open_over_the_chart_and_fit(phone):
    await phone.page.tap("#filters-toggle")
    await phone.page.tap("#sides [data-value=long]")
    await phone.until("location.search.endsWith('side=long')")
    assert await phone.text("#filters-count") == "1"
    await phone.page.tap("#exchanges-open")
    await phone.until("document.querySelector('#exchanges-menu').matches(':popover-open')")
    edges = await phone.page.evaluate(
        "[...document.querySelectorAll('#filters, #exchanges-menu')].map((n) => n.getBoundingClientRect())"
        ".every((box) => box.left >= 0 && box.right <= 390 && box.bottom <= 844)"
    )
    assert edges
    await phone.picture("phone-filters")
    await phone.page.keyboard.press("Escape")
    await phone.page.tap("#filters-toggle")
    await phone.page.tap("#zones-toggle")
    await phone.until("document.querySelectorAll('#zones-list tr[data-zone]').length === 2")
    await phone.picture("phone-zones")
    assert await phone.page.evaluate("document.documentElement.scrollWidth") == 390
    await phone.clean()
