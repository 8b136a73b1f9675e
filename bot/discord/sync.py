"""Tell Discord which commands there are; only when they changed since it was told."""

import asyncio
import hashlib
import json
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.delivery.discord.faults import judge
from storage.notes import get_note, set_note
from storage.state import StateStore

log = structlog.get_logger(__name__)

NOTE = "discord_commands"
SYNC_S = 60.0

Tree = app_commands.CommandTree[discord.Client]
Told = app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu


async def digest_of(tree: Tree, application_id: int | None) -> str:
    """Return a short name of everything Discord is told of the commands, in every language."""
    payload = [await _told(tree, command) for command in tree.get_commands()]
    told = json.dumps([application_id, payload], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


async def _told(tree: Tree, command: Told) -> dict[str, Any]:
    translator = tree.translator
    if translator is None:
        return command.to_dict(tree)
    return await command.get_translated_payload(tree, translator)


async def sync(tree: Tree, state: StateStore) -> bool:
    """Send the commands where they differ from those sent last; return whether they were sent."""
    digest = await digest_of(tree, tree.client.application_id)
    known = await state.read(lambda session: get_note(session, NOTE))
    if known is not None and known.get("digest") == digest:
        return False
    try:
        async with asyncio.timeout(SYNC_S):
            sent = await tree.sync()
    except Exception as error:  # noqa: BLE001 - judged: the library raises what the network does
        log.warning("discord.commands_not_sent", because=judge(error).reason, what="sent at the next start")
        return False
    await state.run(lambda session: set_note(session, NOTE, {"digest": digest}))
    log.info("discord.commands_sent", count=len(sent))
    return True
