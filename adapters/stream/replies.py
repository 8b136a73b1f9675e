"""Gather what a venue says to one request for topics."""

from adapters.parsed import Answer
from adapters.stream.dialect import Request


class Reply:
    """What a venue said to one request so far."""

    def __init__(self, request: Request, *, batches_fail: bool) -> None:
        self.granted: set[str] = set()
        self.refused: dict[str, str] = {}
        self.anew: list[list[str]] = []
        self.request = request
        self._batches_fail = batches_fail
        self._open = set(request.topics)

    @property
    def open(self) -> bool:
        """Say whether an answer is still due."""
        return bool(self._open)

    def hear(self, answer: Answer) -> bool:
        """Take an answer in; say whether it was one to this request."""
        about = self._about(answer)
        if not about:
            return False
        if answer.ok:
            self.grant(about)
        elif answer.topics or len(about) == 1:
            self._open -= about
            self.refused.update(dict.fromkeys(about, answer.text or answer.code or "refused"))
            if self._batches_fail:
                self.ask_anew()
        else:
            self._halve()
        return True

    def grant(self, topics: set[str]) -> None:
        """Note that topics are had."""
        self.granted |= topics
        self._open -= topics

    def ask_anew(self) -> None:
        """Let what was not answered be asked for again."""
        if self._open:
            self.anew.append(self._ordered())
            self._open.clear()

    def _halve(self) -> None:
        topics = self._ordered()
        middle = len(topics) // 2
        self.anew += [topics[:middle], topics[middle:]]
        self._open.clear()

    def _ordered(self) -> list[str]:
        return [topic for topic in self.request.topics if topic in self._open]

    def _about(self, answer: Answer) -> set[str]:
        """Return the topics of this request that an answer is about."""
        if answer.request_id and self.request.request_id not in ("", answer.request_id):
            return set()
        return self._open & set(answer.topics) if answer.topics else set(self._open)
