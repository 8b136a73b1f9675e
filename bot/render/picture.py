"""Name what a picture is, and the few shapes and colours it can be asked for."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.render.scene import Sheet
    from engine.grid import Grid


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
    """One drawn picture: PNG bytes (GIF where it moves), a file name, its alt text and caption, its size."""

    png: bytes = field(repr=False)
    name: str
    alt: str
    width: int
    height: int


class Drawable(Protocol):
    """Be a request: what the cache and the file of its picture are called by."""

    @property
    def layout(self) -> Layout: ...  # noqa: D102 (described by the requests themselves; so are those below)
    @property
    def hd(self) -> bool: ...  # noqa: D102
    @property
    def symbol(self) -> str: ...  # noqa: D102
    @property
    def candle_ts(self) -> int: ...  # noqa: D102
    @property
    def what(self) -> Hashable: ...  # noqa: D102
    @property
    def file_name(self) -> str: ...  # noqa: D102


class Card(Drawable, Protocol):
    """Be a request that has all that its picture shows."""

    def scene(self) -> "Sheet": ...  # noqa: D102
    def alt(self) -> str: ...  # noqa: D102


class Paneled(Drawable, Protocol):
    """Be a request whose picture shows several heatmaps."""

    def scene(self, grids: "Sequence[Grid]", /) -> "Sheet": ...  # noqa: D102
    def alt(self) -> str: ...  # noqa: D102
