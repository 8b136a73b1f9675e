"""Hand mails to SendGrid over its HTTP API (v3, mail/send)."""

import asyncio
import json
import time
from base64 import b64encode
from typing import Any

import aiohttp
from pydantic import SecretStr
from yarl import URL

from bot.delivery.breaker import Barred, Unwell
from bot.delivery.email.letter import Letter
from bot.delivery.http import retry_after_s
from bot.lang import N_
from engine.errors import DeliveryError, Permanent, Retryable

OFFICIAL = "https://api.sendgrid.com"
TIMEOUT = aiohttp.ClientTimeout(total=25.0, sock_connect=5.0)
BARRED_S = 60.0
LONGEST_ERROR = 2000
TOO_LARGE = 413
FULL = 429


class SendGrid:
    """The carrier over SendGrid; `url` is where its API is, another for a proxy of one's own."""

    def __init__(self, key: SecretStr, url: str = OFFICIAL) -> None:
        self._key = key
        self._url = URL(url.rstrip("/")) / "v3/mail/send"
        self._session: aiohttp.ClientSession | None = None
        self.host = self._url.host or ""

    async def carry(self, letter: Letter) -> None:
        """Hand a mail over, without its picture where that is too large.

        Raise DeliveryError; TimeoutError where nobody knows whether it was taken.
        """
        status, failure = await self._post(letter)
        plainer = letter.plainer()
        if status == TOO_LARGE and plainer is not None:
            _, failure = await self._post(plainer)
        if failure is not None:
            raise failure

    async def close(self) -> None:
        """Let the connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, letter: Letter) -> tuple[int, DeliveryError | None]:
        """Return the status of an answer and what it means, None where the mail was taken."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        headers = {
            "Authorization": f"Bearer {self._key.get_secret_value()}",
            "Content-Type": "application/json",
        }
        body = await asyncio.to_thread(lambda: json.dumps(_body(letter)).encode())
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status, await _judge(answer)
        except aiohttp.ClientConnectorError:
            raise Unwell(N_("SendGrid cannot be reached")) from None
        except aiohttp.ClientError as error:
            raise TimeoutError(N_("no answer from SendGrid")) from error


async def _judge(answer: aiohttp.ClientResponse) -> DeliveryError | None:
    """Return what an answer means; no address and no key is repeated."""
    status = answer.status
    if 200 <= status < 300:
        return None
    reason = f"SendGrid answered {status}"
    if status >= 500 or status == 408:
        return Unwell(reason)
    if status in (401, 403):
        return Barred(f"{reason}: it does not accept the key or the sender", retry_after_s=BARRED_S)
    if status == FULL:
        reset = answer.headers.get("X-RateLimit-Reset", "")
        until_s = float(reset) - time.time() if reset.isdigit() else 0.0
        wait_s = retry_after_s(answer.headers) or max(1.0, min(until_s, 3600.0))
        return Retryable(reason, retry_after_s=wait_s)
    text = (await answer.content.read(LONGEST_ERROR)).decode("utf-8", "replace")
    return Permanent(f"{reason}: {_field(text)}")


def _field(text: str) -> str:
    """Return which field of a mail SendGrid did not like, without the value."""
    try:
        return str(json.loads(text)["errors"][0]["field"])[:80]
    except (ValueError, LookupError, TypeError):
        return "it gave no reason"


def _body(letter: Letter) -> dict[str, Any]:
    """Return a mail as the API takes it."""
    body: dict[str, Any] = {
        "personalizations": [{"to": [{"email": letter.to}]}],
        "from": {"email": letter.sender.address, "name": letter.sender.name},
        "subject": letter.subject,
        "content": [
            {"type": "text/plain", "value": letter.text},
            {"type": "text/html", "value": letter.html},
        ],
        "headers": letter.headers | {"Message-ID": letter.message_id},
        "custom_args": {"liqwatch_key": letter.key},
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
        },
    }
    if letter.picture is not None:
        body["attachments"] = [
            {
                "content": b64encode(letter.picture.png).decode(),
                "type": "image/png",
                "filename": letter.picture.name,
                "disposition": "inline",
                "content_id": letter.picture_id,
            }
        ]
    return body
