"""Put the commands into Telegram's menus: private chats, groups, group admins; only when they changed."""

import hashlib
import json
import re

import structlog
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
)

from bot.commands.registry import Registry
from bot.commands.reply import Front
from bot.commands.spec import OPERATORS, Command, Who
from bot.lang import SHIPPED, _, learned, speaking
from storage.notes import get_note, set_note
from storage.state import StateStore

log = structlog.get_logger(__name__)

NOTE = "telegram_menu"
MAX_COMMANDS = 100
MAX_DESCRIPTION = 256
_NAME = re.compile(r"[a-z0-9_]{1,32}")
SCOPES: dict[str, BotCommandScope] = {
    "private": BotCommandScopeAllPrivateChats(),
    "groups": BotCommandScopeAllGroupChats(),
    "admins": BotCommandScopeAllChatAdministrators(),
}

Entries = tuple[tuple[str, str], ...]


def menus(registry: Registry, *, replaying: bool) -> dict[str, Entries]:
    """Return the menu of each scope in the language that is spoken: (name, description), as in the help."""
    commands = [c for c in registry.on(Front.TELEGRAM, replaying=replaying) if _tappable(c)]
    open_to_all = [c for c in commands if c.who is Who.EVERYONE]
    posting = [c for c in commands if c.who is Who.EVERYONE or c.parameter("to")]
    chosen = {"private": commands, "groups": open_to_all, "admins": posting}
    return {scope: tuple(_entry(c) for c in found[:MAX_COMMANDS]) for scope, found in chosen.items()}


def _tappable(command: Command) -> bool:
    """Say whether a command belongs in the menu, which sends it alone: one that then does something."""
    if command.noun == OPERATORS:
        return False  # everybody would be shown it
    needs = any(parameter.required for parameter in command.parameters)
    return bool(_NAME.fullmatch(_name(command))) and not (needs and command.verb)


def _name(command: Command) -> str:
    return command.name.replace(" ", "_").replace("-", "_")


def _entry(command: Command) -> tuple[str, str]:
    return _name(command), _(command.description)[:MAX_DESCRIPTION]


async def publish(bot: Bot, state: StateStore, registry: Registry, *, replaying: bool) -> bool:
    """Set the menus if they are not what was set last; say whether they were. Raises TelegramError."""
    wanted = {}
    for code in SHIPPED:
        with speaking(await learned(code)):
            wanted[code] = menus(registry, replaying=replaying)
    digest = hashlib.sha256(json.dumps([bot.id, wanted]).encode()).hexdigest()
    note = await state.read(lambda session: get_note(session, NOTE))
    if note == {"sha256": digest}:
        return False
    for code, found in wanted.items():
        commonly = None if code == "en" else code  # what everybody is shown who reads none of the others
        for scope, entries in found.items():
            made = [BotCommand(*entry) for entry in entries]
            await bot.set_my_commands(made, scope=SCOPES[scope], language_code=commonly)
    await state.run(lambda session: set_note(session, NOTE, {"sha256": digest}))
    log.info("telegram.menu_set", commands={scope: len(entries) for scope, entries in wanted["en"].items()})
    return True
