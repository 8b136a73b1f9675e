"""Answer one command or press: within Discord's three seconds, and only for the eyes it is meant for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import discord
import structlog

from bot.commands.reply import Form
from bot.delivery.discord.faults import Fault, Refusal, judge
from bot.delivery.discord.parcel import Parcel
from bot.discord.forms import modal_of

log = structlog.get_logger(__name__)

CALL_S = 25.0
"""How long one call of Discord's API may take, the library's own retries included."""
LATE = (Fault.EXPIRED, Fault.ANSWERED)
NOBODY = discord.AllowedMentions.none()


class Asked:
    """One interaction that wants an answer. `edits` says that the answer changes the pressed message."""

    def __init__(self, interaction: discord.Interaction, *, hidden: bool, edits: bool = False) -> None:
        self._interaction = interaction
        self._hidden = hidden
        self._edits = edits
        self._lock = asyncio.Lock()
        self._held = False

    async def hold(self) -> None:
        """Tell Discord that the answer takes a moment; nothing where it was answered already."""
        async with self._lock:
            response = self._interaction.response
            if response.is_done():
                return
            self._held = True
            thinking = not self._edits
            await _call(lambda: response.defer(ephemeral=self._hidden, thinking=thinking))

    async def hold_after(self, delay_s: float) -> None:
        """Hold once an answer is slow to come; to be cancelled when it is there."""
        await asyncio.sleep(delay_s)
        try:
            await self.hold()
        except Refusal as refusal:
            log.info("discord.not_held", because=refusal.verdict.reason)

    async def open(self, form: Form) -> bool:
        """Show a form in place of an answer; say whether that could still be done. Raises Refusal."""
        async with self._lock:
            response = self._interaction.response
            if response.is_done():
                return False
            await _call(lambda: response.send_modal(modal_of(form)))
            return True

    async def answer(self, parcels: Sequence[Parcel], *, hidden: bool, edits: bool = False) -> None:
        """Answer with messages; what is `hidden` is shown to nobody but the asker. Raises Refusal."""
        async with self._lock:
            first, *further = parcels
            await _plainly(first, lambda parcel: self._present(parcel, hidden=hidden, edits=edits))
            for parcel in further:
                await _plainly(parcel, lambda parcel: self._follow(parcel, hidden=hidden))

    async def _present(self, parcel: Parcel, *, hidden: bool, edits: bool) -> None:
        """Answer, anew where the message is gone that the answer was to change."""
        try:
            await self._first(parcel, hidden=hidden, edits=edits)
        except Refusal as refusal:
            if refusal.verdict.fault is not Fault.NO_MESSAGE:
                raise
            if self._interaction.response.is_done():
                await self._follow(parcel, hidden=hidden)
            else:
                await _call(lambda: self._interaction.response.send_message(**_new(parcel), ephemeral=hidden))

    async def _first(self, parcel: Parcel, *, hidden: bool, edits: bool) -> None:
        interaction = self._interaction
        if not interaction.response.is_done():
            if edits:
                await _call(lambda: interaction.response.edit_message(**_changed(parcel)))
            else:
                await _call(lambda: interaction.response.send_message(**_new(parcel), ephemeral=hidden))
        elif edits and self._edits:
            await _call(lambda: interaction.edit_original_response(**_changed(parcel)))
        elif self._edits or (hidden and not self._hidden):
            if not self._edits:
                await _call(interaction.delete_original_response)  # it would be seen by everybody
            await self._follow(parcel, hidden=hidden)
        else:
            await _call(lambda: interaction.edit_original_response(**_changed(parcel)))

    async def _follow(self, parcel: Parcel, *, hidden: bool) -> None:
        await _call(lambda: self._interaction.followup.send(**_new(parcel), ephemeral=hidden))


async def _plainly(parcel: Parcel, send: Callable[[Parcel], Awaitable[None]]) -> None:
    """Send a message, plainer where that was the trouble. Raises Refusal."""
    while True:
        try:
            await send(parcel)
        except Refusal as refusal:
            plainer = parcel.plainer(refusal.verdict.fault)
            if plainer is None:
                raise
            parcel = plainer
        else:
            return


async def _call(make: Callable[[], Awaitable[Any]]) -> None:
    """Make one call of the API. Raises Refusal."""
    try:
        async with asyncio.timeout(CALL_S):
            await make()
    except discord.InteractionResponded:
        log.info("discord.answered_already")
    except Exception as error:  # noqa: BLE001 - judged: the library raises what the network does
        raise Refusal(judge(error)) from None


def _new(parcel: Parcel) -> dict[str, Any]:
    """Return a new message as the library wants it."""
    body: dict[str, Any] = {"embed": parcel.embed(), "allowed_mentions": NOBODY}
    if (view := parcel.view()) is not None:
        body["view"] = view
    if files := parcel.attachments():
        body["files"] = files
    return body


def _changed(parcel: Parcel) -> dict[str, Any]:
    """Return a changed message as the library wants it: what was attached and is not here any more goes."""
    return {
        "embed": parcel.embed(),
        "view": parcel.view(),
        "attachments": parcel.attachments(),
        "allowed_mentions": NOBODY,
    }
