"""Users of the local Telegram for `bench chat`, each in a private chat: words, pictures and presses."""

from collections import Counter
from typing import Any

from bench.chat_peers import peer
from bench.chat_tally import Wait

WINDOWS = ("3d", "12h")
SYMBOLS = ("btc", "eth")
WORDS = ("/zones btc", "/market eth", "/status", "/help")
FIRST = 10_000
"""The number of the first user."""
SENT = ("sendMessage", "sendPhoto", "sendDocument")
ANSWERS = (*SENT, "editMessageMedia", "editMessageText", "editMessageCaption")
PICTURES = ("sendPhoto", "editMessageMedia")

_telegram = peer("telegram")


class Crowd(_telegram.BotApi):  # type: ignore[misc, name-defined] # a class of the tests, which are not typed
    """The platform and its users."""

    def __init__(self) -> None:
        super().__init__(slow_down=True)
        self._waits: dict[int, Wait] = {}
        self._presses: dict[str, Wait] = {}
        self._shown: dict[int, Any] = {}
        self._turns: Counter[int] = Counter()

    @property
    def addresses(self) -> dict[str, str]:
        """Return what the bot is told: where the platform is, and its token."""
        return {"api": self.url, "token": self.token}

    @property
    def errors(self) -> int:
        """Return how many calls were refused, those that came too fast among them."""
        return sum(bool(call.refused) for call in self.calls)

    async def ready(self) -> None:
        """Wait until the bot fetches updates."""
        await self.until(lambda: self.polls, 60.0)

    async def ask(self, user: int, kind: str, wait: Wait) -> bool:
        """Let a user do something; return whether it wants a sign in time: presses do."""
        number, shown = FIRST + user, self._shown.get(user)
        self._waits[number] = wait
        symbol = SYMBOLS[user // 2 % len(SYMBOLS)]
        self._turns[user] += 1
        pressed = _data(shown, WINDOWS[self._turns[user] % len(WINDOWS)]) if kind == "press" and shown else ""
        if pressed:
            query = self.there.pressed(shown, pressed, user=number)
            self._presses[query] = wait
            return True
        line = WORDS[user % len(WORDS)] if kind == "words" else f"/heatmap {symbol}"
        self.there.said(line, user=number)
        return False

    def heard(self, call: Any) -> None:  # noqa: ANN401
        """Note signs and answers as they come."""
        if call.method == "answerCallbackQuery":
            if (wait := self._presses.pop(call.given["callback_query_id"], None)) is not None:
                wait.acknowledged()
                if call.given.get("text"):
                    wait.answered()
        elif call.method in ANSWERS and (wait := self._waits.get(int(call.given["chat_id"]))) is not None:
            if call.method == "sendPhoto":
                number = (int(call.given["chat_id"]), call.result["message_id"])
                self._shown[number[0] - FIRST] = self.there.messages[number]
            wait.answered(picture=call.method in PICTURES)


def _data(message: Any, label: str) -> str:  # noqa: ANN401
    """Return what a button of a picture says when it is pressed, empty where there is none of that name."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", ())
    return next((str(b["callback_data"]) for row in rows for b in row if b["text"] == label), "")
