"""Let calls pass in their turn: one budget a limit, one memory of what a venue refuses. Waits are seconds."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from adapters.health import Health, LimitUse
from adapters.rest.calls import Call, CallFailed, Site
from adapters.rest.limits import Budget, Spent
from adapters.rest.verdicts import Outcome, Scope, Verdict, again
from adapters.rest.waiting import Clock

SLACK_S = 1.0
"""How long after its deadline a call that waits for its turn is given up."""


@dataclass(slots=True)
class Gate:
    """One limit's budget and who waits for it: first come, first served."""

    budget: Budget | None
    shut_until_s: float = -math.inf
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def idle(self) -> bool:
        """Say whether nobody waits here."""
        return not self.turn.locked()


@dataclass(slots=True)
class Place:
    """A call's place among those under way, and whether it was sent from there."""

    gate: Gate
    sent: bool = False


class Gates:
    """Be what every call to one venue passes. A limit has a gate for each of those that it counts for."""

    WAITING = 2000
    """How many calls may wait at a time; more are turned away."""
    KEPT = 4096
    """How many limits of single instruments are remembered."""
    FINAL = 4096
    """How many final answers are remembered; the oldest is forgotten first."""

    def __init__(self, site: Site, clock: Clock, health: Health) -> None:
        self._site = site
        self._clock = clock
        self._health = health
        self._limits = {limit.name: limit for limit in site.limits}
        self._gates: OrderedDict[tuple[str, str], Gate] = OrderedDict()
        self._final: OrderedDict[str, Verdict] = OrderedDict()
        self._slots = asyncio.Semaphore(site.parallel)
        self._shut_until_s = -math.inf
        self._waiting = 0
        health.meter = self.uses

    def __len__(self) -> int:
        return len(self._gates)

    @property
    def final(self) -> Mapping[str, str]:
        """Return what will not be asked again, and why; "" stands for the whole venue."""
        return {about: verdict.reason for about, verdict in self._final.items()}

    def forget(self, about: str = "") -> None:
        """Forget a final answer."""
        self._final.pop(about, None)
        if not about:
            self._health.end("")

    def used(self, limit: str, per: str = "") -> int:
        """Return what of a limit is used up now, 0 where nothing ever counted against it."""
        gate = self._gates.get((limit, per))
        return gate.budget.used(self._clock.monotonic()) if gate and gate.budget else 0

    def uses(self) -> dict[str, LimitUse]:
        """Return what of each limit that was ever called on is used up now; of several alike, the most."""
        now_s, found = self._clock.monotonic(), dict[str, LimitUse]()
        for (name, _), gate in self._gates.items():
            if gate.budget is not None:
                before = found[name].used if name in found else 0
                used = max(before, gate.budget.used(now_s))
                found[name] = LimitUse(used=used, budget=gate.budget.limit.budget)
        return found

    @asynccontextmanager
    async def admitted(self, call: Call, deadline_s: float) -> AsyncIterator[Place]:
        """Hold a place and the weight of a call while it is under way.

        Raise CallFailed where it may not be sent by then, ValueError where it never may.
        """
        if self._waiting >= self.WAITING:
            raise CallFailed(self._site.venue, call, again("is asked for too much at once"))
        gate = self._gate(call)
        self._waiting += 1
        try:
            async with self._in_turn(call, gate, deadline_s):
                spent = await self._taken(call, gate, deadline_s)
        finally:
            self._waiting -= 1
        place = Place(gate)
        try:
            async with self._slots:
                yield place
        finally:
            if gate.budget is not None and spent is not None:
                if place.sent:
                    gate.budget.done(spent, self._clock.monotonic())
                else:
                    gate.budget.unsent(spent)
            gate.freed.set()

    @asynccontextmanager
    async def _in_turn(self, call: Call, gate: Gate, deadline_s: float) -> AsyncIterator[None]:
        """Wait for the turn of a call behind others, not longer than until its deadline."""
        try:
            async with asyncio.timeout(max(0.0, deadline_s - self._clock.monotonic()) + SLACK_S):
                await gate.turn.acquire()
        except TimeoutError:
            raise CallFailed(self._site.venue, call, again("has too much to answer before")) from None
        try:
            yield
        finally:
            gate.turn.release()

    def shut_s(self, gate: Gate) -> float:
        """Return for how many seconds more the venue asked not to be asked; 0 or less if it did not."""
        return max(self._shut_until_s, gate.shut_until_s) - self._clock.monotonic()

    def check_final(self, call: Call) -> None:
        """Raise CallFailed if a final answer covers a call."""
        for about in ("", call.about, call.path):
            verdict = self._final.get(about)
            if verdict is not None:
                raise CallFailed(self._site.venue, call, verdict)

    def learn(self, call: Call, verdict: Verdict, delay_s: float) -> None:
        """Remember what an answer means for other calls; `delay_s` is how long this one is put off."""
        self._health.error(verdict.reason)
        if verdict.outcome is Outcome.FINAL:
            about = "" if verdict.scope is Scope.VENUE else call.about or call.path
            self._final[about] = verdict
            if not about:
                self._health.end(verdict.reason)
            if len(self._final) > self.FINAL:
                self._final.popitem(last=False)
        if verdict.outcome is Outcome.RETRY:
            until_s = self._clock.monotonic() + delay_s
            gate = self._gate(call)
            if verdict.scope is Scope.VENUE:
                self._shut_until_s = max(self._shut_until_s, until_s)
            elif verdict.scope is Scope.LIMIT:
                gate.shut_until_s = max(gate.shut_until_s, until_s)

    async def _taken(self, call: Call, gate: Gate, deadline_s: float) -> Spent | None:
        """Wait until a call may be sent and take its weight; raise CallFailed if that would be too late."""
        while True:
            self.check_final(call)
            now_s = self._clock.monotonic()
            free_s = gate.budget.delay_s(call.weight, now_s) if gate.budget else 0.0
            delay_s = max(self.shut_s(gate), free_s)
            if delay_s <= 0:
                return gate.budget.take(call.weight, now_s) if gate.budget else None
            if now_s + delay_s > deadline_s and (math.isfinite(delay_s) or now_s >= deadline_s):
                raise CallFailed(self._site.venue, call, again("must not be asked yet", after_s=delay_s))
            gate.freed.clear()
            await self._clock.wait(gate.freed, min(delay_s, deadline_s - now_s))

    def _gate(self, call: Call) -> Gate:
        """Return the gate of a call; raise ValueError for a limit or a weight that cannot be."""
        limit = self._limits.get(call.limit)
        if (limit is None and call.limit) or (limit is not None and call.weight > limit.budget):
            raise ValueError(f"{call.path}: {call.weight} of the limit {call.limit!r} can never be had")
        key = (call.limit, call.per)
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = Gate(Budget(limit) if limit else None)
            self._tidy()
        self._gates.move_to_end(key)
        return gate

    def _tidy(self) -> None:
        """Forget the gates unused for longest, where nothing counts any more."""
        now_s = self._clock.monotonic()
        for key in list(self._gates)[: max(0, len(self._gates) - self.KEPT)]:
            gate = self._gates[key]
            quiet = gate.budget is None or gate.budget.used(now_s) == 0
            if quiet and gate.idle and gate.shut_until_s <= now_s:
                del self._gates[key]
