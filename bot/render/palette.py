"""Hold the colours: one perceptually ordered ramp a theme, and the inks that read on it.

Ramps rise (or, on the light ground, fall) steadily in lightness, so that more is always told by lightness
and never by hue alone. Longs and shorts are told apart by position and sign; their inks differ in lightness
too.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.render.picture import Theme

Colours = npt.NDArray[np.uint8]
SHADES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one theme, as hex; `ramp` runs from nothing to most and starts at the `ground`."""

    ground: str
    ramp: tuple[tuple[float, str], ...]
    ink: str
    dim: str
    up: str
    down: str
    outline: str
    pill: str
    pill_ink: str
    long: str
    short: str
    tag: str
    tag_ink: str
    warn: str
    rise: str
    fall: str

    def lut(self) -> Colours:
        """Return the ramp as 256 RGB colours, shape (256, 3)."""
        stops = np.array([at for at, _ in self.ramp])
        colours = np.array([rgb(colour) for _, colour in self.ramp], float)
        at = np.linspace(0, 1, SHADES)
        return np.stack([np.interp(at, stops, colours[:, c]) for c in range(3)], 1).round().astype(np.uint8)


def rgb(colour: str) -> tuple[int, int, int]:
    """Return a hex colour as three bytes."""
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


def lightness(colours: Colours) -> npt.NDArray[np.float64]:
    """Return CIE L* (0 to 100) of RGB colours of shape (n, 3)."""
    c = colours.astype(float) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    y = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.asarray(np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y))


GROUND = "#0a0d1a"
_DARK = {
    "ground": GROUND,
    "ink": "#ffffff",
    "dim": "#a3abbf",
    "outline": "#05070f",
    "pill": "#060812",
    "pill_ink": "#ffffff",
    "tag": "#ffffff",
    "tag_ink": "#05070f",
    "warn": "#ffc766",
    "rise": "#34f5b0",
    "fall": "#ff6b81",
    "long": "#ff8a94",
    "short": "#5ff0c0",
}
PALETTES: dict[Theme, Palette] = {
    Theme.INFERNO: Palette(
        ramp=(
            (0, GROUND),
            (0.18, "#1b1440"),
            (0.36, "#3d1a6e"),
            (0.52, "#7a1f7c"),
            (0.66, "#c2356b"),
            (0.79, "#f2674a"),
            (0.90, "#ffb13d"),
            (1, "#fff9c4"),
        ),
        up="#34f5b0",
        down="#ff4d6a",
        **_DARK,
    ),
    Theme.CIVIDIS: Palette(
        ramp=(
            (0, GROUND),
            (0.14, "#06204a"),
            (0.30, "#123f70"),
            (0.46, "#45526d"),
            (0.60, "#6f6e72"),
            (0.74, "#9c8f6c"),
            (0.87, "#d2b851"),
            (1, "#fff06a"),
        ),
        up="#ffffff",
        down="#ff7a59",
        **_DARK,
    ),
    Theme.VIRIDIS: Palette(
        ramp=(
            (0, GROUND),
            (0.16, "#2a1150"),
            (0.32, "#3f3a80"),
            (0.48, "#2f648d"),
            (0.62, "#218f8c"),
            (0.75, "#3bb873"),
            (0.88, "#a4da37"),
            (1, "#fdf58a"),
        ),
        up="#ffffff",
        down="#ff5d8f",
        **_DARK,
    ),
    Theme.LIGHT: Palette(
        ground="#f8f9fc",
        ramp=(
            (0, "#f8f9fc"),
            (0.16, "#e9e6f4"),
            (0.32, "#f6cfc0"),
            (0.48, "#f5a27a"),
            (0.62, "#e36464"),
            (0.76, "#b22d6e"),
            (0.89, "#6a1669"),
            (1, "#250a3c"),
        ),
        ink="#10131f",
        dim="#566077",
        up="#007a5c",
        down="#c3113a",
        outline="#ffffff",
        pill="#ffffff",
        pill_ink="#10131f",
        long="#b3123a",
        short="#00694f",
        tag="#10131f",
        tag_ink="#ffffff",
        warn="#8a4b00",
        rise="#007a5c",
        fall="#c3113a",
    ),
}
