"""Slash commands of operators: only where one is named, and only in direct messages."""

from bot.commands.registry import offering
from bot.discord.tree import commands_of
from engine.presets import PRESETS


async def nothing(*_):
    return []


def made(operators):
    found = commands_of(offering(PRESETS, "flow", operators), nothing, nothing, replaying=False)
    return {command.name: command for command in found}


def test_operators_commands_are_sent_only_where_one_is_named_and_shown_in_direct_messages_alone():
    assert "admin" not in made(())
    assert "admin" not in made(("telegram:7",))
    group = made(("discord:7",))["admin"]
    assert {command.name for command in group.commands} == {"feeds", "deliveries", "broadcast", "reload"}
    where = group.allowed_contexts
    assert (where.guild, where.dm_channel, where.private_channel) == (False, True, False)
    assert made(("discord:7",))["alert"].allowed_contexts.guild
