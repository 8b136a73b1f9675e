"""Run the pipeline on a state held in memory: what simulations, rule backtests and the benches use.

The stores do the same in one transaction; this holder shows in full what they have to load and to write.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

from engine.alerts import digest, pipeline
from engine.alerts.local_time import utc_day
from engine.alerts.pipeline import Outcome, Step
from engine.alerts.reasons import Reason
from engine.alerts.stage import (
    Action,
    Context,
    Cooling,
    EpisodeState,
    Held,
    OpenStep,
    Past,
    Policy,
    Preferences,
    RuleView,
    Stage,
    alert_id_of,
    direction_of,
    subject_of,
)
from engine.model import DAY_MS, AlertId, Fire, RuleId, Severity, UserId
from engine.rules.zone_proximity import ArmState

EpisodeKey = tuple[UserId, str, str, str]
StillTrue = Callable[[Fire], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One fire and what became of it so far; `steps` is its whole way, with times."""

    fire: Fire
    last: Outcome
    since_ms: int
    steps: tuple[tuple[int, Step], ...]
    carrier: AlertId | None = None

    @classmethod
    def of(cls, outcome: Outcome, now_ms: int) -> Self:
        """Return the record of a fire that has just walked for the first time."""
        steps = tuple((now_ms, step) for step in outcome.steps)
        return cls(fire=outcome.fire, last=outcome, since_ms=now_ms, steps=steps, carrier=outcome.carrier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message that rings: an alert, or a digest led by the worst of what it carries."""

    alert_id: AlertId
    owner: UserId
    severity: Severity
    at_ms: int
    digest: bool = False
    silent: bool = False


@dataclass(slots=True, kw_only=True)
class Memory:
    """Hold rules, wishes, arms and everything the pipeline remembers; mutable, for one thread."""

    policy: Policy = field(default_factory=Policy)
    stages: tuple[tuple[str, Stage], ...] = pipeline.STAGES
    rules: dict[RuleId, RuleView] = field(default_factory=dict)
    preferences: dict[UserId, Preferences] = field(default_factory=dict)
    arms: dict[RuleId, ArmState] = field(default_factory=dict)
    records: dict[AlertId, Record] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    cooling: dict[tuple[RuleId, str], Cooling] = field(default_factory=dict)
    episodes: dict[EpisodeKey, EpisodeState] = field(default_factory=dict)
    sent: dict[tuple[UserId, str], int] = field(default_factory=dict)
    critical: dict[tuple[UserId, str], int] = field(default_factory=dict)
    waiting: dict[AlertId, int] = field(default_factory=dict)
    about: dict[tuple[UserId, str], list[AlertId]] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    """The symbols whose data is stale now."""

    def submit(self, fire: Fire, now_ms: int) -> Outcome:
        """Walk a new fire and remember the outcome; a duplicate leaves no second record."""
        outcome = self._walk(fire, now_ms)
        if outcome.alert_id in self.records:
            return outcome
        self.about.setdefault((fire.owner, subject_of(fire)), []).append(outcome.alert_id)
        self._apply(outcome, Record.of(outcome, now_ms), now_ms)
        return outcome

    def sweep(self, now_ms: int, still_true: StillTrue) -> list[Outcome]:
        """Walk again what was held until now, oldest first, and send the digests that are due."""
        due = [i for i, until_ms in self.waiting.items() if until_ms <= now_ms]
        due.sort(key=lambda i: (self.records[i].fire.ts, i))
        outcomes = [self._again(i, now_ms, still_true) for i in due if self._held(i)]
        ready = [i for i in due if i in self.waiting and self.waiting[i] <= now_ms and not self._held(i)]
        self._digest(ready, now_ms)
        return outcomes

    def context(self, fire: Fire, now_ms: int, held: Held | None = None) -> Context:
        """Return every fact about a fire that the stages may ask for."""
        owner, subject, day = fire.owner, subject_of(fire), utc_day(now_ms)
        own = alert_id_of(fire)
        key = self._episode_key(fire)
        return Context(
            rule=self.rules[fire.rule_id],
            preferences=self.preferences.get(owner, Preferences()),
            policy=self.policy,
            seen=own in self.records,
            about=tuple(self._past(fire, own, now_ms)),
            open_steps=tuple(self._open_steps(owner, subject)),
            cooling=self.cooling.get((fire.rule_id, subject)),
            episode=self.episodes.get(key),
            group_due_ms=self._group_due_ms(key, own),
            sent_today=self.sent.get((owner, day), 0),
            critical_today=self.critical.get((owner, day), 0),
            held=held,
            stale=fire.symbol in self.stale,
        )

    def _walk(self, fire: Fire, now_ms: int, held: Held | None = None) -> Outcome:
        return pipeline.walk(fire, self.context(fire, now_ms, held), now_ms, stages=self.stages)

    def _held(self, alert_id: AlertId) -> bool:
        return self.records[alert_id].last.action is Action.HOLD

    def _again(self, alert_id: AlertId, now_ms: int, still_true: StillTrue) -> Outcome:
        """Walk a held fire again."""
        record = self.records[alert_id]
        held = Held(
            reason=record.last.reason,
            since_ms=record.since_ms,
            until_ms=self.waiting.pop(alert_id),
            still_true=still_true(record.fire),
        )
        outcome = self._walk(record.fire, now_ms, held)
        new = () if outcome.again else tuple((now_ms, step) for step in outcome.steps)
        following = replace(record, last=outcome, steps=record.steps + new, carrier=outcome.carrier)
        self._apply(outcome, following, now_ms)
        return outcome

    def _apply(self, outcome: Outcome, record: Record, now_ms: int) -> None:
        """Write an outcome down."""
        fire = outcome.fire
        self.records[outcome.alert_id] = record
        if outcome.until_ms is not None:
            self.waiting[outcome.alert_id] = outcome.until_ms
        if outcome.cooling is not None:
            self.cooling[(outcome.cooling.rule_id, outcome.cooling.subject)] = outcome.cooling
        if outcome.episode is not None:
            self.episodes[self._episode_key(fire)] = outcome.episode
        if outcome.action is Action.SEND:
            self._send(outcome, now_ms)

    def _send(self, outcome: Outcome, now_ms: int) -> None:
        fire, day = outcome.fire, (outcome.fire.owner, utc_day(now_ms))
        self.sent[day] = self.sent.get(day, 0) + 1
        if fire.severity is Severity.CRITICAL:
            self.critical[day] = self.critical.get(day, 0) + 1
        self.messages.append(
            Message(
                alert_id=outcome.alert_id,
                owner=fire.owner,
                severity=fire.severity,
                at_ms=now_ms,
                silent=outcome.silent,
            )
        )

    def _digest(self, due: list[AlertId], now_ms: int) -> None:
        """Send one digest to each owner of what is due, led by the worst of it."""
        by_owner: dict[UserId, list[AlertId]] = {}
        for alert_id in due:
            del self.waiting[alert_id]
            by_owner.setdefault(self.records[alert_id].fire.owner, []).append(alert_id)
        for owner, entries in by_owner.items():
            leader = max(entries, key=lambda i: self.records[i].fire.severity.rank)
            for alert_id in entries:
                carrier = None if alert_id == leader else leader
                self.records[alert_id] = replace(self.records[alert_id], carrier=carrier)
            self.messages.append(
                Message(
                    alert_id=leader,
                    owner=owner,
                    severity=self.records[leader].fire.severity,
                    at_ms=now_ms,
                    digest=True,
                    silent=not digest.rings(self.records[i].fire.severity for i in entries),
                )
            )

    def _audience(self, fire: Fire) -> str:
        return self.rules[fire.rule_id].destination.audience

    def _episode_key(self, fire: Fire) -> EpisodeKey:
        return fire.owner, fire.symbol, direction_of(fire), self._audience(fire)

    def _past(self, fire: Fire, own: AlertId, now_ms: int) -> list[Past]:
        """Return what a fire's audience was told in the last day about its subject, but for the fire."""
        ids = (i for i in self.about.get((fire.owner, subject_of(fire)), []) if i != own)
        records = (self.records[i] for i in ids)
        return [
            Past(
                alert_id=r.last.alert_id,
                rule_id=r.fire.rule_id,
                kind=r.fire.kind,
                severity=r.fire.severity,
                action=r.last.action,
                market_ms=r.fire.ts,
                carrier=r.carrier,
            )
            for r in records
            if r.fire.ts >= now_ms - DAY_MS and self._audience(r.fire) == self._audience(fire)
        ]

    def _open_steps(self, owner: UserId, subject: str) -> list[OpenStep]:
        """Return the fired steps of the owner's rules for a subject."""
        rules = {r.fire.rule_id for r in map(self.records.get, self.about.get((owner, subject), [])) if r}
        return [
            OpenStep(rule_id=rule_id, severity=severity, fired_ms=when)
            for rule_id in sorted(rules)
            for (zone_id, severity), when in self.arms.get(rule_id, ArmState()).fired.items()
            if str(zone_id) == subject
        ]

    def _group_due_ms(self, key: EpisodeKey, own: AlertId) -> int | None:
        """Return when the fires of an episode that wait for their group are due."""
        due = [
            until_ms
            for alert_id, until_ms in self.waiting.items()
            if alert_id != own and self._waits_in(alert_id, key)
        ]
        return min(due, default=None)

    def _waits_in(self, alert_id: AlertId, key: EpisodeKey) -> bool:
        record = self.records[alert_id]
        return record.last.reason is Reason.GROUP_WAIT and self._episode_key(record.fire) == key
