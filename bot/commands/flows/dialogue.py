"""Hold a dialogue: ask, take an answer, say what is wrong with it, and run the line that the answers make.

Where it stands is kept by person and place, so that it goes on after a restart; it ends with its answer, with
/cancel, with any other command, or after a while.
"""

from dataclasses import dataclass, field, replace

from bot.commands import ids
from bot.commands.amounts import MINUTE_MS
from bot.commands.context import Context
from bot.commands.flows.fill import COMMAND, LACKS
from bot.commands.flows.spec import MAX_FIELDS, Answers, Flow, Question, Step, asked_last, next_step
from bot.commands.flows.table import flow_of
from bot.commands.parts import rows
from bot.commands.reply import Button, Caller, Field, Form, Reply, Tone
from bot.commands.spec import Choice, Incomplete, NearMiss
from bot.lang import _
from engine.errors import UserError
from storage.dialogues import end_dialogue, get_dialogue, keep_dialogue, open_dialogue

EXPIRES_MS = 15 * MINUTE_MS
"""How long a question waits, by the wall clock."""
PER_ROW = 4
MOST_CHOICES = 16
"""Four rows of four: a fifth row leads back and away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """One dialogue as far as it is: `typed` is what was filled into a form and is not right yet."""

    key: str
    flow: Flow
    answers: dict[str, str]
    typed: dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """Return the name of the command that it is for."""
        return self.flow.command(self.answers)

    def body(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"command": self.command, "answers": self.answers, "typed": self.typed}


def place_of(caller: Caller) -> str:
    """Return where somebody is asked: each place has its own dialogue."""
    return f"{caller.front.value}:{caller.place}"


async def ask(ctx: Context, lacking: Incomplete) -> Reply:
    """Begin to ask for what a command lacks."""
    answers = dict(lacking.given)
    flow = flow_of(lacking.command.name)
    if flow.name == "fill":
        answers |= {COMMAND: lacking.command.name} | ({LACKS: lacking.lacks} if lacking.lacks else {})
    found = Dialogue(key="", flow=flow, answers=answers)
    owner, place, wall_ms = ctx.caller.user_id, place_of(ctx.caller), ctx.services.wall_ms()
    body = found.body()
    key = await ctx.services.state.run(lambda s: open_dialogue(s, owner, place, body, wall_ms=wall_ms))
    return await _go_on(ctx, replace(found, key=key), opens=flow.opens)


async def answer(ctx: Context, text: str) -> Reply:
    """Take a typed answer to the question that is open."""
    found = await _open(ctx)
    step = next_step(found.flow.steps(ctx, found.answers), found.answers)
    return await _go_on(ctx, found) if step is None else await _take(ctx, found, step, text)


async def pick(ctx: Context, key: str, index: int, value: str) -> Reply:
    """Take a pressed answer; one to an earlier question takes back what was answered after it."""
    found = await _open(ctx, key)
    steps = found.flow.steps(ctx, found.answers)
    if not 0 <= index < len(steps):
        raise UserError(_("That button does not work any more."), example=f"/{found.command}")
    later = {step.name for step in steps[index:]} if steps[index].name in found.answers else set()
    kept = {name: said for name, said in found.answers.items() if name not in later}
    return await _take(ctx, replace(found, answers=kept), steps[index], value)


async def back(ctx: Context, key: str) -> Reply:
    """Ask the question before the present one again."""
    found = await _open(ctx, key)
    last = asked_last(found.flow.steps(ctx, found.answers), found.answers)
    kept = {name: said for name, said in found.answers.items() if last is None or name != last.name}
    return await _go_on(ctx, await _kept(ctx, replace(found, answers=kept)))


async def show_form(ctx: Context, key: str) -> Reply:
    """Ask all that is left at once, where a front can."""
    return await _go_on(ctx, await _open(ctx, key), opens=True)


async def submit(ctx: Context, key: str, given: Answers) -> Reply:
    """Take a form that was filled in; where something is wrong it can be opened again as it was."""
    found = await _open(ctx, key)
    try:
        answers = await _filled(ctx, found, given)
    except UserError as error:
        return await _refilled(ctx, found, given, error.message, error.example)
    reply = await ctx.run(found.flow.line(answers))
    if reply.failed:
        return await _refilled(ctx, found, given, reply.error, reply.example)
    await _ended(ctx, found)
    return reply


async def stop(ctx: Context, key: str = "") -> Reply:
    """End a dialogue without doing anything."""
    owner, place = ctx.caller.user_id, place_of(ctx.caller)
    gone = await ctx.services.state.run(lambda s: end_dialogue(s, owner, place, key))
    if not gone:
        return Reply(command="cancel", title=_("There was nothing to cancel"))
    return Reply(command="cancel", title=_("Cancelled: nothing was changed"))


def closed(command: str) -> Reply:
    """Say that a question waited too long, with a button to begin again."""
    noun, _gap, verb = command.partition(" ")
    return Reply(
        command=command,
        error=_("My question waited more than 15 minutes, so I closed it. Nothing was changed."),
        example=f"/{command}",
        buttons=((Button(label=_("Begin again"), action=ids.action(noun, verb), style="primary"),),),
        tone=Tone.WARN,
    )


class Expired(UserError):
    """Say that a dialogue waited too long; `command` is what it was for."""

    def __init__(self, command: str) -> None:
        super().__init__(closed(command).error, example=f"/{command}")
        self.command = command


async def _open(ctx: Context, key: str = "") -> Dialogue:
    """Return the asker's dialogue here. Raise UserError where it is not open, or not theirs; Expired."""
    owner, place = ctx.caller.user_id, place_of(ctx.caller)
    row = await ctx.services.state.read(lambda s: get_dialogue(s, owner, place))
    if row is None or (key and row.key != key):
        raise UserError(
            _("That question is not open for you: it was answered or closed, or somebody else was asked.")
        )
    command = str(row.body["command"])
    if ctx.services.wall_ms() - row.at_wall_ms > EXPIRES_MS:
        await ctx.services.state.run(lambda s: end_dialogue(s, owner, place))
        raise Expired(command)
    return Dialogue(
        key=row.key, flow=flow_of(command), answers=dict(row.body["answers"]), typed=dict(row.body["typed"])
    )


async def _kept(ctx: Context, found: Dialogue) -> Dialogue:
    owner, place, wall_ms = ctx.caller.user_id, place_of(ctx.caller), ctx.services.wall_ms()
    body = found.body()
    await ctx.services.state.run(lambda s: keep_dialogue(s, owner, place, body, wall_ms=wall_ms))
    return found


async def _ended(ctx: Context, found: Dialogue) -> None:
    owner, place, key = ctx.caller.user_id, place_of(ctx.caller), found.key
    await ctx.services.state.run(lambda s: end_dialogue(s, owner, place, key))


async def _take(ctx: Context, found: Dialogue, step: Step, text: str) -> Reply:
    """Take one answer: go on with it, or say what is wrong and ask the same again."""
    try:
        said = await step.check(ctx, found.answers, text)
    except NearMiss as error:
        near = tuple(Choice(value=line, label=line) for line in error.lines)
        return await _again(ctx, found, step, error.message, near)
    except UserError as error:
        return await _again(ctx, found, step, error.message)
    return await _go_on(ctx, await _kept(ctx, replace(found, answers=found.answers | {step.name: said})))


async def _go_on(ctx: Context, found: Dialogue, *, opens: bool = False) -> Reply:
    """Ask what comes next, or run the line that all the answers make."""
    steps = found.flow.steps(ctx, found.answers)
    step = next_step(steps, found.answers)
    if step is not None:
        return await _question(ctx, found, step, await step.ask(ctx, found.answers), opens=opens)
    reply = await ctx.run(found.flow.line(found.answers))
    if not reply.failed:
        await _ended(ctx, found)
        return reply
    last = asked_last(steps, found.answers)
    if last is None:
        await _ended(ctx, found)
        return reply
    kept = {name: said for name, said in found.answers.items() if name != last.name}
    return await _again(ctx, replace(found, answers=kept), last, reply.error)


async def _again(
    ctx: Context, found: Dialogue, step: Step, wrong: str, near: tuple[Choice, ...] = ()
) -> Reply:
    """Say what is wrong with an answer, and ask the same again."""
    await _kept(ctx, found)
    question = await step.ask(ctx, found.answers)
    if near:
        question = replace(question, choices=near)
    return replace(await _question(ctx, found, step, question), error=wrong, tone=Tone.WARN)


async def _question(
    ctx: Context, found: Dialogue, step: Step, question: Question, *, opens: bool = False
) -> Reply:
    """Return a question with its choices, what is known so far, and the ways out."""
    steps = found.flow.steps(ctx, found.answers)
    index = steps.index(next(each for each in steps if each.name == step.name))
    known = [(_(e.label), e.say(found.answers[e.name])) for e in steps if e.name in found.answers]
    return Reply(
        command=found.command,
        title=question.text,
        text="\n".join(filter(None, (question.hint, _("/cancel ends this.")))),
        fields=tuple(known),
        buttons=(*rows(_choices(found, index, question), PER_ROW), *rows(_ways_out(found, known))),
        form=await _form(ctx, found, opens=opens),
    )


def _choices(found: Dialogue, index: int, question: Question) -> list[Button]:
    made = [
        Button(
            label=each.label,
            action=ids.action("ask", "pick", found.key, str(index), each.value, edits=True),
        )
        for each in question.choices
    ]
    return [button for button in made if button.action][:MOST_CHOICES]


def _ways_out(found: Dialogue, known: list[tuple[str, str]]) -> list[Button]:
    """Return the buttons that lead back, and away."""
    before = Button(label=_("Back"), action=ids.action("ask", "back", found.key, edits=True))
    away = Button(label=_("Cancel"), action=ids.action("ask", "stop", found.key, edits=True), style="danger")
    return [*([before] if known else []), away]


async def _form(ctx: Context, found: Dialogue, *, opens: bool) -> Form:
    """Return all that is left as one form, with what was filled in before."""
    flow = found.flow
    fields = await (flow.fields(ctx, found.answers) if flow.fields else _of_steps(ctx, found))
    return Form(
        title=flow.title(found.answers),
        label=_("Type it"),
        action=ids.action("ask", "form", found.key),
        fields=tuple(
            replace(each, value=found.typed.get(each.name, each.value)) for each in fields[:MAX_FIELDS]
        ),
        opens=opens,
    )


async def _of_steps(ctx: Context, found: Dialogue) -> tuple[Field, ...]:
    out = []
    for step in found.flow.steps(ctx, found.answers):
        if step.name not in found.answers and step.wanted(found.answers):
            question = await step.ask(ctx, found.answers)
            choices = () if question.free else tuple((c.value, c.label) for c in question.choices)
            out.append(Field(name=step.name, label=question.text, hint=question.hint, choices=choices))
    return tuple(out)


async def _filled(ctx: Context, found: Dialogue, given: Answers) -> dict[str, str]:
    """Return the answers with those of a form, each checked as in the dialogue."""
    if found.flow.filled is not None:
        return await found.flow.filled(ctx, found.answers, given)
    answers = dict(found.answers)
    for step in found.flow.steps(ctx, answers):
        if step.name not in answers and step.wanted(answers):
            answers[step.name] = await step.check(ctx, answers, given.get(step.name, ""))
    return answers


async def _refilled(ctx: Context, found: Dialogue, given: Answers, wrong: str, example: str) -> Reply:
    """Say what is wrong with a form, and let it be opened again as it was filled in."""
    await _kept(ctx, replace(found, typed={name: text[:400] for name, text in given.items()}))
    again = Button(label=_("Correct it"), action=ids.action("ask", "form", found.key), style="primary")
    return Reply(
        command=found.command,
        error=wrong,
        example=example,
        buttons=rows([again, *_ways_out(found, [])]),
        tone=Tone.WARN,
    )
