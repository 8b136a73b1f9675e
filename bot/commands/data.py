"""Answer `/data …`: see, take away or delete everything that is stored about oneself."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from bot.commands import ids, words
from bot.commands.amounts import MINUTE_MS
from bot.commands.context import Context
from bot.commands.reply import Button, File, Reply, Tone
from bot.commands.server import managed
from bot.commands.spec import CHAT_FRONTS, Call, Choice, Command, Kind, Parameter
from bot.lang import N_, _, ngettext
from engine.errors import UserError
from engine.model import UserId
from storage import servers
from storage.rules import list_rules

CONFIRM_MS = 10 * MINUTE_MS
NAMES = {
    "users": N_("when you first and last came"),
    "settings": N_("settings"),
    "rules": N_("alerts you set up"),
    "rule_arms": N_("alert steps waiting to be armed again"),
    "cooldowns": N_("cooldowns"),
    "daily_counts": N_("daily counts"),
    "episodes": N_("runs of alerts"),
    "alerts": N_("past alerts"),
    "alert_steps": N_("reasons of past alerts"),
    "deliveries": N_("messages to you"),
    "delivery_events": N_("steps of their delivery"),
    "channels": N_("channels of your own"),
    "drafts": N_("drafts"),
    "channel_codes": N_("codes that wait for you"),
    "dialogues": N_("questions that wait for your answer"),
    "alert_history": N_("past alerts, for statistics"),
    "servers": N_("what this server has set"),
    "server_places": N_("its places that are posted in"),
    "reports": N_("scheduled reports"),
    "server_reports": N_("reports posted here"),
}
ABOUT = Parameter(
    name="about",
    kind=Kind.CHOICE,
    description=N_("About you, or, for who manages it, about this server or group"),
    default="me",
    choices=(Choice(value="me", label=N_("me")), Choice(value="here", label=N_("this server or group"))),
    fronts=CHAT_FRONTS,
)


async def _owner(ctx: Context, call: Call) -> UserId:
    """Return whose data a call is about: the caller's, or that of the server that they manage."""
    if call.text("about") != "here":
        return ctx.caller.user_id
    await managed(ctx, "/data show")
    return UserId(ctx.caller.server)


async def _found(ctx: Context, call: Call, owner: UserId) -> dict[str, list[dict[str, Any]]]:
    """Return everything that is kept about an owner; of a server also what is posted there, without whose."""
    found = await ctx.services.privacy.export(owner)
    if call.text("about") == "here":
        posted = await ctx.services.state.read(lambda session: servers.posted_reports(session, owner))
        found = found | {"server_reports": posted}
    return found


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with what is stored, counted."""
    found = await _found(ctx, call, await _owner(ctx, call))
    about = call.text("about")
    kept = {name: len(rows) for name, rows in found.items() if rows}
    return Reply(
        command="data show",
        title=_("What is stored about this place") if about == "here" else _("What is stored about you"),
        text="" if kept else _("Nothing."),
        fields=tuple(
            (_(NAMES.get(name, name.replace("_", " "))), words.count(count)) for name, count in kept.items()
        ),
        buttons=(
            (
                Button(label=_("Export"), action=ids.action("data", "export", *_again(call))),
                Button(
                    label=_("Delete it all"),
                    action=ids.action("data", "forget", *_again(call)),
                    style="danger",
                ),
            ),
        ),
    )


def _again(call: Call) -> tuple[str, ...]:
    """Return the words of a button that is about the same."""
    return ("here",) if call.text("about") == "here" else ()


async def export(ctx: Context, call: Call) -> Reply:
    """Answer with everything that is stored, as one JSON file."""
    owner = await _owner(ctx, call)
    found = await _found(ctx, call, owner)
    wall = datetime.fromtimestamp(ctx.services.wall_ms() / 1000, UTC)
    body = {"user": owner, "exported_at": wall.isoformat(timespec="seconds"), "tables": found}
    content = await asyncio.to_thread(_as_json, body)
    return Reply(
        command="data export",
        title=_exported(call, sum(len(rows) for rows in found.values())),
        files=(
            File(content=content, name=f"liqwatch-data-{wall:%Y-%m-%d}.json", media_type="application/json"),
        ),
    )


def _exported(call: Call, count: int) -> str:
    """Return what the file is called above it."""
    here = ngettext(
        "Everything stored about this place: {count} entry",
        "Everything stored about this place: {count} entries",
        count,
    )
    mine = ngettext(
        "Everything stored about you: {count} entry", "Everything stored about you: {count} entries", count
    )
    return (here if call.text("about") == "here" else mine).format(count=words.count(count))


def _as_json(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, indent=2, default=str).encode()


async def forget(ctx: Context, call: Call) -> Reply:
    """Ask whether everything is to be deleted; the button works for ten minutes, for this user alone."""
    until_ms = ctx.services.wall_ms() + CONFIRM_MS
    stamp = f"{until_ms // 1000:x}"
    signature = ids.sign(ctx.services.button_key, "forget", await _owner(ctx, call), stamp)
    sure = Button(
        label=_("Yes, delete everything"),
        action=ids.action("data", "forget-now", stamp, signature, *_again(call), edits=True),
        style="danger",
    )
    keep = Button(label=_("Keep"), action=ids.action("data", "show", *_again(call), edits=True))
    title, told = _asked(call)
    return Reply(command="data forget", title=title, text=told, buttons=((sure, keep),), tone=Tone.WARN)


def _asked(call: Call) -> tuple[str, str]:
    """Return the question before everything is deleted, and what goes with it."""
    if call.text("about") == "here":
        return _("Delete everything about this place?"), _(
            "What is set up here and the reports posted here go for good; alerts that members have "
            "posted here pause.\nThe button works for 10 minutes, for you alone."
        )
    return _("Delete everything about you?"), _(
        "Your alerts, settings, history and waiting messages go for good.\nThe button works "
        "for 10 minutes, for you alone."
    )


async def forget_now(ctx: Context, call: Call) -> Reply:
    """Delete everything about the user, if the button is theirs and still valid."""
    owner, stamp = await _owner(ctx, call), call.text("until")
    if not ids.signed(ctx.services.button_key, call.text("signature"), "forget", owner, stamp):
        raise UserError(
            _("That button is not yours, or Liqwatch was restarted since."), example="/data forget"
        )
    if int(stamp, 16) * 1000 < ctx.services.wall_ms():
        raise UserError(_("That button was good for 10 minutes."), example="/data forget")
    mine = await ctx.services.state.read(lambda session: list_rules(session, owner))
    symbols = [rule.symbol for rule in mine]
    if call.text("about") == "here":
        front = ctx.caller.front.value
        symbols += await ctx.services.state.run(lambda s: servers.forget_server(s, owner, front))
    counts = await ctx.services.privacy.forget(owner)
    for symbol in dict.fromkeys(symbols):
        await ctx.services.alerting.rules_changed(symbol)
    gone = [
        f"{words.count(count)} {_(NAMES.get(name, name))}"
        for name, count in counts.items()
        if count and name in _TOLD
    ]
    return Reply(
        command="data forget",
        title=_("Everything about this place is deleted")
        if call.text("about") == "here"
        else _("Everything about you is deleted"),
        text=_("Gone: {gone}.").format(gone=words.joined(gone)) if gone else _("There was nothing left."),
        tone=Tone.GOOD,
    )


_TOLD = ("rules", "settings", "alerts", "deliveries")
COMMANDS = (
    Command(
        noun="data",
        verb="show",
        description=N_("Show what is stored about you"),
        run=show,
        parameters=(ABOUT,),
        aliases=("data", "privacy", "gdpr"),
        examples=("/data show",),
    ),
    Command(
        noun="data",
        verb="export",
        description=N_("Get everything stored about you, as a JSON file"),
        run=export,
        parameters=(ABOUT,),
        aliases=("data download",),
        examples=("/data export",),
    ),
    Command(
        noun="data",
        verb="forget",
        description=N_("Delete everything stored about you, once confirmed"),
        run=forget,
        parameters=(ABOUT,),
        aliases=("data delete", "data erase"),
        examples=("/data forget",),
    ),
    Command(
        noun="data",
        verb="forget-now",
        description=N_("Delete everything stored about you, now"),
        run=forget_now,
        parameters=(
            Parameter(
                name="until", kind=Kind.TEXT, description=N_("Until when the button works"), required=True
            ),
            Parameter(name="signature", kind=Kind.TEXT, description=N_("Whose button it is"), required=True),
            ABOUT,
        ),
        button_only=True,
    ),
)
