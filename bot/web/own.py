"""Bring the local user's alerts to those of their programs that follow them on the stream."""

from collections.abc import Callable
from dataclasses import replace

from bot.delivery.inapp import InAppMessage
from bot.web.channels import Outlet
from bot.web.fanout import Message
from bot.web.ports import InApp
from bot.web.topics import Kind, Topic
from bot.web.wire import Keep, alert_body, dumps
from engine.model import UserId


class AlertChannel:
    """The alerts of the local user: their inbox, then each as it comes."""

    def __init__(self, inapp: InApp, user_id: UserId, keep: Keep, outlet: Outlet) -> None:
        self.name = Topic(Kind.ALERTS).name
        self._inapp = inapp
        self._user_id = user_id
        self._keep = keep
        self._outlet = outlet
        self._n = 0
        self._leave: Callable[[], None] | None = None

    def start(self) -> None:
        """Ask the hub of alerts for the user's."""
        self._leave = self._inapp.register(self._user_id, self._sink)

    def close(self) -> None:
        """Take no more alerts."""
        if self._leave is not None:
            self._leave()
            self._leave = None

    async def snapshot(self) -> Message:
        """Return the inbox as one message, oldest first."""
        n = self._n  # an alert that comes while the inbox is read is told again, under a later number
        inbox = await self._inapp.inbox(self._user_id)
        unread = await self._inapp.unread(self._user_id)
        alerts = [self._body(message) for message in reversed(inbox)]
        return self._message({"type": "alerts", "unread": unread, "alerts": alerts}, n)

    async def _sink(self, _: str, message: InAppMessage) -> None:
        """Publish one alert; its picture is drawn when asked for."""
        self._n += 1
        if self._outlet.follows(self.name):
            self._outlet.publish(self._message(self._body(message), self._n))

    def _body(self, message: InAppMessage) -> dict[str, object]:
        drawn = message.has_picture or message.picture is not None
        return alert_body(replace(message, picture=None, has_picture=drawn), self._keep)

    def _message(self, body: dict[str, object], n: int) -> Message:
        return Message.of(dumps(body | {"channel": self.name, "n": n}), channel=self.name, n=n)
