"""Run what a user typed or pressed, and answer with a reply whatever happens."""

import asyncio
import contextlib
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import structlog

from bot.commands import ids, timezones
from bot.commands.asker import Heard, hear
from bot.commands.catalogue import CommandEntry, catalogue
from bot.commands.complete import Completer, Completion
from bot.commands.context import Context
from bot.commands.flows import door
from bot.commands.limits import Limits
from bot.commands.named import named
from bot.commands.parse import Parser, words_of
from bot.commands.prefs import Prefs
from bot.commands.recent import Recent
from bot.commands.registry import Registry, offering
from bot.commands.reply import Button, Caller, Front, Reply, Tone
from bot.commands.services import Services
from bot.commands.spec import Call, Choice, Kind, NearMiss, Visibility
from bot.commands.symbols import Markets
from bot.lang import Speech, _, learned, speaking, speech
from bot.turns import Turns
from engine.errors import GridError, SourceError, StorageError, UserError
from storage.users import get_settings

log = structlog.get_logger(__name__)

ANSWER_TIMEOUT_S = 30.0
TURN_TIMEOUT_S = 30.0


class Commands:
    """Be the one door to everything a user can ask, for every front."""

    def __init__(
        self,
        services: Services,
        *,
        registry: Registry | None = None,
        clock: Callable[[], float] = time.monotonic,
        turns: Turns | None = None,
    ) -> None:
        self.registry = registry or offering(
            services.presets, services.usual_model, services.office.operators if services.office else ()
        )
        self._services = services
        self._limits = Limits(clock)
        self._recent = Recent()
        self._turns = turns or Turns()
        self._completer = Completer(self.registry, services)
        timezones.names()  # reads the disk once: now, and not while somebody waits

    async def dispatch(self, line: str, caller: Caller) -> Reply:
        """Run a typed line for somebody and return the answer; never raises, but for cancellation."""
        standing = await door.standing(self._services, caller, line)
        parser = self._parser(caller)
        return await self._answer(caller, lambda: door.meant(parser, line, standing), leaves=True)

    async def asks(self, caller: Caller) -> bool:
        """Say whether somebody is being asked something here, so that what they type is an answer."""
        return await door.standing(self._services, caller, "?") is door.Standing.OPEN

    async def call(self, name: str, values: Mapping[str, str], caller: Caller) -> Reply:
        """Run a command whose values a front collected one by one (as Discord's options), each as text."""
        parser = self._parser(caller)
        return await self._answer(
            caller, lambda: door.whole(lambda: parser.collect(name, values)), leaves=True
        )

    async def submit(self, action: str, given: Mapping[str, str], caller: Caller) -> Reply:
        """Take a form that somebody filled in, each field as text."""
        return await self._answer(caller, lambda: door.submitted(ids.read(action), given))

    async def press(self, action: str, caller: Caller) -> Reply:
        """Run a button for whoever pressed it and return the answer; never raises, but for cancellation."""
        edits = False

        def understood() -> Call:
            nonlocal edits
            press = ids.read(action)
            edits = press.edits
            parser = self._parser(caller)
            return door.whole(lambda: parser.pressed(press.noun, press.verb, press.args))

        reply = await self._answer(caller, understood)
        return replace(reply, edits=edits and not reply.failed)

    async def speech(self, caller: Caller) -> Speech:
        """Return the language of somebody, for what a front says by itself."""
        heard = await self._heard(caller, noting=False)
        return await learned(heard.language)

    def complete(self, line: str, cursor: int | None = None, front: Front = Front.CONSOLE) -> list[str]:
        """Return whole lines that could follow what is typed up to the cursor, likeliest first."""
        return [item.line for item in self._completer.lines(line, cursor, front)]

    def completions(
        self, line: str, cursor: int | None = None, front: Front = Front.PANEL
    ) -> list[Completion]:
        """Return what could follow with a label and a description each, likeliest first."""
        return self._completer.lines(line, cursor, front)

    async def suggest(self, command: str, parameter: str, typed: str, caller: Caller) -> list[Choice]:
        """Return up to 25 values for one parameter while somebody types it (Discord's autocomplete)."""
        with speaking(await self.speech(caller)):
            return await self._completer.values(command, parameter, typed, caller)

    def named(self, text: str, caller: Caller) -> str:
        """Return a text with its commands as they are given where options have names."""
        return named(self._parser(caller), text)

    def catalogue(self, front: Front | None = None) -> list[CommandEntry]:
        """Return everything that can be asked on a front, as plain data."""
        return catalogue(self.registry, front, replaying=self._services.replay is not None)

    def _parser(self, caller: Caller) -> Parser:
        services = self._services
        return Parser(
            registry=self.registry,
            markets=Markets(
                known=tuple(services.market.listed),
                aliases=services.aliases,
                venues=tuple(services.market.venues),
            ),
            front=caller.front,
            replaying=services.replay is not None,
        )

    @contextlib.asynccontextmanager
    async def _turn(self, caller: Caller, *, again: bool) -> AsyncIterator[None]:
        """Wait until the caller may be served; what one command asks of another is part of it."""
        if again:
            yield
            return
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(TURN_TIMEOUT_S):
                    await stack.enter_async_context(
                        self._turns.turn(caller.server or caller.user_id, caller.user_id)
                    )
            except TimeoutError:
                told = _("Too much is asked at once just now. Try again in a minute.")
                raise UserError(told) from None
            yield

    async def _answer(
        self, caller: Caller, understand: Callable[[], Call], *, again: bool = False, leaves: bool = False
    ) -> Reply:
        """Understand and run one request in the asker's language."""
        wait_s = self._limits.take(caller.user_id)
        heard = await self._heard(caller, reading=not wait_s)
        with speaking(await learned(heard.language)):
            asked = (lambda: _too_soon(wait_s)) if wait_s else understand
            reply = await self._tried(caller, asked, heard, again=again, leaves=leaves)
            notice = " · ".join(filter(None, (reply.notice, heard.news())))
            return replace(reply, notice=notice, language=speech().code)

    async def _heard(self, caller: Caller, *, reading: bool = True, noting: bool = True) -> Heard:
        """Return what the asker has set and which language they are answered in."""
        state = self._services.state if reading else None
        try:
            return await hear(state, caller, self._services.wall_ms(), noting=noting)
        except StorageError:
            return await hear(None, caller, 0)

    async def _tried(
        self, caller: Caller, understand: Callable[[], Call], heard: Heard, *, again: bool, leaves: bool
    ) -> Reply:
        """Answer one request whatever happens; the front edge at which a broad except stands."""
        name = ""
        try:
            call = understand()
            name = call.command.name
            async with self._turn(caller, again=again), asyncio.timeout(ANSWER_TIMEOUT_S):
                context = await self._context(caller, heard.values)
                if leaves:
                    await door.leave(self._services.state, caller, call)
                await self._load(context, call)
                reply = await door.run(context, call)
            return self._finished(reply, call)
        except NearMiss as error:
            return self._labelled(self._near_miss(error, name, caller))
        except UserError as error:
            return self._labelled(_refused(name, error.message, error.example))
        except (GridError, SourceError) as error:
            return self._labelled(_no_data(error, name))
        except StorageError as error:
            told = _("Nothing was changed: the store did not answer. Please try again in a moment.")
            return self._labelled(_refused(name, f"{told} {_incident(error, name, caller)}", ""))
        except Exception as error:  # noqa: BLE001 - the edge: one request that fails is one answer
            told = _("That went wrong on our side, and we have noted it.")
            return self._labelled(_refused(name, f"{told} {_incident(error, name, caller)}", ""))

    async def _context(self, caller: Caller, values: Mapping[str, Any] | None) -> Context:
        if values is None:
            values = await self._services.state.read(lambda session: get_settings(session, caller.user_id))
        return Context(
            caller=caller,
            prefs=Prefs.of(values, self._services.defaults),
            services=self._services,
            registry=self.registry,
            limits=self._limits,
            recent=self._recent,
            run=lambda line: self._answer(
                caller, lambda: door.whole(lambda: self._parser(caller).understand(line)), again=True
            ),
        )

    async def _load(self, context: Context, call: Call) -> None:
        """Let the market that a call is about be followed; raise UserError where that takes long."""
        if not any(parameter.kind is Kind.SYMBOL for parameter in call.command.parameters):
            return
        for symbol in dict.fromkeys((call.text("symbol"), context.prefs.symbol)):
            if symbol:
                await self._services.ensure(symbol, context.caller.user_id)
                return

    def _finished(self, reply: Reply, call: Call) -> Reply:
        """Return a reply with what every answer carries."""
        shared = call.command.visibility is Visibility.SHAREABLE and call.flag("share")
        hidden = not shared or reply.failed or reply.form is not None
        return self._labelled(replace(reply, command=reply.command or call.command.name, ephemeral=hidden))

    def _labelled(self, reply: Reply) -> Reply:
        """Return a reply with the source it was made from."""
        market = self._services.market
        label = market.label()
        notice = reply.notice if label in reply.notice else " · ".join(filter(None, (label, reply.notice)))
        return replace(
            reply, notice=notice, source=str(market.source_kind), now_ms=reply.now_ms or market.now_ms()
        )

    def _near_miss(self, error: NearMiss, name: str, caller: Caller) -> Reply:
        """Return a refusal with buttons that run what was probably meant."""
        parser = self._parser(caller)
        buttons = []
        for line in error.lines[:3]:
            try:
                action = _action_of(parser.understand(line))
            except UserError:
                continue
            if action:
                buttons.append(Button(label=line[:80], action=action, style="primary"))
        reply = _refused(name, error.message, error.example)
        return replace(reply, buttons=(tuple(buttons),) if buttons else ())


def _too_soon(wait_s: float) -> Call:
    """Refuse a request of somebody who has asked too much."""
    told = _("That was a lot at once. Try again in {seconds} s.")
    raise UserError(told.format(seconds=max(1, round(wait_s))))


def _refused(name: str, message: str, example: str) -> Reply:
    return Reply(command=name, error=message, example=example, tone=Tone.BAD, ephemeral=True)


def _no_data(error: GridError | SourceError, name: str) -> Reply:
    """Return the refusal of a request that there is no data for."""
    if isinstance(error, GridError):
        return _refused(name, _("There is nothing to draw there yet."), "/heatmap btc 24h")
    log.warning("command.no_data", command=name, why=str(error))
    told = _("The venues do not answer just now. Please try again in a moment.")
    return _refused(name, told, "/status")


def _action_of(call: Call) -> str:
    """Return the button id that makes a call; empty where it would be too long."""
    return ids.action(call.command.noun, call.command.verb, *words_of(call))


def _incident(error: Exception, name: str, caller: Caller) -> str:
    """Log what went wrong and return the sentence with its number.

    Messages of exceptions may quote what a user typed or a row's values, so only kinds and places are kept.
    """
    incident = uuid.uuid4().hex[:8]
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    log.error(
        "command.failed",
        incident=incident,
        command=name,
        front=caller.front.value,
        error=type(error).__name__,
        cause=type(error.__cause__).__name__ if error.__cause__ else "",
        where=[f"{PurePath(f.filename).name}:{f.lineno} {f.name}" for f in frames],
    )
    return _("Incident {number}.").format(number=incident)
