"""A real mail server (aiosmtpd) that keeps what it gets, and refuses, dawdles, hangs or drops when told."""

import asyncio
import contextlib
import email
import warnings
from dataclasses import dataclass, field
from email.policy import SMTP as POLICY

from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class Mail:
    """One mail as it came: envelope, message, and whether the line was encrypted."""

    sender: str
    to: list
    message: email.message.EmailMessage
    raw: bytes
    encrypted: bool

    def part(self, kind):
        return next(p for p in self.message.walk() if p.get_content_type() == kind)


@dataclass
class MailServer:
    """Listen on 127.0.0.1.

    `replies` holds what to answer to a command the next times, `waits` how long to wait before it (seconds),
    `drops` how often to hang up instead.
    """

    tls: object = None
    implicit: bool = False
    login: tuple | None = None
    size: int = 33_554_432
    mails: list = field(default_factory=list)
    replies: dict = field(default_factory=dict)
    waits: dict = field(default_factory=dict)
    drops: dict = field(default_factory=dict)
    logins: int = 0
    connections: int = 0

    async def start(self):
        loop = asyncio.get_running_loop()
        context = self.tls if self.implicit else None
        self._server = await loop.create_server(self._protocol, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        self._open = []
        return self

    async def stop(self):
        self._server.close()
        for protocol in self._open:
            if protocol._handler_coroutine is not None:
                protocol._handler_coroutine.cancel()
            if protocol.transport is not None:
                protocol.transport.abort()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 5)

    def reply(self, command, text, times=1):
        self.replies.setdefault(command, []).extend([text] * times)

    def _protocol(self):
        self.connections += 1
        more = {"tls_context": self.tls, "require_starttls": True} if self.tls and not self.implicit else {}
        if self.login:
            more |= {
                "auth_required": True,
                "authenticator": self._authenticate,
                "auth_require_tls": bool(more),
            }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a login without STARTTLS, though on an encrypted line
            made = SMTP(self, data_size_limit=self.size, hostname="mail.example.org", **more)
        self._open.append(made)
        return made

    def _authenticate(self, server, session, envelope, mechanism, data):
        self.logins += 1
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.login, handled=given == self.login)

    async def _told(self, server, command):
        await asyncio.sleep(self.waits.get(command, 0))
        if self.drops.get(command):
            self.drops[command] -= 1
            server.transport.abort()
        turns = self.replies.get(command)
        return turns.pop(0) if turns else None

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        told = await self._told(server, "EHLO")
        return [told] if told else responses

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        told = await self._told(server, "MAIL")
        if told:
            return told
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        told = await self._told(server, "RCPT")
        if told:
            return told
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        told = self.replies.get("DATA") and self.replies["DATA"].pop(0)
        if told:
            return told
        message = email.message_from_bytes(envelope.content, policy=POLICY)
        encrypted = session.ssl is not None or self.implicit
        self.mails.append(
            Mail(envelope.mail_from, list(envelope.rcpt_tos), message, envelope.content, encrypted)
        )
        await self._told(server, "DATA")
        return "250 taken"
