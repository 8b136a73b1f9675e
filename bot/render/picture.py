"""Name what a picture is, and the few shapes and colours it can be asked for."""

from dataclasses import dataclass, field
from enum import StrEnum


class Layout(StrEnum):
    """The shape of a picture: landscape for desktops, portrait for phones."""

    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"

    @property
    def size(self) -> tuple[int, int]:
        """Return the nominal width and height in pixels; HD has twice as many each way."""
        return (1280, 720) if self is Layout.LANDSCAPE else (1080, 1350)


class Theme(StrEnum):
    """The palette of a picture; all of them read the same to colour-blind eyes."""

    INFERNO = "inferno"
    CIVIDIS = "cividis"
    VIRIDIS = "viridis"
    LIGHT = "light"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One drawn picture: PNG bytes, a file name, its alt text (also its caption), its size in pixels."""

    png: bytes = field(repr=False)
    name: str
    alt: str
    width: int
    height: int
