"""The page of a mail in a real browser: readable on desk and phone, light and dark, with or without links."""

import importlib.util
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from bot.delivery.email.channel import letter_of
from bot.delivery.email.mailbox import Sender
from bot.delivery.links import Links
from engine.model import Severity

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent
CONTRAST = (HERE / "contrast.js").read_text()
SENDER = Sender("Liqwatch", "alerts@example.org")
LINKS = Links("https://liqwatch.example.org", b"k" * 32)
SIZES = {"desk": {"width": 1000, "height": 800}, "phone": {"width": 390, "height": 844}}
HIDDEN = "document.querySelector('body > div').remove()"
"""The line that lists of mails show is in no sight: it is left out before contrasts are measured."""

if "delivery_messages" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "delivery_messages", HERE.parent / "delivery" / "messages.py"
    )
    sys.modules["delivery_messages"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["delivery_messages"])
messages = sys.modules["delivery_messages"]


def page_of(message, links):
    letter = letter_of(message, key="ab" * 32, to="me@example.org", sender=SENDER, links=links)
    if letter.picture is None:
        return letter.html
    source = f"data:image/png;base64,{b64encode(letter.picture.png).decode()}"
    return letter.html.replace(f"cid:{letter.picture_id}", source)


KINDS = {
    "critical": (messages.message(), LINKS),
    "warning of a replay": (
        messages.message(
            severity=Severity.WARNING,
            label="REPLAY 2025-10-10 20:35 UTC",
            late_s=600,
            note="Telegram is off (blocked). Your alerts come here until a message arrives there again.",
        ),
        None,
    ),
    "info without picture": (
        messages.message(severity=Severity.INFO, picture=None, figures=(), symbol=""),
        LINKS,
    ),
    "much too long": (messages.message(title="überlang" * 400, text="überlang" * 400), LINKS),
}


@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_mail_can_be_read_everywhere(browser, kind):
    html = page_of(*KINDS[kind])
    for size in SIZES.values():
        for scheme in ("light", "dark"):
            context = await browser.new_context(viewport=size, color_scheme=scheme)
            page = await context.new_page()
            await page.set_content(html)
            assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            await page.evaluate(HIDDEN)
            assert await page.evaluate(CONTRAST) == []
            await context.close()


async def test_what_can_be_pressed_is_large_enough_for_a_thumb(browser):
    context = await browser.new_context(viewport=SIZES["phone"])
    page = await context.new_page()
    await page.set_content(page_of(*KINDS["critical"]))
    heights = "[...document.querySelectorAll('a.step')].map((a) => a.getBoundingClientRect().height)"
    found = await page.evaluate(heights)
    assert len(found) == 3
    assert min(found) >= 42
    await context.close()
