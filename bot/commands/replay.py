"""Answer `/replay …`: steer the recording that is played, from the local fronts alone."""

import dataclasses
from datetime import UTC, datetime

from bot.commands import amounts, ids, words
from bot.commands.context import Context
from bot.commands.parts import rows
from bot.commands.reply import Button, Reply, Tone
from bot.commands.services import ReplayControl
from bot.commands.spec import LOCAL_FRONTS, Call, Command, Handler, Kind, Parameter, Who
from bot.lang import N_, _, speech
from engine.errors import SourceError, UserError

FASTEST = 100_000.0
TO = Parameter(
    name="to",
    kind=Kind.MOMENT,
    description=N_("Where to go, in UTC: 2025-10-10 21:00, 21:00 the same day, +1h or -30m"),
    required=True,
    examples=("2025-10-10T21:00", "21:15", "+1h", "-30m"),
    aliases=("at", "time"),
)
SPEED = Parameter(
    name="speed",
    kind=Kind.NUMBER,
    description=N_("Market seconds in one second, such as 60, or max"),
    required=True,
    low=0.1,
    high=FASTEST,
    unit="times",
    words=("max",),
    examples=("60", "600", "max"),
)


def _replay(ctx: Context) -> ReplayControl:
    if ctx.services.replay is None:
        raise UserError(_("There is nothing to steer: the data is live."), example="/status")
    return ctx.services.replay


async def status(ctx: Context, call: Call) -> Reply:
    """Answer with where the replay stands and what can be done with it."""
    return _shown(ctx, _("Replay"))


async def pause(ctx: Context, call: Call) -> Reply:
    """Stop market time."""
    _replay(ctx).pause()
    return _shown(ctx, _("Paused"))


async def resume(ctx: Context, call: Call) -> Reply:
    """Let market time run on."""
    replay = _replay(ctx)
    if replay.ended:
        raise UserError(
            _("The recording is over; go back to an earlier time."), example="/replay seek 2025-10-10T20:00"
        )
    replay.resume()
    return _shown(ctx, _("Playing"))


async def seek(ctx: Context, call: Call) -> Reply:
    """Jump to a market time; going back voids the alerts after it."""
    replay = _replay(ctx)
    to_ms = _moment_ms(call.text("to"), replay.position_ms)
    back = to_ms < replay.position_ms
    try:
        replay.seek(to_ms)
    except SourceError as error:
        raise UserError(f"{str(error).rstrip('.')}.", example="/replay seek 2025-10-10T20:00") from error
    told = _("Alerts of the time that is played again are void.") if back else ""
    shown = _shown(ctx, _("Going to {stamp}").format(stamp=words.stamp(to_ms)), told)
    return dataclasses.replace(shown, fields=())


async def speed(ctx: Context, call: Call) -> Reply:
    """Play faster or slower."""
    chosen = call.number("speed")
    _replay(ctx).set_speed(chosen)
    return _shown(
        ctx,
        _("Playing as fast as possible")
        if chosen is None
        else _("Playing {chosen}× as fast").format(chosen=speech().figure(f"{chosen:g}")),
    )


def _moment_ms(typed: str, position_ms: int) -> int:
    """Return the market time that a moment means, seen from where the replay stands."""
    if typed[:1] in "+-":
        step = amounts.read_duration(typed[1:])
        return position_ms + (step if typed[0] == "+" else -step)
    if "T" not in typed:
        here = datetime.fromtimestamp(position_ms / 1000, UTC)
        hour, minute = (int(part) for part in typed.split(":"))
        moment = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return int(moment.timestamp() * 1000)
    try:
        return int(datetime.fromisoformat(typed).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        raise UserError(
            _("There is no such day as {day}.").format(day=typed.partition("T")[0]),
            example="/replay seek 2025-10-10T21:00",
        ) from None


def _shown(ctx: Context, title: str, told: str = "") -> Reply:
    replay = _replay(ctx)
    pace = (
        _("as fast as possible")
        if replay.speed is None
        else _("{speed}× as fast as it happened").format(speed=speech().figure(f"{replay.speed:g}"))
    )
    state = _("over") if replay.ended else _("paused") if replay.paused else _("playing")
    steer = (
        Button(label=_("Resume"), action=ids.action("replay", "resume", edits=True), style="primary")
        if replay.paused
        else Button(label=_("Pause"), action=ids.action("replay", "pause", edits=True))
    )
    made = [
        steer,
        Button(label=_("Back 1 h"), action=ids.action("replay", "seek", "-1h", edits=True)),
        Button(label=_("On 1 h"), action=ids.action("replay", "seek", "+1h", edits=True)),
        Button(label="60×", action=ids.action("replay", "speed", "60", edits=True)),
        Button(label="600×", action=ids.action("replay", "speed", "600", edits=True)),
    ]
    return Reply(
        command="replay status",
        title=title,
        text=told,
        fields=((_("Stands at"), words.stamp(replay.position_ms)), (_("State"), state), (_("Speed"), pace)),
        buttons=rows(made),
        tone=Tone.GOOD,
    )


def _command(
    verb: str, description: str, run: Handler, parameters: tuple[Parameter, ...] = (), *examples: str
) -> Command:
    """Return one verb of `/replay`: they all exist in the same places and at the same times."""
    return Command(
        noun="replay",
        verb=verb,
        description=description,
        run=run,
        parameters=parameters,
        aliases=("replay",) if verb == "status" else (),
        examples=examples or (f"/replay {verb}",),
        who=Who.LOCAL,
        fronts=LOCAL_FRONTS,
        replaying=True,
    )


COMMANDS = (
    _command("status", N_("Show where the replay stands"), status),
    _command("pause", N_("Stop the replay where it is"), pause),
    _command("resume", N_("Let the replay run on"), resume),
    _command(
        "seek",
        N_("Jump to a time in the recording"),
        seek,
        (TO,),
        "/replay seek 2025-10-10T21:00",
        "/replay seek +1h",
    ),
    _command("speed", N_("Play faster or slower"), speed, (SPEED,), "/replay speed 600", "/replay speed max"),
)
