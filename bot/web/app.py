"""Lay out the addresses and the checks that every request passes."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.web.api import Api
from bot.web.auth import PanelAuth
from bot.web.blobs import BlobStore
from bot.web.errors import answer_errors
from bot.web.panel import Panel
from bot.web.rest.gate import LARGEST_BODY, Gate
from bot.web.rest.service import Rest
from bot.web.security import Guard, add_headers
from bot.web.static import Assets
from bot.web.stream import Stream

BODY_TIMEOUT_S = 10.0
SAFE_METHODS = frozenset({"GET", "HEAD"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The addresses that need to know who asks: the page's door, the panel and its documents."""

    def __init__(self, *, auth: PanelAuth, panel: Panel, blobs: BlobStore, assets: Assets) -> None:
        self._auth = auth
        self._panel = panel
        self._blobs = blobs
        self._assets = assets

    async def page(self, request: web.Request) -> web.StreamResponse:
        """Answer the page; a token in its address is exchanged for a cookie and taken out of it."""
        token = request.query.get("token")
        if token is None:
            return await self._assets.page(request)
        known = self._auth.check(token)
        rest = {name: value for name, value in request.query.items() if name != "token"}
        if not known:
            rest["denied"] = "1"
        response = web.HTTPSeeOther(request.rel_url.with_path("/").with_query(rest))
        if known:
            self._auth.grant(request, response)
        raise response

    async def sign_in(self, request: web.Request) -> web.Response:
        """Take the token from the page's form and answer with the cookie."""
        async with asyncio.timeout(BODY_TIMEOUT_S):
            form = await request.post()
        token = form.get("token")
        if not isinstance(token, str) or not self._auth.check(token.strip()):
            raise web.HTTPForbidden(text="That is not the token that was printed at start.")
        response = web.json_response({"panel": True})
        self._auth.grant(request, response)
        return response

    async def session(self, request: web.Request) -> web.Response:
        """Say whether this client may use the panel."""
        return web.json_response(
            {"panel": self._auth.may_use(request), "token_needed": self._auth.token_needed}
        )

    async def panel(self, request: web.Request) -> web.StreamResponse:
        """Open the panel's socket for its user."""
        self._require_user(request)
        return await self._panel.handle(request)

    async def blob(self, request: web.Request) -> web.Response:
        """Answer a picture or document of a reply or alert."""
        self._require_user(request)
        blob = self._blobs.get(self._panel.user_id, request.match_info["key"])
        if blob is None:
            raise web.HTTPNotFound(text="This is no longer kept: ask again.")
        inline = blob.media_type.startswith("image/")
        response = web.Response(
            body=blob.content,
            content_type=blob.media_type,
            headers={"Cache-Control": "private, max-age=3600, immutable"},
        )
        if not inline:
            response.headers["Content-Disposition"] = "attachment"
        return response

    async def alert_picture(self, request: web.Request) -> web.Response:
        """Draw the picture of a message in the inbox."""
        self._require_user(request)
        picture = await self._panel.inapp.picture(self._panel.user_id, int(request.match_info["delivery"]))
        if picture is None:
            raise web.HTTPNotFound(text="There is no picture to this message.")
        headers = {"Cache-Control": "private, max-age=600"}
        return web.Response(body=picture.png, content_type="image/png", headers=headers)

    def _require_user(self, request: web.Request) -> None:
        if not self._auth.may_use(request):
            raise web.HTTPUnauthorized(text="The panel needs the token that was printed at start.")


def checks(
    guard: Guard, gate: Gate, connections: Callable[[], int], limit: int
) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware that turns away foreign names, foreign pages and a crowd."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not guard.knows_host(request):
            raise web.HTTPForbidden(
                text="This server does not answer to that name; add it to LIQWATCH_ALLOWED_HOSTS."
            )
        acts = request.method not in SAFE_METHODS or request.headers.get("Upgrade", "").lower() == "websocket"
        if acts and not (gate.allows(request) or guard.knows_origin(request)):
            raise web.HTTPForbidden(text="Another site may not speak for this one.")
        if connections() > limit:
            raise web.HTTPServiceUnavailable(text="Too many connections.", headers={"Retry-After": "5"})
        return await handler(request)

    return check


def build(
    *,
    site: Site,
    api: Api,
    stream: Stream,
    rest: Rest,
    assets: Assets,
    check: Callable[..., Awaitable[web.StreamResponse]],
) -> web.Application:
    """Return the application."""
    gate = rest.gate
    layers = [gate.watch(), answer_errors, check, gate.guard()]
    app = web.Application(middlewares=layers, client_max_size=LARGEST_BODY)
    app.on_response_prepare.append(add_headers)
    app.add_routes(
        [
            web.get("/", site.page),
            web.get("/sw.js", assets.worker),
            web.get(r"/{kind:static|vendor}/@{version}/{path:.+}", assets.file),
            web.get(r"/{kind:static|vendor}/{path:.+}", assets.file),
            *rest.resources(),
            web.get("/api/exchanges", rest.exchanges.health),
            web.get("/api/session", site.session),
            web.get("/api/symbols", api.symbols),
            web.get("/api/heatmap", api.heatmap),
            web.get("/api/candles", api.candles),
            web.get("/api/levels", api.levels),
            web.get("/api/liquidations", api.reports.liquidations),
            web.get("/ws/heatmap", stream.handle),
            web.get("/ws/panel", site.panel),
            web.post("/panel/sign-in", site.sign_in),
            web.get("/panel/blobs/{key}/{name}", site.blob),
            web.get(r"/panel/alerts/{delivery:\d{1,18}}/picture.png", site.alert_picture),
        ]
    )
    for resource in app.router.resources():
        if resource.canonical.startswith("/api/"):
            gate.know(resource.canonical, limited=True, shared=False)
    return app
