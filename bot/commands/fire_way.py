"""Tell the whole way of one fire in words: fired, why it was held or folded, where it went."""

from collections.abc import Iterator

from bot.alerting.history import Happened, Told
from bot.commands.context import Context
from bot.commands.reply import Table
from bot.lang import N_, _, speech
from bot.render import text
from storage.outbox import State

FINE = frozenset({State.QUEUED, State.SENDING, State.ACCEPTED, State.DELIVERED, State.ACKED})
"""States of a delivery that need no reason."""
STAGES = {
    "dedup": N_("dedup"),
    "stale": N_("stale"),
    "inhibit": N_("inhibit"),
    "mute": N_("mute"),
    "cooldown": N_("cooldown"),
    "flap": N_("flap"),
    "score": N_("score"),
    "consolidate": N_("consolidate"),
    "route": N_("route"),
    "wait": N_("wait"),
    "digest": N_("digest"),
    "delivery": N_("delivery"),
    "test": N_("test"),
}
"""What the steps of an alert's way are called."""


def verdict(ctx: Context, told: Happened) -> str:
    """Return what became of an alert: where a sent one went, until when a waiting one waits."""
    if told.action == "hold" and told.waits_until_ms is not None:
        return _("{verdict} until {moment}").format(
            verdict=told.verdict, moment=ctx.moment(told.waits_until_ms)
        )
    if not told.told:
        return told.verdict
    last = told.told[-1]
    where = _("app") if last.channel == "inapp" else last.channel
    return f"{told.verdict} ({where}: {last.verdict})"


def whole_way(ctx: Context, told: Happened) -> Table:
    """Return every step of a fire that was read singly, the first at the top."""
    return Table(headings=(_("When"), _("Step"), _("What was decided")), rows=tuple(_steps(ctx, told)))


def _steps(ctx: Context, told: Happened) -> Iterator[tuple[str, str, str]]:
    """Yield the way of an alert: it fired, what each stage said of it, who carries it, where it went."""
    yield (
        ctx.moment(told.market_ms),
        _("fired"),
        _("{headline}, at {price}.").format(headline=told.headline, price=text.price(told.price)),
    )
    for said in told.said:
        yield ctx.moment(said.at_ms), _(STAGES.get(said.stage, said.stage.replace("_", " "))), said.sentence
    if told.message_ms is not None:
        yield ctx.moment(told.message_ms), _("carried"), _("The message of this time tells of it.")
    for way in told.told:
        where = _("the app") if way.channel == "inapp" else way.channel
        edit = _(", edit {revision}").format(revision=way.revision) if way.revision else ""
        yield (
            "",
            _("to {where}{edit}").format(where=where, edit=edit),
            f"{speech().begun(way.verdict)}{_because(way)}.",
        )


def _because(way: Told) -> str:
    """Return why a delivery stands where it does, where that is more than its state says."""
    return f": {_(way.reason).rstrip('.')}" if way.reason and way.state not in FINE else ""
