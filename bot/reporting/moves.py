"""Follow what becomes of places: a channel deleted, the bot thrown out or let in again, a role deleted.

What was posted there comes to its owners, or rests, and they are told where they can be.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.alerting.parts import wall_clock_ms
from bot.lang import _, ngettext
from bot.reporting.notices import Notice, tell
from storage import reports, servers
from storage.channels import CHATS, home
from storage.places import within
from storage.state import StateStore
from storage.tables import Report, Rule, Server, ServerPlace

RulesChanged = Callable[[str], Awaitable[None]]


async def _nobody(_symbol: str) -> None:
    """Tell nobody that rules changed."""


class Moves:
    """What the state store keeps about the places of one platform, changed as the platform says.

    `rules_changed` is told of each symbol whose alerts go elsewhere now.
    """

    def __init__(
        self,
        channel: str,
        state: StateStore,
        *,
        rules_changed: RulesChanged = _nobody,
        now_ms: Callable[[], int] = wall_clock_ms,
        wall_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._channel = channel
        self._state = state
        self._rules_changed = rules_changed
        self._now_ms = now_ms
        self._wall_ms = wall_ms

    async def place_gone(self, place: str, name: str) -> int:
        """Take note that a channel, thread or topic was deleted; return how many alerts go elsewhere now.

        They come to their owners in private; those of a group itself rest, as reports do.
        """
        times = (self._now_ms(), self._wall_ms())
        symbols, count = await self._state.run(lambda s: _gone(s, self._channel, place, name, times))
        for symbol in symbols:
            await self._rules_changed(symbol)
        return count

    async def left(self, server_id: str, name: str) -> None:
        """Take note that the bot was thrown out of a server: what was posted there comes to its owners."""
        times = (self._now_ms(), self._wall_ms())
        await self._state.run(lambda session: _left(session, self._channel, server_id, name, times))

    async def returned(self, server_id: str, places: Iterable[str]) -> int:
        """Take note that the bot is in a server (again); return how many reports are posted there again."""
        here, wall_ms = list(places), self._wall_ms()

        def work(session: Session) -> int:
            woken = servers.return_to_server(session, server_id)
            servers.adopt(session, server_id, self._channel, here, wall_ms=wall_ms)
            return woken

        return await self._state.run(work)

    async def role_gone(self, server_id: str, role: str) -> bool:
        """Take note that a role was deleted; say whether the server had set it."""
        return await self._state.run(lambda session: servers.drop_role(session, server_id, role))


def _gone(
    session: Session, channel: str, place: str, name: str, times: tuple[int, int]
) -> tuple[Sequence[str], int]:
    reason = _("{name} was deleted").format(name=name)
    there = (Rule.to_channel == channel, within(Rule.to_place, place))
    moved = list(session.scalars(select(Rule).where(*there)))
    by_owner: dict[str, list[Rule]] = defaultdict(list)
    for rule in moved:
        by_owner[rule.user_id].append(rule)
        if home(rule.user_id)[0] in CHATS:
            rule.to_place = ""
        else:
            rule.paused = True
    rested = defaultdict(list)
    for report in reports.rest_reports(session, channel, place, reason):
        rested[report.user_id].append(report)
    _forget_place(session, channel, place)
    about = f"gone|{channel}|{place}"
    for owner in {*by_owner, *rested}:
        told = Notice(
            owner=owner,
            about=about,
            title=reason,
            text=_told(by_owner.get(owner, []), rested.get(owner, []), moved=True),
            left=(channel, place),
        )
        tell(session, told, now_ms=times[0], wall_ms=times[1])
    return sorted({rule.symbol for rule in moved}), len(moved)


def _forget_place(session: Session, channel: str, place: str) -> None:
    """Take a place out of what is known of its server."""
    known = select(ServerPlace).where(ServerPlace.channel == channel, within(ServerPlace.place, place))
    for row in session.scalars(known).all():
        server = session.get(Server, row.user_id)
        if server is not None and server.values.get("channel") == row.place:
            server.values = {name: value for name, value in server.values.items() if name != "channel"}
        session.delete(row)
    session.flush()


def _left(session: Session, channel: str, server_id: str, name: str, times: tuple[int, int]) -> None:
    reason = _("I was removed from {name}").format(name=name)
    rested = defaultdict(list)
    for report in servers.leave_server(session, server_id, reason[:200]):
        rested[report.user_id].append(report)
    by_owner: dict[str, list[Rule]] = defaultdict(list)
    for rule in servers.rules_of_server(session, server_id):
        by_owner[rule.user_id].append(rule)
    for owner in {*by_owner, *rested}:
        told = Notice(
            owner=owner,
            about=f"left|{server_id}|{times[1]}",
            title=reason,
            text=_told(by_owner.get(owner, []), rested.get(owner, []), moved=False),
            left=(channel, server_id.rpartition(":")[2]),
        )
        tell(session, told, now_ms=times[0], wall_ms=times[1])


def _told(rules: Sequence[Rule], rested: Sequence[Report], *, moved: bool) -> str:
    """Return what becomes of an owner's alerts and reports that were posted in a place."""
    lines = []
    if rules:
        count = ngettext(
            "{count} alert of yours was posted there", "{count} alerts of yours were posted there", len(rules)
        ).format(count=len(rules))
        where = _("it comes to you now: /alert list") if moved else _("it comes to you until I am back there")
        lines.append(f"{count}; {where}.")
    if rested:
        count = ngettext(
            "{count} report of yours rests: /report list",
            "{count} reports of yours rest: /report list",
            len(rested),
        )
        lines.append(f"{count.format(count=len(rested))}.")
    return "\n".join(lines)
