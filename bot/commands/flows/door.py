"""Tell answers from commands: what a typed line means while a dialogue is open, and what ends one."""

from collections.abc import Callable, Mapping
from enum import StrEnum

import structlog

from bot.commands.complete import Completer
from bot.commands.context import Context
from bot.commands.flows.commands import ANSWER, BEGIN, BEGUN, FORM, TYPED
from bot.commands.flows.dialogue import EXPIRES_MS, ask, place_of
from bot.commands.ids import Press
from bot.commands.parse import Parser
from bot.commands.reply import Caller, Reply
from bot.commands.rule_read import given_of, line_of
from bot.commands.services import Services, State
from bot.commands.spec import Call, Incomplete, NearMiss, NotOnes
from bot.lang import _
from engine.errors import StorageError, UserError
from storage.dialogues import end_dialogue, get_dialogue

log = structlog.get_logger(__name__)

OFFERED = 3
"""How many of one's own are offered where a number is none of them."""
OF_DIALOGUES = ("ask", "cancel")
"""Commands that do not end a dialogue by being another one."""


class Standing(StrEnum):
    """How a dialogue stands where somebody types."""

    NONE = "none"
    OPEN = "open"
    LATE = "late"  # it waited too long


async def standing(services: Services, caller: Caller, line: str) -> Standing:
    """Return how a dialogue stands with somebody, as far as a line may be an answer in it."""
    if not line.strip() or line.lstrip().startswith(("/", "!")):
        return Standing.NONE
    owner, place = caller.user_id, place_of(caller)
    try:
        row = await services.state.read(lambda s: get_dialogue(s, owner, place))
    except StorageError as error:
        log.warning("dialogue.not_read", error=type(error).__name__)
        return Standing.NONE
    if row is None:
        return Standing.NONE
    return Standing.LATE if services.wall_ms() - row.at_wall_ms > EXPIRES_MS else Standing.OPEN


def meant(parser: Parser, line: str, how: Standing) -> Call:
    """Return what a typed line asks for, or the answer that it is."""
    answer = Call(command=TYPED, values={ANSWER: line.strip()}, given=frozenset({ANSWER}))
    if how is Standing.OPEN:
        return answer
    try:
        return whole(lambda: parser.understand(line))
    except UserError:
        if how is Standing.LATE:
            return answer
        raise


def whole(understand: Callable[[], Call]) -> Call:
    """Return the call that is understood; of one that lacks something, the one that asks for it."""
    try:
        return understand()
    except Incomplete as lacking:
        values = {BEGUN: lacking.command.name, **lacking.given}
        return Call(command=BEGIN, values=values, given=frozenset(values))


def submitted(press: Press, given: Mapping[str, str]) -> Call:
    """Return the call that takes a form, filled in. Raise UserError for what is no form."""
    if (press.noun, press.verb) != (FORM.noun, FORM.verb):
        raise UserError(_("I do not know that form."), example="/help")
    values = {**given, "key": press.args[0] if press.args else ""}
    return Call(command=FORM, values=values, given=frozenset(values))


async def leave(state: State, caller: Caller, call: Call) -> None:
    """End the dialogue here, if there is one: somebody went on to something else."""
    owner, place = caller.user_id, place_of(caller)
    if call.command.noun in OF_DIALOGUES:
        return
    if await state.read(lambda s: get_dialogue(s, owner, place)) is not None:
        await state.run(lambda s: end_dialogue(s, owner, place))


async def run(ctx: Context, call: Call) -> Reply:
    """Run a call, and ask for what it turns out to lack."""
    try:
        _named(ctx, call)
        reply = await call.command.run(ctx, call)
    except Incomplete as lacking:
        return await ask(ctx, lacking)
    except NotOnes as error:
        raise await _near(ctx, call, error) from None
    if symbol := call.text("symbol"):
        ctx.recent.used(ctx.caller.user_id, symbol)
    return reply


async def _near(ctx: Context, call: Call, error: NotOnes) -> UserError:
    """Return the refusal of a number with lines that name the asker's own, where there are any."""
    wanted = call.command.parameter("id")
    if wanted is None or call.command.button_only:
        return error
    completer = Completer(ctx.registry, ctx.services)
    own = [c.value for c in await completer.values(call.command.name, "id", "", ctx.caller)]
    given = given_of(call)
    lines = [line_of(call.command.name, given | {"id": each}) for each in own if each.isdecimal()]
    return NearMiss(error.message, lines=tuple(lines[:OFFERED]), example=error.example) if lines else error


def _named(ctx: Context, call: Call) -> None:
    """Raise Incomplete for a call that names no market where it has to, and there are several."""
    wanted = call.command.asks
    if not wanted or call.has(wanted) or ctx.prefs.symbol or len(ctx.services.market.symbols) < 2:
        return
    raise Incomplete(_("Which market?"), command=call.command, given=given_of(call))
