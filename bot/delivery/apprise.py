"""Deliver alerts through apprise to services that have no channel of their own. Optional: `make apprise`.

apprise blocks, and knows no end of servers that answer drop by drop, so each message has a thread that nobody
waits for once its time is over.
"""

import asyncio
import importlib.util
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bot.commands.lines import Line, fit
from bot.delivery.addresses import Address, Addresses, address_of
from bot.delivery.breaker import Breakers, Unwell
from bot.delivery.channel import OutMessage, Picture, Rate, Receipt
from bot.delivery.guard import Dialler, Refused
from bot.delivery.plain import clean, one_line
from bot.delivery.trouble import Trouble, of_hosts
from bot.delivery.wording import details, headline
from bot.lang import N_, _
from engine.errors import Permanent, Retryable, UserError
from engine.model import Severity

CHANNEL = "apprise"
TITLE = 200
TEXT = 3000
TIMEOUT_S = 20.0
MOST_HANGING = 16
"""How many threads may be left behind that never ended, before nothing more is sent for a while."""
HANGING_WAIT_S = 60.0
FOR_USERS = frozenset(
    {"discord", "gchat", "ifttt", "line", "pbul", "pover", "prowl", "pushme", "simplepush", "slack"}
    | {"tgram", "twist", "webex", "wxteams", "zulip"}
)
"""Services at fixed places: what a user names there leads to no server of their choice."""
EXAMPLE = "pover://user@token"
KINDS = {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}
HOST = "{host}"
LOUD = ("apprise", "requests", "urllib3")
"""Loggers that would write addresses with tokens in them."""


def installed() -> bool:
    """Say whether apprise is there."""
    return importlib.util.find_spec("apprise") is not None


class AppriseChannel:
    """The channel `apprise`: destinations are names that `addresses` knows apprise's URLs by.

    What the operator named may lead to any service, at public addresses and networks of the operator's; what
    a user named only to services at fixed places.
    """

    def __init__(
        self,
        dialler: Dialler,
        addresses: Addresses,
        *,
        breakers: Breakers | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._dialler = dialler
        self._addresses = addresses
        self._breakers = breakers or Breakers()
        self._within_s = timeout_s
        self._hanging = 0
        self.name = CHANNEL
        self.overall: tuple[Rate, ...] = ()
        self.deduplicates_s = 0.0
        self.timeout_s = timeout_s + 10.0
        self.concurrency = 8

    def rates(self, _destination: str) -> tuple[Rate, ...]:
        """Return how fast one service is called: most take one message a second."""
        return (Rate(count=1, period_s=1.05),)

    def trouble(self) -> Trouble:
        """Return what keeps it from sending."""
        return of_hosts(self._breakers.shut())

    async def cost(self, _destination: str) -> int:
        """Return that a message is one call."""
        return 1

    async def send(self, message: OutMessage, *, key: str, edit_of: str | None) -> Receipt:
        """Send an alert. Raises DeliveryError or TimeoutError; apprise does not say why it was refused."""
        if edit_of is not None:
            raise Permanent(N_("what went through apprise cannot be changed"))
        address = await address_of(self._addresses, CHANNEL, message)
        if self._hanging >= MOST_HANGING:
            raise Retryable(N_("too many services hang"), retry_after_s=HANGING_WAIT_S)
        service = await asyncio.to_thread(service_of, address)
        host = await self._host(service)
        with self._breakers.through(host, message.user_id):
            if not await self._notify(service, message):
                raise Unwell(N_("the service did not take it"))
        return Receipt()

    async def close(self) -> None:
        """Keep nothing open."""

    async def _host(self, service: Any) -> str:  # noqa: ANN401 - a plugin of apprise, untyped
        """Return what the circuit breaker counts by. Raise Retryable where a server is not to be called."""
        if not carries_host(service):
            return str(service.service_name)
        host = f"[{service.host}]" if ":" in service.host else service.host
        try:
            await self._dialler.check(f"https://{host}/")
        except Refused as refused:
            raise Retryable(refused.message, retry_after_s=HANGING_WAIT_S) from None
        return str(service.host)

    async def _notify(self, service: Any, message: OutMessage) -> bool:  # noqa: ANN401 - as above
        lines = fit([Line(defused(line.text), line.style, line.label) for line in details(message)], TEXT)
        about: dict[str, Any] = {
            "title": defused(one_line(headline(message), TITLE)),
            "body": "\n".join(line.plain for line in lines),
            "notify_type": KINDS[message.severity],
            "body_format": "text",
        }
        if message.picture is not None:
            about["attach"] = _attached(message.picture)
        self._hanging += 1
        async with asyncio.timeout(self._within_s):
            return bool(await self._in_thread(lambda: service.notify(**about)))

    async def _in_thread(self, work: Callable[[], object]) -> object:
        """Run in a thread of its own, which does not keep the process from ending."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[object] = loop.create_future()

        def settle(result: object, error: Exception | None) -> None:
            self._hanging -= 1
            if done.done():
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        def run() -> None:
            result, failure = None, None
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - part of a delivery attempt, which judges it
                failure = error
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, result, failure)

        threading.Thread(target=run, name="apprise", daemon=True).start()
        return await done


def service_of(address: Address) -> Any:  # noqa: ANN401 - a plugin of apprise, untyped
    """Return the service that an address names. Raise Permanent where that is none, or not for a user."""
    import apprise

    for name in LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        text = address.text if address.trusted else for_user(address.text)
    except UserError as error:
        raise Permanent(error.message) from None
    asset = apprise.AppriseAsset(storage_mode="memory")
    service = apprise.Apprise.instantiate(text, asset=asset)
    if service is None:
        raise Permanent(N_("apprise does not understand the address"))
    if not address.trusted and carries_host(service):
        raise Permanent(Refused().message)
    return service


def for_user(text: str) -> str:
    """Return an address that a user may name. Raise UserError for services that a user must not reach."""
    text = text.strip()
    schema, given, rest = text.partition("://")
    if not given or schema.lower() not in FOR_USERS or "?" in rest or clean(text) != text:
        names = ", ".join(sorted(FOR_USERS))
        raise UserError(
            _("Name one of {names}, without options; for a server of your own use a webhook.").format(
                names=names
            ),
            example=EXAMPLE,
        )
    return text


def carries_host(service: Any) -> bool:  # noqa: ANN401 - a plugin of apprise, untyped
    """Say whether a service's address names the server to call."""
    return any(HOST in template for template in service.templates)


def defused(text: str) -> str:
    """Return text that pings nobody, whatever the service takes for a mention."""
    return clean(text).replace("@", "@\u2060").replace("<!", "<\u2060!").replace("<#", "<\u2060#")


def _attached(picture: Picture) -> Any:  # noqa: ANN401 - apprise's, untyped
    from apprise import AppriseAttachment
    from apprise.attachment.memory import AttachMemory

    attachment = AppriseAttachment()
    attachment.add(AttachMemory(content=picture.png, name=picture.name, mimetype="image/png"))  # type: ignore[no-untyped-call]
    return attachment
