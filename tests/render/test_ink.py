"""Shapes land on whole pixels, and none vanishes between them."""

import numpy as np
import pytest

from bot.render.fonts import find_faces
from bot.render.ink import Ink

RED = (255, 0, 0, 255)


@pytest.mark.parametrize("middle", [10.0, 11.0, 12.5, 13.0, 14.0])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_wick_is_never_rounded_away(middle, scale):
    ink = Ink((40, 40), scale, find_faces(), "#000000")
    half = 0.5 / scale
    ink.rectangles(np.array([[middle - half, 5.0, middle + half, 30.0]]), "#ff0000")
    red = (ink.pixels == RED).all(2)
    assert red.sum(1).max() == 1
    assert red.any(1).sum() == 25 * scale
