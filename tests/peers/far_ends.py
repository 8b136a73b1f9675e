"""Be four far ends in a process of its own: Discord, Telegram, a mail server, a receiver of webhooks.

usage: far_ends.py PEOPLE DELAY_S FAILS CUTS; prints its ports and secrets as one line of JSON, and answers
each line that it reads with what it was sent so far: [channel, alert, at_s, what, marked, asked_s], where
`what` is "accepted", "known" (accepted before, and recognised as the same), "refused", "cut" (accepted, but
the line broke before the answer) or "made" (a private chat was opened, which counts towards Discord's limit
as well). `asked_s` is when the request came and `at_s` when that became of it, by the machine's steady clock,
the same in every process.

Each request takes DELAY_S. Of all requests the part FAILS is refused, and the part CUTS is cut.
"""

import asyncio
import contextvars
import importlib.util
import json
import random
import re
import sys
import time
from pathlib import Path

ALERT = re.compile(r"\ba\d{6}\b")
REPEATS = "You may have had this before"
DM = 10**9
"""What number the private chat of somebody has: this, and theirs."""
CHANNELS = range(10**6, 10**6 + 10_000)
WHAT = contextvars.ContextVar("what")
"""What becomes of the request that a task answers."""


def _load(name):
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


discord, telegram, mail, receiver = (_load(name) for name in ("discord", "telegram", "mail", "receiver"))


class Fate:
    """Decide what becomes of each request, and keep what came."""

    def __init__(self, delay_s, fails, cuts):
        self.delay_s, self.fails, self.cuts = delay_s, fails, cuts
        self.rng = random.Random(5)
        self.came = []

    def draw(self):
        drawn = self.rng.random()
        return "refused" if drawn < self.fails else "cut" if drawn < self.fails + self.cuts else "accepted"

    def keep(self, channel, text, what, asked_s=None):
        found = ALERT.search(text)
        alert = found[0] if found else ""
        now_s = time.monotonic()
        self.came.append(
            [channel, alert, now_s, what, REPEATS in text, now_s if asked_s is None else asked_s]
        )


class Places(discord.world.World):
    """Everybody there is, each with a private chat of a known number, and thousands of channels."""

    def dm(self, person):
        self.dms[person] = DM + person
        return DM + person

    def knows(self, channel):
        return channel >= DM or channel in CHANNELS


class Discord(discord.Discord):
    def _planned(self, call):
        self.calls.clear()
        what = call.fate = self.fate.draw() if call.method == "POST" else "accepted"
        if what == "refused":
            self.fate.keep("discord", json.dumps(call.payload), what, call.at_s)
            return discord.Plan("", "", discord.Refused(503, 0, "no"), stall_s=self.fate.delay_s)
        if what == "cut" and call.path.endswith("/messages"):
            return discord.Plan("", "", drop=True, after=True)
        return discord.Plan("", "", stall_s=self.fate.delay_s)

    def _route(self, call):
        if call.path == "/users/@me/channels":
            self.fate.keep("discord", "", "made", call.at_s)
        return super()._route(call)

    def _post(self, channel, call):
        known = (channel, call.payload.get("nonce")) in self.there.nonces
        shown = super()._post(channel, call)
        self.there.messages[int(shown["id"])].pop("_files", None)
        what = "known" if known else call.fate
        self.fate.keep("discord", json.dumps(call.payload, ensure_ascii=False), what, call.at_s)
        return shown


class Telegram(telegram.BotApi):
    def _planned(self, method, given):
        self.calls.clear()
        what = self.fate.draw()
        asked_s = time.monotonic()
        WHAT.set((what, asked_s))
        if what == "refused":
            self.fate.keep("telegram", str(given), what, asked_s)
            return telegram.Plan("", refusal=telegram.Refused(502, "Bad Gateway"), stall_s=self.fate.delay_s)
        if what == "cut":
            return telegram.Plan("", drop=True, after=True)
        return telegram.Plan("", stall_s=self.fate.delay_s)

    async def send_message(self, given, files):
        return await self._sent_one(super().send_message, given, files)

    async def send_photo(self, given, files):
        return await self._sent_one(super().send_photo, given, files)

    async def _sent_one(self, send, given, files):
        shown = await send(given, files)
        self.fate.keep("telegram", str(given), *WHAT.get())
        return shown


class Mail(mail.MailServer):
    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        what = self.fate.draw()
        if what == "refused":
            self.fate.keep("email", "", what)
            return "421 4.3.2 try again"
        answer = await super().handle_DATA(server, session, envelope)
        sent = self.mails.pop()
        text = sent.part("text/plain").get_content()
        self.fate.keep("email", f"{sent.message['Subject']} {text}", what)
        if what == "cut":
            server.transport.abort()
        return answer


class Receiver(receiver.Receiver):
    async def _answer(self, step, headers, body, writer):
        self.requests.clear()
        self.events.clear()
        await asyncio.sleep(self.fate.delay_s)
        what = self.fate.draw()
        known = headers["webhook-id"] in self.seen
        if what == "refused":
            step = 503
        elif what == "cut":
            step = "drop"
        self.fate.keep("webhook", body.decode(), "known" if known and what != "refused" else what)
        await super()._answer(step, headers, body, writer)


async def serve(people, fate):
    ends = [Discord(), Telegram(), Mail(), Receiver()]
    for end in ends:
        end.fate = fate
        await end.start()
    there, chats, mails, hooks = ends
    there.there = Places()
    mails.waits = {"EHLO": fate.delay_s / 2, "RCPT": fate.delay_s / 2, "DATA": fate.delay_s}
    for number in range(1, people + 1):
        chats.there.chat(number)
        chats.there.chat(-number)
    say(
        {
            "discord": {"api": there.api_url, "gateway": there.gateway_url, "token": discord.TOKEN},
            "telegram": {"url": chats.url, "token": telegram.TOKEN},
            "email": {"port": mails.port},
            "webhook": {"url": hooks.url, "secret": receiver.SECRET},
        }
    )
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        say(fate.came)


def say(body):
    sys.stdout.write(json.dumps(body) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Fate(*map(float, sys.argv[2:5]))))
