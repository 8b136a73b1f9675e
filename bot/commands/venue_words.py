"""Say how a venue is doing in words: for `/status`, `/exchanges`, and whoever else tells of venues."""

from adapters.coverage import CoverageKind, coverage
from adapters.health import HealthSnapshot
from adapters.titles import entitled, title
from adapters.venue import Feed, VenueState
from bot.commands import words
from bot.commands.context import Context
from bot.commands.spec import LOCAL_FRONTS
from bot.lang import N_, _, speech
from bot.live.health import Past, scrubbed

FEED_NAMES = {
    Feed.PRICES: N_("prices"),
    Feed.CANDLES: N_("candles"),
    Feed.LIQUIDATIONS: N_("liquidations"),
    Feed.OPEN_INTEREST: N_("open interest"),
    Feed.FUNDING: N_("funding"),
    Feed.LONG_SHORT: N_("long/short ratio"),
}
"""What users call each feed, in the order in which they are told of it."""
USUAL = (Feed.PRICES, Feed.CANDLES, Feed.LIQUIDATIONS)
"""The feeds whose age is told in short."""
NEVER = N_("none yet")
STATES = {
    VenueState.UP: N_("up"),
    VenueState.CONNECTING: N_("connecting"),
    VenueState.STALE: N_("stale"),
    VenueState.DOWN: N_("down"),
    VenueState.PAUSED: N_("paused"),
    VenueState.ENDED: N_("ended"),
}
SEEN = {
    CoverageKind.FULL: N_("full"),
    CoverageKind.SAMPLED: N_("sampled"),
    CoverageKind.PARTIAL: N_("partial"),
    CoverageKind.UNKNOWN: N_("unknown"),
}
"""How much of a venue's liquidations is seen, in a word."""


def age(seconds: float | None) -> str:
    """Return how old the newest message of a feed is."""
    return _(NEVER) if seconds is None else words.ago(round(seconds * 1000))


def age_short(seconds: float | None) -> str:
    """Return the same for a table, which has little room: "now", "3m", "none"."""
    if seconds is None:
        return _("none")
    return _("now") if seconds < 10 else age(seconds)


def measured(shown: HealthSnapshot) -> bool:
    """Say whether connections and ages are known: of recorded data they are not."""
    return bool(shown.lines or shown.final or any(each is not None for each in shown.ages_s.values()))


def state(shown: HealthSnapshot) -> str:
    """Return a venue's state in words."""
    return _("off for good") if shown.final else _(STATES[shown.state])


def ages(shown: HealthSnapshot, feeds: tuple[Feed, ...] = USUAL) -> str:
    """Return how old what each feed said last is: "prices 12s, candles 3m"."""
    known = (feed for feed in feeds if feed in shown.ages_s)
    return ", ".join(f"{_(FEED_NAMES[feed])} {age(shown.ages_s[feed])}" for feed in known)


def limit_share(shown: HealthSnapshot) -> float | None:
    """Return how much of the limit that is used the most is used, None where none is known."""
    return max((use.used / use.budget for use in shown.limits.values() if use.budget > 0), default=None)


def brief(shown: HealthSnapshot, now_ms: int) -> str:
    """Return one line: state, age of data, reconnects, use of limits, how much of liquidations is seen."""
    parts = [state(shown)]
    if measured(shown):
        parts.append(ages(shown))
    elif shown.last_event_ms is not None:
        parts.append(
            _("data {ago}, {messages} messages").format(
                ago=words.ago(max(0, now_ms - shown.last_event_ms)),
                messages=speech().figure(f"{shown.messages:,}"),
            )
        )
    parts.append(
        _("reconnected {reconnects}×").format(reconnects=shown.reconnects) if shown.reconnects else ""
    )
    share = limit_share(shown)
    parts.append("" if share is None else _("{share} of its limit used").format(share=f"{share:.0%}"))
    seen = coverage(shown.venue)
    if Feed.LIQUIDATIONS in shown.ages_s and not seen.full:
        parts.append(_("liquidations {kind}: {short}").format(kind=_(SEEN[seen.kind]), short=_(seen.short)))
    return "; ".join(part for part in parts if part)


def remarks(ctx: Context, shown: HealthSnapshot) -> list[str]:
    """Return what is to be said of a venue: to everybody the plain sentence, here also its last error."""
    told = [f"{sentence(shown)}."] if shown.note else []
    if ctx.caller.front in LOCAL_FRONTS and shown.last_error and not shown.ok and not shown.final:
        told.append(
            _("{title}, last error: {scrubbed}").format(
                title=title(shown.venue), scrubbed=scrubbed(shown.last_error)
            )
        )
    return told


def sentence(shown: HealthSnapshot) -> str:
    """Return a venue's note, which names the venue once."""
    note = shown.note.removesuffix(".")
    said = "; ".join(entitled(each, shown.venue) for each in note.split("; "))
    return said if note.startswith(shown.venue) else f"{title(shown.venue)}: {said}"


def uptime(past: Past) -> str:
    """Return the share of the time in which a venue was well: "99.8%", never rounded up to all of it."""
    if past.uptime is None:
        return "–"
    if past.up_ms == past.watched_ms:
        return "100%"
    return f"{min(past.uptime * 100, 99.9):.1f}%"


def silence(past: Past) -> str:
    """Return the longest time without a message."""
    longest_s = past.longest_silence_s
    return "–" if longest_s is None else words.duration_short(round(longest_s) * 1000)
