"""Drive the page in a real Chromium, over the small market of the server's tests."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ROOT = Path(__file__).parents[2]
PICTURES = ROOT / ".pytest_cache" / "liqwatch-pages"
DESKTOP = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}
BLOCKED = "Service Worker registration blocked"  # pages are opened without one, but where that is the subject

_spec = importlib.util.spec_from_file_location("web_site", ROOT / "tests" / "web" / "conftest.py")
web = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(web)

serve = web.serve
site = web.site
open_site = web.open_site
make_alert = web.make_alert
token = web.token

WATCH = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""


class Visit:
    """One page in the browser: what it said on its console, and a few things a person would do."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda m: self.said.append(m.text) if self._complains(m) else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    @staticmethod
    def _complains(message) -> bool:
        return message.type in ("error", "warning") and not message.text.startswith(BLOCKED)

    async def open(self, path: str = "/") -> None:
        """Go to the page and wait until the chart is drawn and all of the page is there."""
        await self.page.goto(self.base + path)
        await self.until("window.__liqwatch && window.__liqwatch.firstFrameMs !== null")
        await self.until("window.__liqwatch.ready")

    async def until(self, condition: str, *, timeout_ms: int = 15_000):
        """Wait for a condition; asked from outside, for the page's policy forbids evaluation inside."""
        for _ in range(timeout_ms // 50):
            if value := await self.page.evaluate(condition):
                return value
            await self.page.wait_for_timeout(50)
        raise AssertionError(f"never true: {condition}; the console said {self.said}")

    async def text(self, selector: str) -> str:
        return (await self.page.text_content(selector) or "").strip()

    async def market(self, name: str) -> None:
        """Choose a market as people do: open the search, type, take the first."""
        await self.page.click("#symbol")
        await self.page.fill("#search-input", name)
        await self.page.press("#search-input", "Enter")

    async def say(self, line: str) -> None:
        """Type a line and send it."""
        await self.page.fill("#ask", line)
        await self.page.press("#ask", "Enter")

    async def clean(self) -> None:
        """Fail where the console or the policy complained, or anything was loaded from elsewhere."""
        assert self.said == []
        assert await self.page.evaluate("window.__violations") == []
        hosts = {url.split("/")[2] for url in self.asked if url.startswith(("http", "ws"))}
        assert hosts <= {self.base.split("/")[2]}

    async def picture(self, name: str) -> None:
        """Keep a picture of the page, to be looked at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.wait_for_timeout(350)  # what fades in has arrived
        await self.page.screenshot(path=PICTURES / f"{name}.png")


@pytest.fixture(scope="session")
def devtools(tmp_path_factory) -> Iterator[str]:
    """Start one Chromium for all tests; return where it listens. Without one the tests are skipped."""
    path = os.environ.get("LIQWATCH_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("needs Chromium: install it or set LIQWATCH_CHROMIUM")
    if not (ROOT / "bot/web/frontend/node_modules/lightweight-charts").is_dir():
        pytest.skip("needs the page's libraries: make setup")
    home = tmp_path_factory.mktemp("chromium")
    more = ("--headless", "--remote-debugging-port=0", f"--user-data-dir={home}", "--no-first-run")
    with (home / "said").open("wb") as said:
        process = subprocess.Popen([path, *ARGUMENTS, *more], stdout=said, stderr=said)
    try:
        yield _listening(home / "DevToolsActivePort", process)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _listening(written: Path, process: subprocess.Popen) -> str:
    """Wait until Chromium has written where it listens; return the address."""
    for _ in range(600):
        if written.is_file() and len(lines := written.read_text().split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        assert process.poll() is None, "Chromium ended before it listened"
        time.sleep(0.05)
    raise AssertionError("Chromium did not listen within 30 s")


@pytest.fixture
async def browser(devtools) -> AsyncIterator[Browser]:
    """Return the Chromium of all tests; what a test opened in it is closed with the test."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect_over_cdp(devtools)
        yield chromium
        for context in chromium.contexts[1:]:  # the first is the browser's own
            await context.close()
        await chromium.close()


@pytest.fixture
async def visit(browser):
    """Return a function that opens a page of a size on a site."""

    async def start(base: str, *, size: dict = DESKTOP, **more) -> Visit:
        usual = {"service_workers": "block", "color_scheme": "dark"}
        context = await browser.new_context(viewport=size, **(usual | more))
        await context.add_init_script(WATCH)
        return Visit(await context.new_page(), base)

    return start


@pytest.fixture
async def desk(visit, site):
    """Return the page on a desktop, its chart drawn."""
    page = await visit(site.base)
    await page.open()
    return page


@pytest.fixture
async def phone(visit, site):
    """Return the page on a phone, its chart drawn."""
    page = await visit(site.base, size=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    await page.open()
    return page
