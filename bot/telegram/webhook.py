"""Take what people do from Telegram's webhook: a listener of its own, with one address and one secret.

A stranger's request costs no more than a look at one header: it is refused before its body is read.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from telegram import Bot, WebhookInfo
from telegram.error import TelegramError

from bot.delivery.telegram.faults import Fault, judge
from bot.delivery.telegram.updates import update_of
from bot.telegram.contact import KINDS, Contact, Final
from bot.telegram.seen import Intake
from storage.notes import get_note, set_note
from storage.state import StateStore

log = structlog.get_logger(__name__)

NOTE = "telegram_webhook"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
USUAL_PATH = "/telegram"
MAX_BODY = 1 << 18
"""How large an update may be, in bytes; Telegram's are a few thousand."""
CONNECTIONS = 40
"""How many connections Telegram is asked to use at most."""
IDLE_S, BODY_S, LINGER_S, SHUTDOWN_S = 75.0, 10.0, 0.5, 2.0
LOOK_S = 60.0
"""How often Telegram is asked whether it can reach the webhook."""
AGAIN_S = 5.0
RECENT_S = 300.0
RETRY_S = "1"
SAID_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where Telegram sends updates (`url`), what it proves itself with, and where that arrives here."""

    url: str
    secret: str = field(repr=False)
    host: str
    port: int

    @property
    def path(self) -> str:
        """Return the path that is listened on: that of the public address."""
        return urlsplit(self.url).path.rstrip("/") or USUAL_PATH


def secret_of(token: str) -> str:
    """Return a secret for a bot that was given none: always the same, and no way back to the token."""
    return hmac.new(token.encode(), b"liqwatch webhook", hashlib.sha256).hexdigest()


class Webhook:
    """Listen until cancelled, and hand each update to `take` once."""

    def __init__(
        self,
        bot: Bot,
        intake: Intake,
        has_room: Callable[[], bool],
        *,
        contact: Contact,
        state: StateStore,
        hook: Hook,
    ) -> None:
        self._bot = bot
        self._intake = intake
        self._has_room = has_room
        self._contact = contact
        self._state = state
        self._hook = hook
        self._secret = hook.secret.encode()
        self._runner: web.AppRunner | None = None
        self._strangers = 0
        self._said_s = 0.0

    @property
    def port(self) -> int:
        """Return the port that is listened on; 0 before the start."""
        addresses = self._runner.addresses if self._runner is not None else []
        return int(addresses[0][1]) if addresses else 0

    async def run(self) -> None:
        """Serve until cancelled. Raises Final."""
        try:
            await self._listen()
            ours = False
            while True:
                if not ours:
                    await self._register()
                ours = await self._is_ours()
                await asyncio.sleep(LOOK_S if ours else AGAIN_S)
        finally:
            if self._runner is not None:
                await self._runner.cleanup()
                self._runner = None

    async def stop(self) -> None:
        """Do nothing more: Telegram keeps what comes until the next start, for a day."""

    async def _listen(self) -> None:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_post(self._hook.path, self._received)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=IDLE_S,
            lingering_time=LINGER_S,
            shutdown_timeout=SHUTDOWN_S,
        )
        await self._runner.setup()
        hook = self._hook
        try:
            await web.TCPSite(self._runner, hook.host, hook.port).start()
        except OSError as error:
            raise Final(
                f"LIQWATCH_TELEGRAM_WEBHOOK_PORT: {hook.host}:{hook.port} cannot be listened on "
                f"({error.strerror}). Choose another port, and start Liqwatch again."
            ) from None
        log.info("telegram.listening", host=hook.host, port=self.port, path=hook.path)

    async def _register(self) -> None:
        """Tell Telegram where to send updates, however long that takes. Raises Final where it never will."""
        hook = self._hook
        await self._state.run(lambda session: set_note(session, NOTE, {"url": hook.url}))
        while True:
            try:
                await self._bot.set_webhook(
                    hook.url, secret_token=hook.secret, allowed_updates=KINDS, max_connections=CONNECTIONS
                )
            except TelegramError as error:
                verdict = judge(error)
                if verdict.fault is Fault.REFUSED:
                    raise Final(
                        f"Telegram does not take LIQWATCH_TELEGRAM_WEBHOOK_URL ({verdict.reason}). It wants "
                        "https on port 443, 80, 88 or 8443; or leave it empty, and Liqwatch polls."
                    ) from None
                await self._contact.recover(verdict)
            else:
                self._contact.well()
                return

    async def _is_ours(self) -> bool:
        """Say whether Telegram still sends updates here, and note whether it gets through."""
        try:
            info = await self._bot.get_webhook_info()
        except TelegramError as error:
            self._contact.say(f"{judge(error).reason}; trying again.")
            return True
        if info.url != self._hook.url:
            log.warning(
                "telegram.webhook_taken", what="another process has set or removed it; setting it again"
            )
            return False
        if trouble := unreached(info, time.time()):
            self._contact.say(trouble)
        else:
            self._contact.well()
        return True

    async def _received(self, request: web.Request) -> web.Response:
        """Take one update. What is no answer of 200 is sent again by Telegram, a little later."""
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._secret):
            return self._refused()
        if not self._has_room():
            return web.Response(status=503, headers={"Retry-After": RETRY_S})
        async with asyncio.timeout(BODY_S):
            body = await request.read()
        try:
            raw = json.loads(body)
        except ValueError:
            raw = None
        if isinstance(raw, dict) and isinstance(raw.get("update_id"), int):
            await self._intake.hand_on({raw["update_id"]: update_of(raw, self._bot)})
        return web.Response()

    def _refused(self) -> web.Response:
        """Turn somebody away who does not know the secret; how many there were is logged once a minute."""
        self._strangers += 1
        now_s = time.monotonic()
        if now_s - self._said_s > SAID_EVERY_S:
            self._said_s = now_s
            log.warning("telegram.strangers_refused", count=self._strangers)
        refusal = web.Response(status=403)
        refusal.force_close()
        return refusal


def unreached(info: WebhookInfo, now_s: float) -> str:
    """Return what kept Telegram from reaching the webhook lately; empty where it gets through."""
    if info.last_error_date is None or now_s - info.last_error_date.timestamp() > RECENT_S:
        return ""
    waiting = f", {info.pending_update_count} wait" if info.pending_update_count else ""
    why = f"{info.last_error_message}{waiting}"
    return f"Telegram cannot reach the webhook ({why}). Look at the proxy that stands before it."


async def let_go(bot: Bot, state: StateStore, contact: Contact) -> None:
    """Remove the webhook that an earlier start has set: while it stands, nothing can be fetched."""
    if await state.read(lambda session: get_note(session, NOTE)) is None:
        return
    while True:
        try:
            await bot.delete_webhook(drop_pending_updates=False)
        except TelegramError as error:
            await contact.recover(judge(error))
        else:
            contact.well()
            break
    await state.run(lambda session: set_note(session, NOTE, None))
    log.info("telegram.webhook_removed")
