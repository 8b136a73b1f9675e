"""Let what a server has set hold for what is posted in it: its clock, language, quiet hours, budget, whom to
ping.

A server that sets its time zone or quiet hours goes by its own clock; what a member has set for themself does
not hold there. Of the member's daily limit and the server's budget the one with less left counts. Neither
ever drops a critical: the stages are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from bot.lang.choice import CHOSEN, language_of
from engine.alerts.local_time import in_quiet, utc_day
from engine.alerts.stage import Context, Destination, Preferences, Quiet, QuietMode
from engine.model import DAY_MS, Fire, Severity
from storage import alert_state, servers
from storage.channels import CHATS
from storage.servers import Hosted

PING = "ping_role"
BUDGET = "budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A daily limit, and what was sent under it today; `used` is what counts for the fire at hand."""

    limit: int
    used: int


def host_of(session: Session, place: Destination) -> Hosted | None:
    """Return the server that a destination belongs to, None for direct messages and the like."""
    if place.channel not in CHATS or not place.place:
        return None
    return servers.host_of(session, place.channel, place.place)


def quiet_of(hours: object, mode: object) -> Quiet | None:
    """Return quiet hours from "22:00-07:00" and hold, silent or drop."""
    if not isinstance(hours, str) or "-" not in hours:
        return None
    ends = [minute for clock in hours.split("-") if (minute := minute_of(clock)) is not None]
    if len(ends) != 2:
        return None
    chosen = QuietMode(mode) if isinstance(mode, str) and mode in set(QuietMode) else QuietMode.HOLD
    return Quiet(start_min=ends[0], end_min=ends[1], mode=chosen)


def minute_of(clock: object) -> int | None:
    """Return the minutes after midnight of "HH:MM", None for anything else."""
    hour, _, minute = str(clock).strip().partition(":")
    if hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60:
        return int(hour) * 60 + int(minute)
    return None


def preferences_in(own: Preferences, values: Mapping[str, Any]) -> Preferences:
    """Return what holds for an owner's posts in a server with these settings."""
    own = replace(own, language=language_of({CHOSEN: values.get("language")}, default=own.language))
    tz, quiet = values.get("tz"), values.get("quiet")
    if not tz and not isinstance(quiet, str):
        return own
    chosen = tz if isinstance(tz, str) and tz else own.tz
    return replace(own, tz=chosen, quiet=quiet_of(quiet, values.get("quiet_mode")))


def is_quiet(values: Mapping[str, Any], now_ms: int) -> bool:
    """Say whether a server's quiet hours are on."""
    return in_quiet(preferences_in(Preferences(), values), now_ms)


def hosted(
    session: Session, context: Context, host: Hosted, fire: Fire, now_ms: int, *, epoch: int
) -> Context:
    """Return the facts about a fire whose message is posted in a server, with what the server has set."""
    preferences = preferences_in(context.preferences, host.values)
    found = replace(context, preferences=preferences)
    budget = host.values.get(BUDGET)
    if not isinstance(budget, int) or isinstance(budget, bool):
        return found
    sent = alert_state.sent_on(session, host.server_id, utc_day(now_ms), epoch=epoch)
    critical = fire.severity is Severity.CRITICAL
    day_ms = now_ms - now_ms % DAY_MS
    rang = servers.criticals_in(session, host.server_id, day_ms, epoch=epoch) if critical else 0
    own = Count(
        limit=preferences.daily_limit, used=context.critical_today if critical else context.sent_today
    )
    theirs = Count(limit=budget, used=rang if critical else sent)
    if theirs.limit - theirs.used >= own.limit - own.used:
        return found
    return replace(
        found,
        preferences=replace(preferences, daily_limit=budget),
        sent_today=sent,
        critical_today=rang,
    )


def ping_of(host: Hosted | None, severity: Severity, *, silent: bool) -> str:
    """Return the role that a message pings: the one set, for criticals that ring; empty for none."""
    role = host.values.get(PING) if host is not None else None
    rings = severity is Severity.CRITICAL and not silent
    return role if rings and isinstance(role, str) and role.isdecimal() else ""
