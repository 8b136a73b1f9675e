"""Answer `/data …`: see, take away or delete everything that is stored about oneself."""

import asyncio
import json
from datetime import UTC, datetime

from bot.commands import ids, words
from bot.commands.amounts import MINUTE_MS
from bot.commands.context import Context
from bot.commands.reply import Button, File, Reply, Tone
from bot.commands.spec import Call, Command, Kind, Parameter
from engine.errors import UserError
from storage.rules import list_rules

CONFIRM_MS = 10 * MINUTE_MS
NAMES = {
    "users": "when you first and last came",
    "settings": "settings",
    "rules": "alerts you set up",
    "rule_arms": "alert steps waiting to be armed again",
    "cooldowns": "cooldowns",
    "daily_counts": "daily counts",
    "episodes": "runs of alerts",
    "alerts": "past alerts",
    "alert_steps": "reasons of past alerts",
    "deliveries": "messages to you",
    "delivery_events": "steps of their delivery",
    "channels": "channels of your own",
    "channel_codes": "codes that wait for you",
    "alert_history": "past alerts, for statistics",
}


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with what is stored, counted."""
    found = await ctx.services.privacy.export(ctx.caller.user_id)
    kept = {name: len(rows) for name, rows in found.items() if rows}
    return Reply(
        command="data show",
        title="What is stored about you",
        text="" if kept else "Nothing.",
        fields=tuple((NAMES.get(name, name.replace("_", " ")), f"{count:,}") for name, count in kept.items()),
        buttons=(
            (
                Button(label="Export", action=ids.action("data", "export")),
                Button(label="Delete it all", action=ids.action("data", "forget"), style="danger"),
            ),
        ),
    )


async def export(ctx: Context, call: Call) -> Reply:
    """Answer with everything that is stored, as one JSON file."""
    found = await ctx.services.privacy.export(ctx.caller.user_id)
    wall = datetime.fromtimestamp(ctx.services.wall_ms() / 1000, UTC)
    body = {"user": ctx.caller.user_id, "exported_at": wall.isoformat(timespec="seconds"), "tables": found}
    content = await asyncio.to_thread(_as_json, body)
    count = sum(len(rows) for rows in found.values())
    return Reply(
        command="data export",
        title=f"Everything stored about you: {count:,} {'entry' if count == 1 else 'entries'}",
        files=(
            File(content=content, name=f"liqwatch-data-{wall:%Y-%m-%d}.json", media_type="application/json"),
        ),
    )


def _as_json(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, indent=2, default=str).encode()


async def forget(ctx: Context, call: Call) -> Reply:
    """Ask whether everything is to be deleted; the button works for ten minutes, for this user alone."""
    until_ms = ctx.services.wall_ms() + CONFIRM_MS
    stamp = f"{until_ms // 1000:x}"
    signature = ids.sign(ctx.services.button_key, "forget", ctx.caller.user_id, stamp)
    sure = Button(
        label="Yes, delete everything",
        action=ids.action("data", "forget-now", stamp, signature, edits=True),
        style="danger",
    )
    return Reply(
        command="data forget",
        title="Delete everything about you?",
        text="Your alerts, settings, history and waiting messages go for good.\n"
        "The button works for 10 minutes, for you alone.",
        buttons=((sure,),),
        tone=Tone.WARN,
    )


async def forget_now(ctx: Context, call: Call) -> Reply:
    """Delete everything about the user, if the button is theirs and still valid."""
    owner, stamp = ctx.caller.user_id, call.text("until")
    if not ids.signed(ctx.services.button_key, call.text("signature"), "forget", owner, stamp):
        raise UserError("That button is not yours, or Liqwatch was restarted since.", example="/data forget")
    if int(stamp, 16) * 1000 < ctx.services.wall_ms():
        raise UserError("That button was good for 10 minutes.", example="/data forget")
    mine = await ctx.services.state.read(lambda session: list_rules(session, owner))
    counts = await ctx.services.privacy.forget(owner)
    for symbol in dict.fromkeys(rule.symbol for rule in mine):
        await ctx.services.alerting.rules_changed(symbol)
    gone = [f"{count:,} {NAMES.get(name, name)}" for name, count in counts.items() if count and name in _TOLD]
    return Reply(
        command="data forget",
        title="Everything about you is deleted",
        text=f"Gone: {words.joined(gone)}." if gone else "There was nothing left.",
        tone=Tone.GOOD,
    )


_TOLD = ("rules", "settings", "alerts", "deliveries")
COMMANDS = (
    Command(
        noun="data",
        verb="show",
        description="Show what is stored about you",
        run=show,
        aliases=("data", "privacy", "gdpr"),
        examples=("/data show",),
    ),
    Command(
        noun="data",
        verb="export",
        description="Get everything stored about you, as a JSON file",
        run=export,
        aliases=("data download",),
        examples=("/data export",),
    ),
    Command(
        noun="data",
        verb="forget",
        description="Delete everything stored about you, once confirmed",
        run=forget,
        aliases=("data delete", "data erase"),
        examples=("/data forget",),
    ),
    Command(
        noun="data",
        verb="forget-now",
        description="Delete everything stored about you, now",
        run=forget_now,
        parameters=(
            Parameter(name="until", kind=Kind.TEXT, description="Until when the button works", required=True),
            Parameter(name="signature", kind=Kind.TEXT, description="Whose button it is", required=True),
        ),
        button_only=True,
    ),
)
