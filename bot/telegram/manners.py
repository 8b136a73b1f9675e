"""Decide where what somebody asks is answered: what is private never in a group.

In a group everybody may read the market. What somebody owns (alerts, settings, data) is led to their private
chat, with one exception: an admin may have alerts posted into the group.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.commands import ids
from bot.commands.parse import Parser, words_of
from bot.commands.registry import Registry
from bot.commands.reply import Caller, Front
from bot.commands.spec import Call, Command, Incomplete, NearMiss, Who
from bot.commands.symbols import Markets
from bot.delivery.telegram.places import user_id_of
from bot.telegram.admins import Admins
from bot.telegram.links import payload_of
from bot.telegram.voice import Voice
from engine.errors import UserError

HERE = "here"
SHARED = (HERE, "channel")
"""Values of `to` that mean the group."""
_PAYLOAD = re.compile(r"[A-Za-z0-9_\-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What to do about one request: run `text` for `caller`, or lead to the private chat with `payload`.

    `personal` says that the answer is for the asker's eyes alone, though others read along.
    """

    text: str
    caller: Caller
    payload: str = ""
    personal: bool = False
    command: Command | None = None


class Manners:
    """Know what may be said where."""

    def __init__(
        self, registry: Registry, admins: Admins, markets: Callable[[], Markets], *, replaying: bool
    ) -> None:
        self._registry = registry
        self._admins = admins
        self._markets = markets
        self._replaying = replaying

    async def line(self, line: str, voice: Voice, *, named: bool) -> Course | None:
        """Return what to do about a typed line; None where another bot may be meant (`named`: it is not)."""
        call, ours = self._understood(line)
        course = Course(text=line, caller=caller_of(voice), command=call.command if call else None)
        if not voice.private and call is None and not (named or ours):
            return None
        if voice.private or call is None:
            return course
        return await self._in_group(course, call, voice)

    async def _in_group(self, course: Course, call: Call, voice: Voice) -> Course:
        line = course.text
        if call.command.noun == "start" and call.has("payload"):
            return _led(course, _checked(call.text("payload")))
        if call.command.who is Who.EVERYONE:
            return course
        if call.command.who is Who.PLACE or call.text("about") == HERE:
            return await self._of_place(course, voice, call.command)
        if voice.for_group:
            here = "" if call.has("to") or not call.command.parameter("to") else f" to={HERE}"
            return _posting(course, f"{line}{here}", voice, may_post=True)
        if call.text("to") in SHARED:
            return _posting(course, line, voice, may_post=await self._manages(voice))
        return _led(course, payload_of(call.command.name, words_of(call)))

    async def press(self, action: str, voice: Voice) -> Course:
        """Return what to do about a button that was pressed."""
        command, args = self._pressed(action)
        course = Course(text=action, caller=caller_of(voice), command=command)
        linked = command is not None and command.noun == "start" and bool(args)
        if voice.private or command is None or (command.who is Who.EVERYONE and not linked):
            return course
        if linked:
            return _led(course, _checked(args[0]))
        if command.who is Who.PLACE or HERE in args:
            return await self._of_place(course, voice, command)
        if f"to={HERE}" in args or command.noun == "ask":
            return _posting(course, action, voice, may_post=await self._manages(voice))
        if command.noun in ("watch", "settings", "data"):
            return _led(course, payload_of(command.name, args))
        return replace(course, personal=True)

    async def answer(self, text: str, voice: Voice) -> Course:
        """Return what somebody answers in a group where they are asked something."""
        return _posting(
            Course(text=text, caller=caller_of(voice)), text, voice, may_post=await self._manages(voice)
        )

    async def _of_place(self, course: Course, voice: Voice, command: Command) -> Course:
        """Return a request about what stands in the group: its admins' there, else for the private chat.

        Members may ask for a report to be posted; whether they may is for the group's settings to say.
        """
        manages = await self._manages(voice)
        if not manages and command.noun == "report" and command.verb not in ("add", ""):
            return _led(course, payload_of("report list"))
        return replace(course, caller=replace(caller_of(voice, may_post=manages), manages=manages))

    async def as_group(self, course: Course, voice: Voice) -> Course | None:
        """Return the same request made for the group itself, where the asker is one of its admins."""
        if course.command is None or course.command.noun != "alert" or not await self._manages(voice):
            return None
        group = replace(voice, user_id=user_id_of(voice.place.chat_id), for_group=True)
        return replace(course, caller=caller_of(group, may_post=True))

    async def _manages(self, voice: Voice) -> bool:
        return voice.for_group or await self._admins.manages(voice.person, voice.place.chat_id)

    def _understood(self, line: str) -> tuple[Call | None, bool]:
        """Return what a line asks for, None where that is not clear; and whether it is (nearly) ours."""
        parser = Parser(
            registry=self._registry,
            markets=self._markets(),
            front=Front.TELEGRAM,
            replaying=self._replaying,
        )
        try:
            return parser.understand(line), True
        except Incomplete as lacking:
            given = lacking.given
            return Call(command=lacking.command, values=given, given=frozenset(given)), True
        except NearMiss:
            return None, True
        except UserError:
            return None, self._ours(line)

    def _ours(self, line: str) -> bool:
        """Say whether a line that is not understood begins with one of our commands."""
        noun = next(iter(line.split()), "").lstrip("/").lower()
        names = (noun, noun.partition("_")[0])
        return any(self._registry.has_noun(name, Front.TELEGRAM) for name in names)

    def _pressed(self, action: str) -> tuple[Command | None, tuple[str, ...]]:
        try:
            press = ids.read(action)
        except UserError:
            return None, ()
        return self._registry.find(f"{press.noun} {press.verb}".strip(), Front.TELEGRAM), press.args


def caller_of(voice: Voice, *, may_post: bool = False) -> Caller:
    """Return who asks, as commands know them."""
    return Caller(
        user_id=voice.user_id,
        front=Front.TELEGRAM,
        place=voice.place.text,
        server=voice.server,
        private=voice.private,
        may_post=may_post,
        able=not voice.private,
        language=voice.language,
    )


def _posting(course: Course, text: str, voice: Voice, *, may_post: bool) -> Course:
    """Return a request that may have alerts posted where it is made."""
    return replace(course, text=text, caller=caller_of(voice, may_post=may_post))


def _led(course: Course, payload: str) -> Course:
    """Return a request that is to be made in the private chat."""
    return replace(course, payload=payload)


def _checked(payload: str) -> str:
    return payload if _PAYLOAD.fullmatch(payload) else "help"
