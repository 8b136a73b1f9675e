"""Deliver alerts to programs: one signed request each, to an address that is public and answers at once."""

import time
from collections.abc import Callable, Mapping

import aiohttp
from yarl import URL

from bot.delivery.addresses import Addresses, address_of
from bot.delivery.breaker import Breakers, Unwell
from bot.delivery.channel import OutMessage, Rate, Receipt
from bot.delivery.guard import Dialler, Refused, parse
from bot.delivery.http import retry_after_s
from bot.delivery.links import Links
from bot.delivery.trouble import Trouble, of_hosts
from bot.delivery.webhook.body import body_of
from bot.delivery.webhook.signature import secret_bytes, sign
from bot.lang import N_
from engine.errors import DeliveryError, Gone, Permanent, Retryable, UserError

CHANNEL = "webhook"
TIMEOUT_S = 15.0
"""What Standard Webhooks recommends for an answer, within its 15 to 30 s."""
DEDUPLICATES_S = 86_400.0
"""A receiver drops what it had by `webhook-id`, as the standard asks; a day is what it may remember."""
PLACE = (Rate(count=20, period_s=1.0),)
DENIED_WAIT_S = 60.0
AGENT = "Liqwatch-Webhooks/1 (+https://www.standardwebhooks.com)"
GONE = frozenset({404, 410})
DENIED = frozenset({401, 403})
WAIT = frozenset({408, 425, 429})
REFUSED_WAIT_S = 60.0


class WebhookChannel:
    """The channel `webhook`: destinations are names that `addresses` knows URLs and their secrets by."""

    def __init__(
        self,
        dialler: Dialler,
        addresses: Addresses,
        *,
        links: Links | None = None,
        breakers: Breakers | None = None,
        wall_s: Callable[[], float] = time.time,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._dialler = dialler
        self._addresses = addresses
        self._links = links
        self._breakers = breakers or Breakers()
        self._wall_s = wall_s
        self._answer_s = timeout_s
        self.name = CHANNEL
        self.overall: tuple[Rate, ...] = ()
        self.deduplicates_s = DEDUPLICATES_S
        self.timeout_s = timeout_s + 5.0
        self.concurrency = 32

    def rates(self, _destination: str) -> tuple[Rate, ...]:
        """Return how fast one receiver is called."""
        return PLACE

    def trouble(self) -> Trouble:
        """Return what keeps it from sending."""
        return of_hosts(self._breakers.shut())

    async def cost(self, _destination: str) -> int:
        """Return that a message is one request."""
        return 1

    async def send(self, message: OutMessage, *, key: str, edit_of: str | None) -> Receipt:
        """Post an alert, or that it has changed. Raises DeliveryError or TimeoutError.

        What is sent again after an unknown end has the same `webhook-id`.
        """
        address = await address_of(self._addresses, CHANNEL, message)
        try:
            url = parse(address.text, self._dialler.networks)
            secret = secret_bytes(address.secret)
        except UserError as error:
            raise Permanent(error.message) from None
        message_id = edit_of or f"msg_{key[:40]}"
        now_s = int(self._wall_s())
        body = body_of(message, timestamp_s=now_s, links=self._links)
        sent_id = f"{message_id}.{message.revision}" if message.revision else message_id
        headers = sign(secret, message_id=sent_id, timestamp_s=now_s, body=body)
        headers |= {"Content-Type": "application/json", "User-Agent": AGENT}
        with self._breakers.through(f"{url.host}:{url.port}", message.user_id):
            await self._post(url, body, headers)
        return Receipt(remote_id=message_id)

    async def close(self) -> None:
        """Let the connections go."""
        await self._dialler.close()

    async def _post(self, url: URL, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            answer = await self._dialler.post(url, body, headers, timeout_s=self._answer_s)
        except Refused as refused:
            raise Retryable(refused.message, retry_after_s=REFUSED_WAIT_S) from None
        except aiohttp.ClientConnectorDNSError:
            raise Retryable(Refused().message, retry_after_s=REFUSED_WAIT_S) from None
        except aiohttp.ClientConnectorCertificateError:
            raise Unwell(N_("its certificate is not valid: renew it")) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise Unwell(N_("it cannot be reached")) from None
        except aiohttp.ClientError as error:
            raise TimeoutError(N_("no answer")) from error
        failure = judge(answer.status, answer.headers)
        if failure is not None:
            raise failure


def judge(status: int, headers: Mapping[str, str]) -> DeliveryError | None:
    """Return what the head of an answer means, None where the request was taken."""
    reason = f"it answered {status}"
    if 200 <= status < 300:
        return None
    if status in GONE:
        return Gone(f"{reason}: nothing takes alerts there any more")
    if status in DENIED:
        return Retryable(f"{reason}: it lets us in no more", retry_after_s=DENIED_WAIT_S)
    if status in WAIT or status >= 500:
        wait_s = retry_after_s(headers)
        busy = wait_s is not None or status in WAIT
        return Retryable(reason, retry_after_s=wait_s) if busy else Unwell(reason)
    if 300 <= status < 400:
        return Permanent(f"{reason}: redirects are not followed, so give the address that it leads to")
    return Permanent(reason)
