"""A strict SendGrid on this machine: it takes what the API takes, and refuses the rest as it does."""

import asyncio
import base64
import re

from aiohttp import web

KEY = "SG.a-key-that-nobody-else-knows"
NOT_ALLOWED = {"x-sg-id", "received", "dkim-signature", "content-type", "to", "from", "subject", "reply-to"}
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class SendGrid:
    """Keep mails in `mails`; `plan` holds (status, headers, body), "hang" or "drop" for the next requests."""

    def __init__(self):
        self.mails = []
        self.plan = []
        self.calls = 0

    async def start(self):
        app = web.Application(client_max_size=40_000_000)
        app.router.add_post("/v3/mail/send", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self):
        await self._runner.cleanup()

    async def _take(self, request):
        self.calls += 1
        step = self.plan.pop(0) if self.plan else None
        if step == "hang":
            await asyncio.sleep(600)
        if isinstance(step, tuple):
            status, headers, body = step
            return web.Response(status=status, headers=headers, text=body)
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"errors": [{"message": "authorization required"}]}, status=401)
        mail = await request.json()
        wrong = _wrong(mail)
        if wrong:
            return web.json_response({"errors": [{"field": wrong, "message": "Bad Request"}]}, status=400)
        self.mails.append(mail)
        if step == "drop":
            request.transport.abort()
        return web.Response(status=202, headers={"X-Message-Id": "x"})


def _wrong(mail):
    """Return the first field that the API would not take, None where it takes all."""
    receivers = [to["email"] for p in mail["personalizations"] for to in p["to"]]
    headers = mail.get("headers", {}).items()
    bad_headers = [name for name, value in headers if name.lower() in NOT_ALLOWED or set("\r\n") & set(value)]
    files = mail.get("attachments", [])
    bad_files = [f for f in files if not base64.b64decode(f["content"], validate=True) or not f["content_id"]]
    wrong = {
        "personalizations.0.to": not receivers or not all(ADDRESS.fullmatch(to) for to in receivers),
        "from.email": not ADDRESS.fullmatch(mail["from"]["email"]),
        "subject": not mail["subject"] or set("\r\n") & set(mail["subject"]),
        "content": [part["type"] for part in mail["content"]] != ["text/plain", "text/html"],
        "headers": bad_headers,
        "attachments": bad_files,
    }
    return next((name for name, found in wrong.items() if found), None)
