"""Define the tables of the state store: everything that users own and that must never be lost.

Times are int64 ms UTC. `*_ms` of market facts, cooldowns, quiet hours, holds and limits are market time
(the replay's when replaying); `wall_*` are the machine's clock (leases, retries, deadlines). `epoch` grows
when a replay is sought backwards: rows of an older epoch no longer bind.
"""

from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Collect the tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {dict[str, Any]: JSON, list[Any]: JSON, int: BigInteger}


def _owner(*, primary_key: bool = False) -> Mapped[str]:
    return mapped_column(
        String(128),
        ForeignKey("users.user_id", ondelete="CASCADE"),
        primary_key=primary_key,
        index=not primary_key,
    )


class User(Base):
    """One person (or the local user of the panel and console), `front:number`."""

    __tablename__ = "users"
    user_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    created_wall_ms: Mapped[int]
    seen_wall_ms: Mapped[int]


class Settings(Base):
    """What one user has set; a missing row means the defaults."""

    __tablename__ = "settings"
    user_id: Mapped[str] = _owner(primary_key=True)
    values: Mapped[dict[str, Any]]


class Rule(Base):
    """One standing condition of one user: `/watch` makes one of kind `zone_proximity`.

    `params` for zone_proximity: `within` {severity: fraction}, `min_notional_usd` number or null for auto,
    `side` long|short|null, `hysteresis` fraction, `quiet_critical` bool; for all others
    `engine.rules.stored`. `to_channel` and `to_place` say where its alerts go (`inapp` and empty for the
    local fronts). `ended_ms` is when it spoke for the last time or ran out, null while it lives, and
    `ended_reason` which of the two (`storage.rules.Ended`).
    """

    __tablename__ = "rules"
    rule_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    user_id: Mapped[str] = _owner()
    kind: Mapped[str] = mapped_column(String(32))
    symbol: Mapped[str] = mapped_column(String(32), index=True)
    params: Mapped[dict[str, Any]]
    cooldown_s: Mapped[int]
    to_channel: Mapped[str] = mapped_column(String(32))
    to_place: Mapped[str] = mapped_column(String(256), default="")
    paused: Mapped[bool] = mapped_column(default=False)
    snoozed_until_ms: Mapped[int | None]
    note: Mapped[str] = mapped_column(String(400), default="")
    created_ms: Mapped[int]
    created_wall_ms: Mapped[int]
    ended_ms: Mapped[int | None]
    ended_reason: Mapped[str] = mapped_column(String(32), default="", server_default="")
    __table_args__ = ({"sqlite_autoincrement": True},)


class Arm(Base):
    """A severity step of a rule that has fired for a subject (a zone) and is not armed again yet."""

    __tablename__ = "rule_arms"
    rule_id: Mapped[int] = mapped_column(ForeignKey("rules.rule_id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(96), primary_key=True)
    severity: Mapped[str] = mapped_column(String(16), primary_key=True)
    user_id: Mapped[str] = _owner()
    fired_ms: Mapped[int]
    epoch: Mapped[int]


class FeatureValue(Base):
    """What a number that rules look at last was, nobody's own.

    `key` is how `engine.rules.remembered` writes it; `at_ms` the time up to which its market had been seen.
    """

    __tablename__ = "feature_values"
    key: Mapped[str] = mapped_column(String(160), primary_key=True)
    symbol: Mapped[str] = mapped_column(String(32), index=True)
    value: Mapped[float]
    at_ms: Mapped[int]
    epoch: Mapped[int]


class RuleMemory(Base):
    """What evaluating one rule has to remember beyond the values.

    `what` is `held` (a leaf, `place`, true at `key` and `value` by hysteresis alone), `wait` (a branch,
    `place`, true since `since_ms` by `leaf`) or `spent` (it fires once, and has).
    """

    __tablename__ = "rule_memory"
    rule_id: Mapped[int] = mapped_column(ForeignKey("rules.rule_id", ondelete="CASCADE"), primary_key=True)
    what: Mapped[str] = mapped_column(String(8), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = _owner()
    key: Mapped[str] = mapped_column(String(160))
    value: Mapped[float]
    since_ms: Mapped[int]
    leaf: Mapped[int]
    epoch: Mapped[int]


class WaitingHit(Base):
    """A rule that has fired among so many that its turn to be decided has not come; `hit` is what it saw."""

    __tablename__ = "waiting_hits"
    hit_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    rule_id: Mapped[int] = mapped_column(ForeignKey("rules.rule_id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = _owner()
    hit: Mapped[dict[str, Any]]
    epoch: Mapped[int]


class Cooldown(Base):
    """Until when a rule stays silent about a subject, at and below a severity."""

    __tablename__ = "cooldowns"
    rule_id: Mapped[int] = mapped_column(ForeignKey("rules.rule_id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(96), primary_key=True)
    user_id: Mapped[str] = _owner()
    severity: Mapped[str] = mapped_column(String(16))
    until_ms: Mapped[int]
    epoch: Mapped[int]


class DailyCount(Base):
    """How many alerts a user was sent on one UTC day (`YYYY-MM-DD`) of market time."""

    __tablename__ = "daily_counts"
    user_id: Mapped[str] = _owner(primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    sent: Mapped[int]


class Episode(Base):
    """A run of alerts of one user about one symbol in one direction, led by one message.

    `audience` is `channel|place`: what is told in a group never folds into a private message, or back.
    `critical_ms` is when its last critical came, folded or not; null where none has.
    """

    __tablename__ = "episodes"
    user_id: Mapped[str] = _owner(primary_key=True)
    symbol: Mapped[str] = mapped_column(String(32), primary_key=True)
    direction: Mapped[str] = mapped_column(String(8), primary_key=True)
    audience: Mapped[str] = mapped_column(String(300), primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(64))
    severity: Mapped[str] = mapped_column(String(16))
    opened_ms: Mapped[int]
    last_ms: Mapped[int]
    critical_ms: Mapped[int | None]
    folded: Mapped[int]
    epoch: Mapped[int]


class Alert(Base):
    """What became of one fire: every fire has exactly one row here, sent or not.

    `action` is the last stage's word (send, fold, hold, digest, suppress, void), `reason` its named reason,
    `carrier_id` the alert whose message carries a folded or digested one, `facts` what a message is made of.
    """

    __tablename__ = "alerts"
    alert_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    fire_id: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = _owner()
    rule_id: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(32))
    symbol: Mapped[str] = mapped_column(String(32))
    severity: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(96))
    audience: Mapped[str] = mapped_column(String(300))
    market_ms: Mapped[int]
    wall_ms: Mapped[int]
    price: Mapped[float]
    action: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    hold_until_ms: Mapped[int | None]
    carrier_id: Mapped[str | None] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]]
    epoch: Mapped[int]
    __table_args__ = (
        Index("ix_alerts_user_market", "user_id", "market_ms"),
        Index("ix_alerts_user_action", "user_id", "action"),
        Index("ix_alerts_carrier", "carrier_id"),
    )


class AlertStep(Base):
    """One stage's word on one alert: the whole way of a fire can be read from these rows."""

    __tablename__ = "alert_steps"
    step_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.alert_id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = _owner()
    at_ms: Mapped[int]
    stage: Mapped[str] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(200))


class Delivery(Base):
    """One alert to one destination: the outbox row, the truth about what was sent.

    `key` is sha256(alert|channel|destination), `edits` the revision of a message that is edited as an episode
    grows (0 the first). States: docs/delivery.md. `lease_owner` fences a worker that lost its lease.
    """

    __tablename__ = "deliveries"
    delivery_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    key: Mapped[str] = mapped_column(String(64))
    revision: Mapped[int] = mapped_column(default=0)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.alert_id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = _owner()
    channel: Mapped[str] = mapped_column(String(32))
    destination: Mapped[str] = mapped_column(String(256))
    severity: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(200), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    message: Mapped[dict[str, Any]]
    remote_id: Mapped[str | None] = mapped_column(String(128))
    market_ms: Mapped[int]
    created_wall_ms: Mapped[int]
    next_wall_ms: Mapped[int]
    lease_wall_ms: Mapped[int | None]
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    expires_wall_ms: Mapped[int | None]
    epoch: Mapped[int]
    __table_args__ = (
        UniqueConstraint("key", "revision", name="uq_deliveries_key_revision"),
        Index("ix_deliveries_due", "state", "priority", "next_wall_ms"),
        Index("ix_deliveries_channel_due", "channel", "state", "priority", "next_wall_ms"),
        Index("ix_deliveries_user_market", "user_id", "market_ms"),
    )


class DeliveryEvent(Base):
    """One transition of one delivery, with its time and reason."""

    __tablename__ = "delivery_events"
    event_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("deliveries.delivery_id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[str] = _owner()
    wall_ms: Mapped[int]
    from_state: Mapped[str] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(200))


class FollowUp(Base):
    """A sweep whose message is edited at `due_ms` (market time), when liquidations are added up.

    They count from `since_ms` on, of the zone's side; `predicted_usd` is what the zone was thought to hold.
    """

    __tablename__ = "follow_ups"
    alert_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("alerts.alert_id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = _owner()
    symbol: Mapped[str] = mapped_column(String(32))
    side: Mapped[str] = mapped_column(String(8))
    since_ms: Mapped[int]
    due_ms: Mapped[int] = mapped_column(index=True)
    predicted_usd: Mapped[float]
    epoch: Mapped[int]


class Share(Base):
    """A rule that its owner gave away by a code: the rule alone, with no note, destination or expiry."""

    __tablename__ = "shares"
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = _owner()
    payload: Mapped[dict[str, Any]]
    created_wall_ms: Mapped[int]


class Draft(Base):
    """An alert that its owner was shown and may save; `rule_id` is what it became, null while it waits."""

    __tablename__ = "drafts"
    draft_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    user_id: Mapped[str] = _owner()
    body: Mapped[dict[str, Any]]
    made_wall_ms: Mapped[int]
    rule_id: Mapped[int | None]


class Dialogue(Base):
    """Questions that somebody is asked one after the other in one place, as far as they are answered."""

    __tablename__ = "dialogues"
    user_id: Mapped[str] = _owner(primary_key=True)
    place: Mapped[str] = mapped_column(String(128), primary_key=True)
    key: Mapped[str] = mapped_column(String(16))
    body: Mapped[dict[str, Any]]
    at_wall_ms: Mapped[int]


class Label(Base):
    """Whether a user found an alert useful; it outlives the alert, to be learned from."""

    __tablename__ = "labels"
    alert_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = _owner(primary_key=True)
    useful: Mapped[bool]
    at_wall_ms: Mapped[int]


class OwnChannel(Base):
    """A way to a user that they set up themselves: a mail address, a webhook, a service.

    `address` and `secret` are sealed (`storage.sealed`); `mark` is a keyed fingerprint of the address.
    `severities` are the names of those that it takes. `position` orders the channels of a user, from 1 up.
    Alerts are sent to it from `verified_wall_ms` on, while `off_reason` is empty.
    """

    __tablename__ = "channels"
    channel_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    user_id: Mapped[str] = _owner()
    kind: Mapped[str] = mapped_column(String(32))
    address: Mapped[str] = mapped_column(String(4096))
    secret: Mapped[str] = mapped_column(String(512), default="")
    mark: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(40), default="")
    severities: Mapped[list[Any]]
    position: Mapped[int]
    created_wall_ms: Mapped[int]
    verified_wall_ms: Mapped[int | None]
    off_reason: Mapped[str] = mapped_column(String(200), default="")
    ok_wall_ms: Mapped[int | None]
    failed_wall_ms: Mapped[int | None]
    failed_reason: Mapped[str] = mapped_column(String(200), default="")
    __table_args__ = ({"sqlite_autoincrement": True},)


class ChannelCode(Base):
    """The one code that proves a channel now: its keyed digest, its end, how often another was tried."""

    __tablename__ = "channel_codes"
    channel_id: Mapped[int] = mapped_column(
        ForeignKey("channels.channel_id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = _owner()
    digest: Mapped[str] = mapped_column(String(64))
    until_wall_ms: Mapped[int]
    tries: Mapped[int]


class CodeMark(Base):
    """That a code was sent, under a keyed fingerprint of to where or for whom; nobody's own.

    It counts until `until_wall_ms`, and outlives the user, so that whoever is forgotten cannot begin anew.
    `refused`: the reader of that address wants no codes.
    """

    __tablename__ = "code_marks"
    mark_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    mark: Mapped[str] = mapped_column(String(64), index=True)
    until_wall_ms: Mapped[int] = mapped_column(index=True)
    refused: Mapped[bool]


class Server(Base):
    """One server of Discord or group of Telegram that is known here, and what its managers set.

    It is kept as an owner of its own (`user_id`): `discord:server-200`, `telegram:-100123`. `values` are what
    `/setup` sets; `away_reason` why the bot is not in it, empty while it is.
    """

    __tablename__ = "servers"
    user_id: Mapped[str] = _owner(primary_key=True)
    values: Mapped[dict[str, Any]]
    away_reason: Mapped[str] = mapped_column(String(200), default="")


class ServerPlace(Base):
    """A channel, thread or topic of a server that something is posted into: whose it is."""

    __tablename__ = "server_places"
    channel: Mapped[str] = mapped_column(String(32), primary_key=True)
    place: Mapped[str] = mapped_column(String(256), primary_key=True)
    user_id: Mapped[str] = _owner()


class Report(Base):
    """A picture with figures that is posted again and again, by market time; `kind` "dashboard" is one too.

    `user_id` is who made it, `server_id` the server it is posted in, empty for a direct message. `every_s`
    are seconds between two posts, `at_min` minutes after local midnight from which they are counted. With
    `post` "edit" the message of `alert_id` is changed, with "new" each is a message of its own. `next_ms` is
    when it is due, `posted_wall_ms` when the last one was queued, `number` how many were. It rests while
    `off_reason` says why.
    """

    __tablename__ = "reports"
    report_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    user_id: Mapped[str] = _owner()
    server_id: Mapped[str] = mapped_column(String(128), default="", index=True)
    kind: Mapped[str] = mapped_column(String(16))
    symbol: Mapped[str] = mapped_column(String(32))
    window_ms: Mapped[int]
    every_s: Mapped[int]
    at_min: Mapped[int]
    to_channel: Mapped[str] = mapped_column(String(32))
    to_place: Mapped[str] = mapped_column(String(256), default="")
    post: Mapped[str] = mapped_column(String(8))
    off_reason: Mapped[str] = mapped_column(String(200), default="")
    next_ms: Mapped[int] = mapped_column(index=True)
    posted_wall_ms: Mapped[int | None]
    number: Mapped[int] = mapped_column(default=0)
    alert_id: Mapped[str | None] = mapped_column(String(64))
    created_wall_ms: Mapped[int]
    __table_args__ = (Index("ix_reports_place", "to_channel", "to_place"), {"sqlite_autoincrement": True})


class Note(Base):
    """Small facts of the installation itself: the replay's position and epoch. Never a user's."""

    __tablename__ = "notes"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]
