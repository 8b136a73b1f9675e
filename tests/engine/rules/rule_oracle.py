"""Evaluate rules the slow way: a loop over all of them, each with the truth of each of its leaves."""

import math
from dataclasses import dataclass, field

from engine.rules.feature import Direction, Feature, Threshold


@dataclass
class Kept:
    plan: object
    leaves: list[list[bool]]
    waits: dict[int, tuple[int, int]] = field(default_factory=dict)
    spent: bool = False
    ended: bool = False


@dataclass
class Oracle:
    values: dict = field(default_factory=dict)
    rules: dict[int, Kept] = field(default_factory=dict)

    def add(self, plans):
        for number, plan in plans.items():
            self.rules[number] = Kept(plan, [[self.holds(x, was=False) for x in b] for b in plan.branches])

    def remove(self, number):
        self.rules.pop(number, None)

    def holds(self, leaf, *, was):
        value = self.values.get(key_of(leaf))
        if value is None:
            return False
        if not isinstance(leaf, Threshold):
            return value > 0.5
        if leaf.direction is Direction.ABOVE:
            return value > leaf.value or (was and value > leaf.rearm)
        return value < leaf.value or (was and value < leaf.rearm)

    def update(self, key, value, ts, *, late=False):
        if value is None or math.isnan(value):
            return []
        first = isinstance(key, Feature) and key not in self.values
        self.values[key] = value
        return [hit for n in self.rules for hit in self.look(n, {key}, ts, late=late, first=first)]

    def move(self, number, plan, ts):
        if number not in self.rules:
            return []
        kept = self.rules[number]
        keys = {key_of(x) for b in plan.branches for x in b}
        kept.plan = plan
        return self.look(number, keys, ts)

    def look(self, number, keys, ts, *, late=False, first=False):
        kept = self.rules[number]
        was = [list(b) for b in kept.leaves]
        for b, branch in enumerate(kept.plan.branches):
            for i, leaf in enumerate(branch):
                if key_of(leaf) in keys:
                    kept.leaves[b][i] = self.holds(leaf, was=was[b][i])
        if first:
            return []
        hits = self.broken(number, was, ts, late=late)
        began = []
        for b, now in enumerate(kept.leaves):
            if all(now) and not all(was[b]) and not kept.spent:
                leaf = next(i for i, risen in enumerate(now) if risen and not was[b][i])
                if kept.plan.for_ms:
                    kept.waits[b] = ts, leaf
                elif not began:
                    began = [(b, leaf)]
        return hits + [hit for b, leaf in began for hit in self.fire(number, b, ts, leaf, late=late)]

    def broken(self, number, was, ts, *, late):
        kept, hits = self.rules[number], []
        for b, now in enumerate(kept.leaves):
            if all(was[b]) and not all(now) and b in kept.waits:
                since, leaf = kept.waits.pop(b)
                due = since + kept.plan.for_ms
                if due < ts and not late and not hits:
                    hits += self.fire(number, b, due, leaf)
        return hits

    def fire(self, number, branch, ts, leaf, *, late=False):
        kept = self.rules[number]
        if kept.spent or (kept.plan.expires_ms is not None and ts >= kept.plan.expires_ms):
            return []
        kept.spent = kept.plan.once
        return [(number, branch, leaf, ts, late)]

    def due(self, now):
        hits = []
        for number, kept in self.rules.items():
            mine = []
            for b in sorted(kept.waits, key=lambda b: (kept.waits[b][0], b)):
                since, leaf = kept.waits[b]
                if since + kept.plan.for_ms <= now:
                    del kept.waits[b]
                    mine += self.fire(number, b, since + kept.plan.for_ms, leaf) if not mine else []
            hits += mine
        return hits

    def expired(self, now):
        out = []
        for number, kept in self.rules.items():
            end = kept.plan.expires_ms
            if end is not None and end <= now and not kept.ended:
                kept.ended = True
                out.append(number)
        return out


def key_of(leaf):
    return leaf.feature if isinstance(leaf, Threshold) else leaf
