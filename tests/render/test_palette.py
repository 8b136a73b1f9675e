import numpy as np
import pytest

from bot.render.palette import PALETTES, lightness, rgb
from bot.render.picture import Theme


@pytest.mark.parametrize("theme", Theme)
def test_more_is_always_told_by_lightness(theme):
    light = lightness(PALETTES[theme].lut())
    steps = np.diff(light) * (-1 if theme is Theme.LIGHT else 1)
    assert steps.min() > -0.35
    assert abs(light[-1] - light[0]) > 70


@pytest.mark.parametrize("theme", Theme)
def test_the_ramp_starts_at_the_ground(theme):
    palette = PALETTES[theme]
    lut = palette.lut()
    assert lut.shape == (256, 3)
    assert tuple(lut[0]) == rgb(palette.ground)
    assert tuple(lut[-1]) == rgb(palette.ramp[-1][1])


@pytest.mark.parametrize("theme", Theme)
def test_text_stands_out(theme):
    palette = PALETTES[theme]

    def contrast(front, back):
        def luminance(colour):
            c = np.array(rgb(colour)) / 255
            return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

        a, b = sorted((luminance(front), luminance(back)))
        return (b + 0.05) / (a + 0.05)

    assert contrast(palette.ink, palette.ground) > 10
    assert contrast(palette.dim, palette.ground) > 5
    assert contrast(palette.pill_ink, palette.pill) > 10
    assert contrast(palette.long, palette.pill) > 5
    assert contrast(palette.short, palette.pill) > 5
    assert contrast(palette.tag_ink, palette.tag) > 10
    assert contrast(palette.warn, palette.pill) > 5


def test_the_dark_ground_is_the_house_colour():
    assert PALETTES[Theme.INFERNO].ground == "#0a0d1a"
