"""Handle commands, suggestions and presses: the edge of the front, at which a broad except stands."""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import discord
import structlog

from bot.commands import ids
from bot.commands.dispatch import Commands
from bot.commands.reply import Caller, Front, Reply, Tone
from bot.commands.spec import Command, Cost, Parameter
from bot.delivery.discord.faults import Refusal
from bot.delivery.discord.places import CHANNEL, Remote
from bot.delivery.ledger import Ledger
from bot.discord.asked import Asked
from bot.discord.forms import filled_in
from bot.discord.manners import caller_of, is_hidden, is_private, manages, may_edit, obstacle, posts
from bot.discord.render import parcels_of
from bot.lanes import Lanes
from bot.lang import _, heard, settle
from engine.errors import UserError

log = structlog.get_logger(__name__)

AT_ONCE_S = 1.2
"""How long an answer may take before "thinking" is shown; Discord gives up after three seconds."""
SUGGEST_S = 2.5


class Handler:
    """Answer slash commands and presses of buttons, each user's in turn."""

    def __init__(self, commands: Commands, ledger: Ledger, lanes: Lanes) -> None:
        self._commands = commands
        self._ledger = ledger
        self._lanes = lanes

    async def command(
        self, interaction: discord.Interaction, command: Command, values: Mapping[str, str]
    ) -> None:
        """Answer a slash command."""
        private = is_private(interaction)
        asked = Asked(interaction, hidden=is_hidden(command, values, private=private))

        async def run() -> Reply:
            refused = self._refused(interaction, command, tuple(values.values()))
            return refused or await self._commands.call(command.name, values, caller_of(interaction))

        await self._take(interaction, asked, command, run)
        if private:
            await self._reopened(interaction)

    async def suggest(
        self, interaction: discord.Interaction, command: Command, parameter: Parameter, typed: str
    ) -> list[tuple[str, str]]:
        """Return what an option could be, as (label, value); nothing where that takes too long."""
        try:
            async with asyncio.timeout(SUGGEST_S):
                found = await self._commands.suggest(
                    command.name, parameter.name, typed, caller_of(interaction)
                )
        except Exception:  # the edge: a suggestion that fails is no suggestion
            log.exception("discord.no_suggestions", command=command.name, parameter=parameter.name)
            return []
        return [(choice.label, choice.value) for choice in found]

    async def press(self, interaction: discord.Interaction, action: str) -> None:
        """Answer the press of a button."""
        command, pressed = self._pressed(action)
        edits = pressed is not None and pressed.edits and may_edit(command, interaction)
        private = is_private(interaction)
        asked = Asked(interaction, hidden=not private, edits=edits)

        async def run() -> Reply:
            refused = self._refused(interaction, command, pressed.args if pressed else ())
            return refused or await self._commands.press(action, caller_of(interaction))

        await self._take(interaction, asked, command, run, edits=edits)
        if interaction.message is not None:
            message = Remote(interaction.message.channel.id, interaction.message.id)
            caller = caller_of(interaction)
            await self._noted(lambda: self._ledger.acknowledged(caller.user_id, (message.text,)))

    async def submit(self, interaction: discord.Interaction, action: str) -> None:
        """Answer a form that was filled in."""
        asked = Asked(interaction, hidden=not is_private(interaction))
        given = filled_in(interaction.data or {})
        command, _pressed = self._pressed(action)

        async def run() -> Reply:
            return await self._commands.submit(action, given, caller_of(interaction))

        await self._take(interaction, asked, command, run)

    async def _take(
        self,
        interaction: discord.Interaction,
        asked: Asked,
        command: Command | None,
        run: Callable[[], Awaitable[Reply]],
        *,
        edits: bool = False,
    ) -> None:
        """Do the work in the user's turn, and see that Discord hears of it in time."""
        lane = f"{CHANNEL}:{interaction.user.id}"
        done = asyncio.Event()
        slow = command is not None and command.cost is Cost.PICTURE
        at_once_s = 0.0 if slow or self._lanes.busy(lane) else AT_ONCE_S
        holding = asyncio.create_task(asked.hold_after(at_once_s))

        async def work() -> None:
            try:
                settle(await self._commands.speech(caller_of(interaction)))
                reply = await run()
                if reply.form is not None and reply.form.opens and await asked.open(reply.form):
                    return
                reply = self._by_name(reply, caller_of(interaction))
                changes = edits and reply.edits and not reply.failed
                hidden = not is_private(interaction) and reply.ephemeral
                await asked.answer(parcels_of(reply), hidden=hidden, edits=changes)
            except Refusal as refusal:
                log.info("discord.not_answered", because=refusal.verdict.reason)
            except Exception:  # the edge of the front: one request that fails is one request
                incident = uuid.uuid4().hex[:8]
                log.exception("discord.failed", incident=incident)
                await self._failed(asked, incident)
            finally:
                done.set()

        server = f"{CHANNEL}:{interaction.guild_id}" if interaction.guild_id is not None else ""
        if not self._lanes.add(lane, work, server):
            settle(await heard(interaction.locale.value))
            busy = Reply(command="", error=_("Still busy with what you asked before."), tone=Tone.WARN)
            await self._noted(lambda: asked.answer(parcels_of(busy), hidden=not is_private(interaction)))
            done.set()
        try:
            await done.wait()
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)

    def _by_name(self, reply: Reply, caller: Caller) -> Reply:
        """Return a reply whose examples can be typed here, where every option is given by its name."""
        text, example = (self._commands.named(each, caller) for each in (reply.text, reply.example))
        return replace(reply, text=text, example=example)

    async def _failed(self, asked: Asked, incident: str) -> None:
        told = _("That went wrong on our side, and we have noted it. Incident {incident}.").format(
            incident=incident
        )
        reply = Reply(command="", error=told, tone=Tone.BAD)
        with contextlib.suppress(Refusal):
            await asked.answer(parcels_of(reply), hidden=True)

    def _refused(
        self, interaction: discord.Interaction, command: Command | None, values: tuple[str, ...]
    ) -> Reply | None:
        """Return why alerts cannot be posted here, where that is asked by somebody who may ask it."""
        if not posts(command, values) or (interaction.guild_id is not None and not manages(interaction)):
            return None
        if is_private(interaction):
            return None
        why = obstacle(interaction)
        return Reply(command="watch", error=why, tone=Tone.WARN) if why else None

    def _pressed(self, action: str) -> tuple[Command | None, ids.Press | None]:
        try:
            press = ids.read(action)
        except UserError:
            return None, None
        return self._commands.registry.find(f"{press.noun} {press.verb}".strip(), Front.DISCORD), press

    async def _reopened(self, interaction: discord.Interaction) -> None:
        """Let alerts go to somebody's direct messages again: they are open."""
        owner = caller_of(interaction).user_id
        await self._noted(lambda: self._ledger.reopened([owner], owner=owner))

    @staticmethod
    async def _noted(work: Callable[[], Awaitable[object]]) -> None:
        """Do what nobody waits for; its trouble is logged."""
        try:
            await work()
        except Refusal as refusal:
            log.info("discord.not_answered", because=refusal.verdict.reason)
        except Exception:  # the edge of the front
            log.exception("discord.not_noted")
