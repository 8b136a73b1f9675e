"""Send and change messages through the bot's client: plainer where refused, each send safe to repeat."""

import secrets
import time
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import discord
import structlog

from bot.delivery.discord.faults import Fault, Refusal, Verdict, judge
from bot.delivery.discord.forum import begin_post
from bot.delivery.discord.parcel import Parcel
from bot.delivery.discord.places import Place, Remote
from bot.lang import N_

log = structlog.get_logger(__name__)

KNOWN_DMS = 100_000
"""How many private chats are remembered."""
NOT_CONNECTED = Verdict(
    fault=Fault.UNSENT, reason=N_("the bot is not connected to Discord"), retry_after_s=5.0
)


class Post:
    """The way to Discord's API. `client` is logged in by the front."""

    def __init__(self, client: discord.Client) -> None:
        self.client = client
        self._dms: OrderedDict[int, int] = OrderedDict()
        self._shut_out: tuple[float, Verdict] | None = None

    async def send(self, to: Place, parcel: Parcel, *, nonce: str = "", silent: bool = False) -> Remote:
        """Send a message and return which it is there. Raises Refusal.

        For a few minutes a second message with the same `nonce` is not sent: Discord returns the first.
        """
        self._must_be_open()
        while True:
            try:
                forum = None if to.private else self.client.get_channel(to.number)
                if isinstance(forum, discord.ForumChannel):
                    return await begin_post(forum, parcel, _body(parcel))
                channel = self.client.get_partial_messageable(await self._channel_id(to))
                sent = await channel.send(**_body(parcel), nonce=nonce or secrets.randbits(64), silent=silent)
            except Exception as error:  # noqa: BLE001 - judged: the library raises what the network does
                parcel = self._again(error, parcel)
            else:
                return Remote(sent.channel.id, sent.id)

    async def edit(self, message: Remote, parcel: Parcel) -> None:
        """Change a message that was sent. Raises Refusal."""
        self._must_be_open()
        while True:
            try:
                channel = self.client.get_partial_messageable(message.channel_id)
                body = {name: value for name, value in _body(parcel).items() if name != "files"}
                target = channel.get_partial_message(message.message_id)
                await target.edit(**{"view": None, "content": None, **body}, attachments=parcel.attachments())
            except Exception as error:  # noqa: BLE001 - judged: the library raises what the network does
                parcel = self._again(error, parcel)
            else:
                return

    def _must_be_open(self) -> None:
        """Raise Refusal where nothing can be sent: each request while shut out lengthens that."""
        if self.client.user is None or self.client.is_closed():
            raise Refusal(NOT_CONNECTED)
        if self._shut_out is None:
            return
        until_s, verdict = self._shut_out
        left_s = until_s - time.monotonic()
        if left_s > 0:
            raise Refusal(replace(verdict, retry_after_s=left_s))
        self._shut_out = None

    def _again(self, error: Exception, parcel: Parcel) -> Parcel:
        """Return what to try after an error. Raises Refusal where it is final."""
        verdict = judge(error)
        if verdict.everywhere:
            self._shut_out = (time.monotonic() + (verdict.retry_after_s or 0.0), verdict)
        plainer = parcel.plainer(verdict.fault)
        if plainer is None:
            raise Refusal(verdict) from None
        log.warning("discord.sent_another_way", because=verdict.reason)
        return plainer

    def is_open(self, place: Place) -> bool:
        """Say whether a message there is one request: to a channel, or a private chat that is known."""
        return not place.private or place.number in self._dms

    def learn(self, person: int, channel: int) -> None:
        """Remember the private chat of somebody."""
        self._dms[person] = channel
        self._dms.move_to_end(person)
        if len(self._dms) > KNOWN_DMS:
            self._dms.popitem(last=False)

    async def _channel_id(self, place: Place) -> int:
        """Return the channel of a place; for a person, of their direct messages."""
        if not place.private:
            return place.number
        if place.number not in self._dms:
            self.learn(place.number, (await self.client.create_dm(discord.Object(place.number))).id)
        return self._dms[place.number]


def _body(parcel: Parcel) -> dict[str, Any]:
    """Return what a new message and a changed one have in common, as the library wants it."""
    body: dict[str, Any] = {"embed": parcel.embed(), "allowed_mentions": parcel.mentions()}
    if parcel.content:
        body["content"] = parcel.content
    if (view := parcel.view()) is not None:
        body["view"] = view
    if files := parcel.attachments():
        body["files"] = files
    return body
