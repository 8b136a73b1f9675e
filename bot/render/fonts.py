"""Find the fonts: Inter, which set-up installs with the web page's packages, or else DejaVu Sans.

Faces are used by file, so nothing is registered anywhere and no font search runs.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.ft2font import LoadFlags

INTER = Path(__file__).resolve().parents[1] / "web/frontend/node_modules/@expo-google-fonts/inter"
MISSING = "?"
SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2009"), " ")
"""Spaces at which no line may break: numbers of many languages have them, and lines never break here."""
UNIT_PT = 100.0


class Weight(StrEnum):
    """How heavy a face is, by the name in its file."""

    REGULAR = "400Regular"
    MEDIUM = "500Medium"
    SEMIBOLD = "600SemiBold"
    BOLD = "700Bold"


@dataclass(frozen=True)
class Faces:
    """The font files in use, one a weight, and what they are called."""

    family: str
    files: dict[Weight, Path]

    def properties(self, weight: Weight, size_px: float) -> FontProperties:
        """Return the face at a size in nominal pixels (100 to the inch, 72 points to the inch)."""
        return FontProperties(fname=self.files[weight], size=size_px * 0.72)

    def advance(self, weight: Weight, words: str) -> float:
        """Return how wide a text is for a type size of one."""
        return _advance(str(self.files[weight]), self.drawable(words))

    @cached_property
    def glyphs(self) -> frozenset[int]:
        """Return the characters that the regular face can draw."""
        return frozenset(get_font(str(self.files[Weight.REGULAR])).get_charmap())

    def drawable(self, words: str) -> str:
        """Return a text with what the font lacks replaced, so that no box or warning comes of it."""
        words = words.translate(SPACES)
        return "".join(c if ord(c) in self.glyphs else MISSING for c in words if c.isprintable())


@lru_cache(maxsize=2048)
def _advance(file: str, words: str) -> float:
    """Return the width of a text for a type size of one, kerning included, hinting not."""
    font = get_font(file)
    font.set_size(UNIT_PT, 72)
    font.set_text(words, 0.0, flags=LoadFlags.NO_HINTING)
    return float(font.get_width_height()[0]) / 64 / UNIT_PT


def find_faces(folder: Path | None = None) -> Faces:
    """Return Inter from `folder` (by default where set-up puts it) if it is complete, else DejaVu Sans."""
    root = INTER if folder is None else folder
    found = {weight: next(iter(sorted(root.rglob(f"Inter_{weight}.ttf"))), None) for weight in Weight}
    inter = {weight: path for weight, path in found.items() if path is not None}
    if len(inter) == len(Weight):
        return Faces("Inter", inter)
    return Faces("DejaVu Sans", _dejavu())


def _dejavu() -> dict[Weight, Path]:
    """Return the fonts that matplotlib carries; it has two weights."""
    folder = Path(mpl.get_data_path()) / "fonts/ttf"
    regular, bold = folder / "DejaVuSans.ttf", folder / "DejaVuSans-Bold.ttf"
    return {w: bold if w in (Weight.BOLD, Weight.SEMIBOLD) else regular for w in Weight}
