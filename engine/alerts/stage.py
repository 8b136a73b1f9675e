"""Define what a stage is given and what it answers: the words that all stages share.

A stage is a pure function `(fire, context, now_ms) -> Decision`. The context holds every fact that a decision
about one fire may rest on; whoever runs the pipeline loads it and writes the outcome, in one transaction.
All times are market time in int64 ms UTC.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from engine.alerts.reasons import Reason
from engine.model import AlertId, Fire, RuleId, Severity, Side, UserId


class Action(StrEnum):
    """What a stage wants done. SEND means "nothing against it here": the next stage is asked."""

    SEND = "send"
    FOLD = "fold"
    HOLD = "hold"
    DIGEST = "digest"
    SUPPRESS = "suppress"


CARRIED: Final = frozenset({Action.SEND, Action.FOLD, Action.DIGEST})
"""Actions after which the user is told, at once or in the digest."""


class QuietMode(StrEnum):
    """What quiet hours do with warnings: keep them for later, send without sound, or drop them."""

    HOLD = "hold"
    SILENT = "silent"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a message goes: a channel's name and a place in it; `silent` asks for no sound."""

    channel: str
    place: str = ""
    silent: bool = False

    @property
    def audience(self) -> str:
        """Return who reads there, as one word: alerts of different audiences never share a message."""
        return f"{self.channel}|{self.place}"


IN_APP: Final = Destination(channel="inapp")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChoice:
    """One channel of a user, and the severities that it takes. The first that fits is the primary."""

    channel: str
    place: str = ""
    takes: frozenset[Severity] = frozenset(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Quiet hours: from and to, in minutes after local midnight; the start counts in, the end does not.

    From 23:00 to 07:00 is 1380 and 420. Equal ends mean no quiet hours.
    """

    start_min: int
    end_min: int
    mode: QuietMode = QuietMode.HOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What one user has set about being told.

    `tz` is an IANA name; `digest_min` are minutes after local midnight, empty for no digest; `language` is
    that of messages.
    """

    tz: str = "UTC"
    language: str = "en"
    quiet: Quiet | None = None
    daily_limit: int = 50
    digest_min: tuple[int, ...] = (480, 1200)
    paused: bool = False
    snoozed_until_ms: int | None = None
    channels: tuple[ChannelChoice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the installation has set. A ring is a new message; an edit does not ring.

    `critical_again_s` and `warning_again_s`: within an open episode, how long after its last ring another
    alert of that severity folds into it. `critical_again_s` may not exceed `warning_again_s`: otherwise
    lesser alerts could change when a critical rings. A rule flaps once it has fired `flap_fires` times about
    one subject within `flap_s`.
    """

    group_wait_s: int = 20
    episode_quiet_s: int = 900
    critical_again_s: int = 1800
    warning_again_s: int = 3600
    flap_s: int = 3600
    flap_fires: int = 3
    twin_s: int = 60
    inhibit_recheck_s: int = 60
    stale_recheck_s: int = 10

    def __post_init__(self) -> None:
        """Refuse a policy under which lesser alerts could delay a critical."""
        if self.critical_again_s > self.warning_again_s:
            raise ValueError("critical_again_s may not exceed warning_again_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """What the pipeline needs to know of the rule that fired, whatever its kind."""

    rule_id: RuleId
    cooldown_s: int = 3600
    paused: bool = False
    snoozed_until_ms: int | None = None
    quiet_critical: bool = False
    destination: Destination = IN_APP


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One earlier alert of the same owner about the same subject, sent or not (a row of `alerts`)."""

    alert_id: AlertId
    rule_id: RuleId
    kind: str
    severity: Severity
    action: Action
    market_ms: int
    carrier: AlertId | None = None

    @property
    def message(self) -> AlertId:
        """Return the alert whose message tells the user of it."""
        return self.carrier or self.alert_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStep:
    """A severity step of one of the owner's rules that has fired for the subject and is not armed again."""

    rule_id: RuleId
    severity: Severity
    fired_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooling:
    """Until when a rule stays silent about a subject, at and below a severity (a row of `cooldowns`)."""

    rule_id: RuleId
    subject: str
    severity: Severity
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeState:
    """A run of alerts of one user, symbol, direction and audience, led by one message (a row of `episodes`).

    `severity` is the leader's, `opened_ms` when the leader rang, `last_ms` when the last fire came,
    `critical_ms` when the last critical came of those that followed a critical leader without a pause,
    `folded` how many fires the message carries beside the leader.
    """

    owner: UserId
    symbol: str
    direction: str
    alert_id: AlertId
    severity: Severity
    opened_ms: int
    last_ms: int
    critical_ms: int | None = None
    folded: int = 0
    audience: str = IN_APP.audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Why and since when a fire was held, when it walks again. `still_true` as its rule says now."""

    reason: Reason
    since_ms: int
    until_ms: int
    still_true: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Every fact that the decision about one fire may rest on, as it stands now.

    `seen`: this `fire_id` already has its alert (never set for a held fire that walks again).
    `about`: the owner's alerts about this subject for the same audience in the last 24 h (of this epoch),
    oldest first, without the fire's own row. `open_steps`: steps of any rule of the owner that stand fired
    for the subject. `cooling`: the cooldown of (rule, subject) if there is a row, over or not. `episode`: the
    row of (owner, symbol, direction, audience) if there is one, open or not. `group_due_ms`: when the fires
    of this episode that wait for their group are due (the earliest), None where none wait. `sent_today`
    counts the messages that rang on this UTC day, `critical_today` those of them that were critical. `stale`:
    the data of the fire's symbol is too old to tell anybody anything.
    """

    rule: RuleView
    preferences: Preferences = field(default_factory=Preferences)
    policy: Policy = field(default_factory=Policy)
    seen: bool = False
    about: tuple[Past, ...] = ()
    open_steps: tuple[OpenStep, ...] = ()
    cooling: Cooling | None = None
    episode: EpisodeState | None = None
    group_due_ms: int | None = None
    sent_today: int = 0
    critical_today: int = 0
    held: Held | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One stage's word on one fire.

    `until_ms` goes with HOLD (walk again then) and DIGEST (the digest's time), `carrier` with FOLD,
    `destinations` with the SEND of the last stage; `silent` is remembered by the walk.
    """

    action: Action
    reason: Reason
    until_ms: int | None = None
    carrier: AlertId | None = None
    destinations: tuple[Destination, ...] = ()
    silent: bool = False


Stage = Callable[[Fire, Context, int], Decision]


def passed(reason: Reason) -> Decision:
    """Return the word of a stage that has nothing against a fire."""
    return Decision(action=Action.SEND, reason=reason)


def subject_of(fire: Fire) -> str:
    """Return what a fire is about, as cooldowns and arms are keyed: its zone, else what its rule asks.

    A fire that does not say what was asked is about its symbol and kind.
    """
    if fire.zone:
        return str(fire.zone.zone_id)
    return str(dict(fire.facts).get("subject", f"{fire.symbol}:{fire.kind}"))[:96]


def direction_of(fire: Fire) -> str:
    """Return which way price goes: `up` towards shorts, `down` towards longs, else the fire's own word."""
    if fire.zone:
        return "up" if fire.zone.side is Side.SHORT else "down"
    return str(dict(fire.facts).get("direction", "any"))[:8]


def alert_id_of(fire: Fire) -> AlertId:
    """Return the id of the one alert that a fire becomes: short, the same at every walk."""
    return AlertId("a" + hashlib.blake2b(fire.fire_id.encode(), digest_size=8).hexdigest())
