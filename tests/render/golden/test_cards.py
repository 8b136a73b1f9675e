"""The cards of the documentation, drawn again: they show what Liqwatch draws."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cards import CARDS

DOCS = Path(__file__).resolve().parents[3] / "docs" / "pictures"
CELL = 10
ALIKE, UNLIKE = 3.0, 8.0


def coarse(png):
    """Return a picture as means of cells of ten pixels."""
    image = Image.open(io.BytesIO(png)).convert("L")
    small = image.resize((image.width // CELL, image.height // CELL), Image.Resampling.BOX)
    return np.asarray(small).astype(float)


def apart(first, second):
    """Return how far two pictures of the same shape are apart, in shades of 256, as a mean."""
    return float(np.abs(first - second).mean()) if first.shape == second.shape else 256.0


@pytest.mark.parametrize("name", CARDS)
def test_the_documentation_shows_the_card_that_is_drawn(name):
    shipped = (DOCS / f"{name}.png").read_bytes()
    assert len(shipped) < 260_000
    now = coarse(CARDS[name]())
    assert apart(coarse(shipped), now) <= ALIKE
    others = [coarse((DOCS / f"{other}.png").read_bytes()) for other in CARDS if other != name]
    assert min(apart(other, now) for other in others) > UNLIKE
