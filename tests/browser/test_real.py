"""The whole process on the shipped replay, used as a newcomer would: chart, first heatmap, first alert."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.process]

_spec = importlib.util.spec_from_file_location(
    "whole_process", Path(__file__).parents[1] / "process" / "conftest.py"
)
whole = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(whole)
launch = whole.launch

PHONE = {"width": 390, "height": 844}
COLOURS = (Path(__file__).parent / "colours.js").read_text()
SHOWN = "[...document.querySelectorAll('#log .alert .shot img')].some((image) => image.naturalWidth > 600)"


async def test_a_newcomer_sees_a_heatmap_and_is_alerted(launch, visit):
    process = await launch(speed="600")
    base = f"http://127.0.0.1:{process.port}"
    page = await visit(base)
    await page.open()
    assert await page.page.evaluate(COLOURS) > 60
    assert (await page.text("#source")).startswith("REPLAY 2025-10-10")
    await page.say("/heatmap btc")
    await page.until("document.querySelector('#log .shot img')?.naturalWidth > 600", timeout_ms=40_000)
    await page.picture("real-desktop")
    assert "BTC" in await page.page.get_attribute("#log .shot img", "alt")
    await page.say("/watch btc")
    await page.until(SHOWN, timeout_ms=90_000)
    await page.page.evaluate("document.querySelector('#log .alert').scrollIntoView()")
    await page.picture("real-alert")
    await page.clean()
    phone = await visit(base, size=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    await phone.open()
    await phone.picture("real-phone")
    await phone.clean()
