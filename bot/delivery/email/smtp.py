"""Hand mails to a mail server over SMTP, and understand its replies (RFC 5321, codes of RFC 3463)."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.utils import localtime
from enum import StrEnum

import aiosmtplib
from aiosmtplib import SMTPAuthenticationError, SMTPNotSupported, SMTPResponseException
from pydantic import SecretStr

from bot.delivery.breaker import Barred, Unwell
from bot.delivery.email.letter import Letter
from bot.delivery.plain import one_line
from bot.lang import N_
from engine.errors import DeliveryError, Gone, Permanent, Retryable

OPEN_S = 15.0
HAND_OVER_S = 20.0
LEAVE_S = 1.0
BARRED_S = 60.0
"""How long nothing is sent after a login was refused: servers lock out who tries too often."""
GREY_S = 90.0
"""How long to wait after "not now": greylisting wants minutes, and every try in between is in vain."""
FULL_S = 300.0
LOCAL_NAME = "liqwatch.localdomain"
NOBODY = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""Codes that say: nobody is at this address, or nobody any more."""
NO_LOGIN = frozenset({530, 534, 535, 538})
TOO_LARGE = 552
CLOSING = 421
SYSTEM_FULL = 452
_CODE = re.compile(r"\d\.\d{1,3}\.\d{1,3}")
_PERSONAL = re.compile(r"\S+@\S+")


class Security(StrEnum):
    """How the connection to a mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """A mail server that takes mails from us; `tls` is what it is checked by, None the system's usual."""

    host: str
    port: int
    security: Security = Security.STARTTLS
    user: str = ""
    password: SecretStr | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False)


class TooLarge(DeliveryError):
    """Say that the server takes no mail of this size."""


class Smtp:
    """The carrier over SMTP: a connection a mail."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self.host = server.host

    async def carry(self, letter: Letter) -> None:
        """Hand a mail over, without its picture where that is too large.

        Raise DeliveryError; TimeoutError where nobody knows whether the server has it.
        """
        for form in filter(None, (letter, letter.plainer())):
            try:
                return await self._carry(form)
            except TooLarge as error:
                refused = error
        raise Permanent(refused.reason)

    async def close(self) -> None:
        """Keep nothing open."""

    async def _carry(self, letter: Letter) -> None:
        server = self._server
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=LOCAL_NAME,
            timeout=OPEN_S,
            use_tls=server.security is Security.TLS,
            start_tls=server.security is Security.STARTTLS,
            tls_context=server.tls,
        )
        try:
            async with _opening():
                await smtp.connect()
                if server.user and server.password is not None:
                    await smtp.login(server.user, server.password.get_secret_value())
                body = await asyncio.to_thread(letter.mime, date=localtime())
                await smtp.mail(letter.sender.address, options=_size(smtp, body))
                await smtp.rcpt(letter.to)
            await self._hand_over(smtp, body)
        finally:
            await _leave(smtp)

    async def _hand_over(self, smtp: aiosmtplib.SMTP, body: bytes) -> None:
        """Send the mail itself; from here on it may have arrived though no answer came."""
        try:
            async with asyncio.timeout(HAND_OVER_S):
                await smtp.data(body, timeout=HAND_OVER_S)
        except SMTPResponseException as error:
            raise judge(error) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise TimeoutError(N_("the mail server did not answer")) from error


@contextlib.asynccontextmanager
async def _opening() -> AsyncIterator[None]:
    """Judge what goes wrong before the mail itself is sent: none of it has left yet."""
    try:
        async with asyncio.timeout(OPEN_S):
            yield
    except SMTPAuthenticationError as error:
        raise _no_login(error) from None
    except SMTPNotSupported:
        raise Barred(
            N_("the mail server offers no login that is known here"), retry_after_s=BARRED_S
        ) from None
    except aiosmtplib.SMTPConnectResponseError as error:
        raise Unwell(_said(error)) from None
    except SMTPResponseException as error:
        raise judge(error) from None
    except TimeoutError:
        raise Unwell(N_("the mail server does not answer")) from None
    except (aiosmtplib.SMTPException, OSError):
        raise Unwell(N_("the mail server cannot be reached")) from None


def judge(error: SMTPResponseException) -> DeliveryError:
    """Return what a reply of a mail server to a mail means."""
    code, reason = error.code, _said(error)
    if code == CLOSING:
        return Unwell(reason)
    if code in NO_LOGIN:
        return Barred(reason, retry_after_s=BARRED_S)
    if code == TOO_LARGE or "5.3.4" in reason:
        return TooLarge(reason)
    if code < 500:
        return Retryable(reason, retry_after_s=FULL_S if code == SYSTEM_FULL else GREY_S)
    found = _CODE.search(error.message)
    if isinstance(error, aiosmtplib.SMTPRecipientRefused) and found and found[0] in NOBODY:
        return Gone(N_("nobody is at that address"))
    return Permanent(reason)


def _no_login(error: SMTPAuthenticationError) -> DeliveryError:
    """Return what a refused login means: with 4xx the server is in trouble, else we are not known."""
    if error.code < 500:
        return Unwell(_said(error))
    return Barred("the mail server does not accept the login", retry_after_s=BARRED_S)


def _said(error: SMTPResponseException) -> str:
    """Return a reply without the addresses in it."""
    return f"the mail server said {error.code} {one_line(_PERSONAL.sub(chr(0x2026), error.message), 120)}"


def _size(smtp: aiosmtplib.SMTP, body: bytes) -> list[str]:
    """Announce the size where the server wants to know, so that it can refuse before all was sent."""
    return [f"SIZE={len(body)}"] if smtp.supports_extension("size") else []


async def _leave(smtp: aiosmtplib.SMTP) -> None:
    """Say goodbye where that takes no time; what became of the mail is known already."""
    if smtp.is_connected:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await smtp.quit(timeout=LEAVE_S)
    smtp.close()
