"""Everything that one person can try on what another owns: each command and button, with the other's numbers.

Commands come from the registry, so a new one is tried by itself; a parameter of which it is not said here
what it may name stops the test that tries it.
"""

import asyncio
import json
from dataclasses import dataclass

from bot.commands import ids
from bot.commands.registry import COMMANDS
from bot.commands.reply import Caller
from bot.commands.rule_read import line_of
from bot.commands.spec import Kind
from engine.model import Tick
from storage.forget import export

SECRETS = ("sesame", "61,234", "61234", "187,654", "187654", "Kathmandu", "22:10", "06:50")
"""What is only in things that the other owns."""
STOLEN = (
    "settings",
    "rules",
    "rule_arms",
    "alerts",
    "alert_steps",
    "deliveries",
    "shares",
    "drafts",
    "labels",
    "reports",
    "dialogues",
)
"""Tables in which the other has something."""
OWNED = frozenset({"id", "draft", "alert", "until", "signature", "made", "key"})
"""Parameters that name what somebody owns."""
FREE = {
    "payload": "watch",
    "command": "alert",
    "weights": "25:1",
    "address": "0x" + "0" * 40,
    "when": "btc falls 4% in 15m",
    "type": "price_change",
    "value": "60000",
    "by": "3%",
    "window": "15m",
    "direction": "up",
    "side": "long",
    "times": "5x",
    "usd": "1M",
    "with": "window=1h",
    "note": "mine",
    "other": "severity=critical",
    "name": "wake-up",
    "code": "0" * 32,
    "venue": "binance",
    "query": "btc",
    "severities": "critical",
    "label": "phone",
    "channel": "here",
    "who": "everyone",
    "ping": "none",
}
"""Texts that name nothing of anybody's; a share code is for everybody."""


@dataclass(frozen=True, kw_only=True)
class Loot:
    """The names of what the other owns, as they stand in their buttons and lists."""

    owner: str
    names: dict
    headline: str
    before: dict


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One command with values, by name."""

    command: object
    values: dict

    @property
    def line(self):
        """Return it as it is typed."""
        return line_of(self.command.name, self.values)

    @property
    def button(self):
        """Return it as a button; empty where platforms take none so long."""
        named = [f"{name}={value}" for name, value in self.values.items()]
        plain = [self.values[p.name] for p in self.command.parameters if p.name in self.values]
        made = [
            ids.action(self.command.noun, self.command.verb, *args, edits=True) for args in (named, plain)
        ]
        return made[0] or made[1]


async def rob(desk, owner, front, zones):
    """Let somebody own one of everything, and return its names."""
    caller = Caller(user_id=owner, front=front)

    async def ask(line):
        desk.seconds[0] += 60
        reply = await desk.commands.dispatch(line, caller)
        assert not reply.failed, (line, reply.error)
        return reply

    async def press(action):
        desk.seconds[0] += 60
        return await desk.commands.press(action, caller)

    await ask('/alert add btc below 61234 note="sesame-note" save=yes')
    await ask("/watch btc min=1M")
    for after_ms, price in ((0, 113_204.5), (60_000, 113_950.0), (120_000, 113_204.5)):
        at_ms = desk.market.at_ms + after_ms
        tick = Tick(venue="binance", symbol="BTCUSDT", ts=at_ms, price=price, interpolated=True)
        await desk.alerting.on_tick(tick, zones)
    await desk.alerting.sweep(desk.market.at_ms)
    await ask("/settings set tz=Asia/Kathmandu quiet=22:10-06:50")
    fired, *_ = await desk.alerting.history(owner, limit=1)
    number = (await ask("/alert list")).table.rows[0][0]
    await press(ids.action("alert", "useful", fired.alert_id))
    await ask(f"/alert share {number}")
    shown = await ask('/alert add btc above 187654 note="sesame-draft"')
    asked = await ask("/data forget")
    stamp, signature = _args(asked, "forget-now")
    sure = await ask(f"/alert remove {number}")
    reported = await ask("/report add eth every=4h to=dm")
    begun = await ask("/alert add")
    names = {
        "id": number,
        "draft": _args(shown, "save")[0],
        "alert": fired.alert_id,
        "until": stamp,
        "signature": signature,
        "made": _args(sure, "remove-now")[1],
        "report": _args(reported, "pause")[0],
        "key": _args(begun, "stop")[0],
    }
    before = await kept(desk, owner)
    async with asyncio.timeout(30):
        while not before["alert_history"]:
            await asyncio.sleep(0.01)
            before = await kept(desk, owner)
    empty = [table for table in STOLEN if not before[table]]
    assert not empty, f"there is nothing to steal in {empty}"
    return Loot(owner=owner, names=names, headline=fired.headline, before=before)


async def kept(desk, owner):
    """Return every row of both stores that is somebody's, by table."""
    return await export(desk.services.privacy.state, desk.services.privacy.store, owner)


def attempts(front, loot):
    """Return every command of a front with what the other owns, and with each thing it can do to it."""
    found = []
    for command in COMMANDS:
        if front not in command.fronts:
            continue
        known = {p.name: _value(command, p, loot) for p in command.parameters if front in p.fronts}
        owned = {name: value for name, value in known.items() if name in OWNED}
        least = {p.name: known[p.name] for p in command.parameters if p.required} | owned
        found.append(Attempt(command=command, values=least))
        if not owned:
            continue
        others = known.items() - least.items()
        found += [Attempt(command=command, values=least | {name: value}) for name, value in sorted(others)]
        found += [
            Attempt(command=command, values=least | {p.name: word})
            for p in command.parameters
            if p.name in OWNED
            for word in p.words
        ]
    return found


def _value(command, parameter, loot):
    """Return what is tried for a parameter, as it is typed."""
    if parameter.name in OWNED:
        return loot.names["report" if command.noun == "report" else parameter.name]
    if parameter.kind in (Kind.TEXT, Kind.WORDS, Kind.ID):
        told = f"say in {__file__} whether {parameter.name} of /{command.name} names what somebody owns"
        assert parameter.name in FREE, told
        return FREE[parameter.name]
    if parameter.kind is Kind.CHOICE:
        return parameter.choices[0].value
    if parameter.kind is Kind.BOOL:
        return "yes"
    return {Kind.SYMBOL: "btc", Kind.PRICE: "112000"}.get(parameter.kind) or (*parameter.examples, "0")[0]


def _args(reply, verb):
    """Return what the button of a verb carries."""
    pressed = [ids.read(button.action) for row in reply.buttons for button in row]
    return next(p.args for p in pressed if p.verb == verb)


async def nothing_was_had(desk, loot, thief, told):
    """Assert that what is the other's is as it was, and that nothing of it was shown or is the thief's."""
    mine = json.dumps(await kept(desk, thief), default=str)
    found = [secret for secret in (*SECRETS, loot.owner, loot.headline) if secret in told or secret in mine]
    assert not found, f"shown or taken: {found}"
    assert loot.names["alert"] not in mine, "something is kept of an alert of the other"
    after = await kept(desk, loot.owner)
    changed = {table: rows for table, rows in after.items() if rows != loot.before[table]}
    assert not changed, f"changed: {changed}"
