"""The page looks as it did: small pictures of it are compared with those that are kept.

They are made small first, so that how a machine draws letters and edges does not matter; a missing heatmap,
panel or palette does. With NEW_LOOKS=1 in the environment new ones are kept: look at them before they are
committed.
"""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser

KEPT = Path(__file__).parent / "references"
SMALL = 120
"""How wide a picture is compared."""
MEAN, WORST = 5.0, 60.0
"""How far shades may be off: on average, and the 99.5th percentile, of 255."""
PHONE = {
    "size": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
LOOKS = {
    "desktop-dark": ("/?symbol=BTC&window=24h", {"color_scheme": "dark"}),
    "desktop-light": ("/?symbol=BTC&window=24h&palette=viridis", {"color_scheme": "light"}),
    "phone-dark": ("/?symbol=BTC&window=24h&palette=cividis", {"color_scheme": "dark", **PHONE}),
}


def small(png: bytes) -> Image.Image:
    """Return a picture made small, each pixel the mean of what it covers."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return picture.resize((SMALL, round(picture.height * SMALL / picture.width)), Image.Resampling.BOX)


def apart(one: Image.Image, other: Image.Image) -> tuple[float, float]:
    """Return by how much shades differ on average, and at the 99.5th percentile."""
    difference = np.abs(np.asarray(one, float) - np.asarray(other, float))
    return float(difference.mean()), float(np.percentile(difference, 99.5))


@pytest.mark.parametrize("name", LOOKS)
async def test_the_page_looks_as_it_did(visit, site, name):
    path, how = LOOKS[name]
    page = await visit(site.base, reduced_motion="reduce", **how)
    await page.open(path)
    await page.until("document.querySelectorAll('#venues li').length === 1")
    await page.page.wait_for_timeout(200)
    seen = small(await page.page.screenshot())
    if os.environ.get("NEW_LOOKS"):
        KEPT.mkdir(exist_ok=True)
        seen.save(KEPT / f"{name}.png", optimize=True)
    kept = Image.open(KEPT / f"{name}.png")
    assert seen.size == kept.size
    mean, worst = apart(seen, kept)
    assert mean < MEAN
    assert worst < WORST


def test_a_page_without_its_heatmap_would_be_noticed():
    kept = Image.open(KEPT / "desktop-dark.png")
    empty = kept.copy()
    empty.paste((10, 13, 26), (0, 12, 80, 60))
    assert apart(kept, empty)[0] > MEAN
    assert apart(kept, Image.open(KEPT / "desktop-light.png"))[0] > MEAN
