"""Answer those who run this: metrics and how the stream is doing, here or with the token of metrics."""

import hmac

from aiohttp import web

from bot.web.auth import PanelAuth
from bot.web.rest.answers import StreamStats
from bot.web.rest.fields import Nothing
from bot.web.rest.kept import Kept
from bot.web.rest.metrics import MEDIA_TYPE, Metrics
from bot.web.rest.problems import Problem, Refused
from bot.web.stream import Stream


class Operators:
    """Know who runs this, and answer them."""

    def __init__(self, auth: PanelAuth, token: str | None, metrics: Metrics, stream: Stream) -> None:
        self._auth = auth
        self._token = token
        self._metrics = metrics
        self._stream = stream

    def admit(self, request: web.BaseRequest) -> None:
        """Raise Refused for a request that neither comes from this machine's user nor has the token."""
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        known = self._token is not None and kind.lower() == "bearer"
        if known and hmac.compare_digest(given.strip().encode(), (self._token or "").encode()):
            return
        if not self._auth.may_use(request):
            detail = "This is for whoever runs this server: send LIQWATCH_METRICS_TOKEN as a bearer token."
            raise Refused(
                Problem(title="Unauthorized", status=401, detail=detail), {"WWW-Authenticate": "Bearer"}
            )

    async def metrics(self, _: Nothing) -> Kept:
        """Answer all metrics."""
        return Kept.of(self._metrics.text(), MEDIA_TYPE)

    async def stream(self, _: Nothing) -> Kept:
        """Answer how the stream is doing."""
        tally = self._stream.tally
        return Kept.json(
            StreamStats(
                connections=self._stream.connections,
                most_connections=self._stream.most_connections,
                channels=self._stream.subscribers(),
                messages_sent=tally.sent,
                bytes_sent=tally.bytes,
                messages_dropped=tally.dropped,
                messages_received=tally.heard,
                snapshots_sent=tally.snapshots,
                slow_consumers=tally.slow,
                slow_consumers_closed=tally.closed,
                refused=dict(tally.refused),
            )
        )
