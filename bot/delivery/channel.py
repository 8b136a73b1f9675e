"""Define what a channel is: a name, what it can do, and one `send`."""

from dataclasses import dataclass, field
from typing import Protocol

from engine.model import Severity, Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Allow `count` sends in `period_s` seconds, all of them at once if need be.

    A send that went up to `late_s` after its turn counts as if it had gone in time: so no stretch of
    `period_s - late_s` sees more than `count`, and a busy machine does not slow the whole line down.
    """

    count: int
    period_s: float
    late_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A drawn picture with its text for those who cannot see it."""

    png: bytes = field(repr=False)
    alt: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRequest:
    """Which picture belongs to a message: the symbol's heatmap of a window, a zone marked in it.

    `what` names another picture than the heatmap, which reports have; `tz` is the zone of the times in it.
    """

    symbol: str
    window_ms: int
    zone: Zone | None = None
    severity: Severity | None = None
    what: str = "heatmap"
    tz: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutMessage:
    """One message as a channel gets it; text is plain, the channel escapes and decorates it.

    `buttons` are rows of (label, action). `label` is the source line ("REPLAY 2025-10-10 20:35 UTC").
    `folded` counts the alerts that ride along. `may_repeat` says that the same message may have arrived
    before, `late_s` how long it waited where that is worth saying, `note` what else the owner must know
    (another channel is off, say), `silent` that it makes no sound. `figures` are the numbers of the text once
    more, as (label, value), for channels that can show them side by side. `ping` is the role that a server
    wants called, empty for nobody.
    """

    delivery_id: int
    alert_id: str
    user_id: str
    destination: str
    kind: str
    severity: Severity
    symbol: str
    title: str
    text: str
    market_ms: int
    revision: int = 0
    buttons: tuple[tuple[tuple[str, str], ...], ...] = ()
    label: str = ""
    folded: int = 0
    picture: Picture | None = None
    may_repeat: bool = False
    late_s: int = 0
    note: str = ""
    silent: bool = False
    figures: tuple[tuple[str, str], ...] = ()
    ping: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the far end answered. `delivered` where it confirms that a person has the message.

    `remote_id` names the message there for edits; None where messages cannot be edited.
    """

    remote_id: str | None = None
    delivered: bool = False


class Channel(Protocol):
    """One way to a user. A further channel is one file with a class of this shape."""

    @property
    def name(self) -> str:
        """Return the name rules and deliveries know this channel by."""
        ...

    @property
    def overall(self) -> tuple[Rate, ...]:
        """Return the limits of the channel as a whole."""
        ...

    @property
    def deduplicates_s(self) -> float:
        """Return for how many seconds the far end drops a second message with the same key; 0 if never."""
        ...

    @property
    def timeout_s(self) -> float:
        """Return after how many seconds an attempt is given up; its end is then unknown."""
        ...

    @property
    def concurrency(self) -> int:
        """Return how many sends may be under way at once."""
        ...

    def rates(self, destination: str) -> tuple[Rate, ...]:
        """Return the limits of one destination."""
        ...

    async def cost(self, destination: str) -> int:
        """Return how many requests a send to a destination takes of what the channel as a whole may do."""
        ...

    async def send(self, message: OutMessage, *, key: str, edit_of: str | None) -> Receipt:
        """Send a message, or change the message `edit_of`.

        Raises Retryable (try again), Permanent (never this message), Gone (the destination is no more).
        """
        ...
