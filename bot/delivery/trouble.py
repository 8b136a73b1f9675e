"""Say in words what keeps a channel from sending, for whoever runs this."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.delivery.breaker import Shut


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a channel, empty where nothing is; `whole` says that it sends nothing at all."""

    words: str = ""
    whole: bool = False


def of_server(shut: Sequence[Shut]) -> Trouble:
    """Return what keeps a channel from sending that has one server for everybody."""
    down = [each for each in shut if not each.alone]
    if not down:
        return of_hosts(shut)
    worst = max(down, key=lambda each: each.left_s)
    return Trouble(f"nothing is sent for {_wait(worst)}: {worst.why}", whole=True)


def of_hosts(shut: Sequence[Shut]) -> Trouble:
    """Return how much is left alone where users have hosts of their own; which is theirs to know."""
    if not shut:
        return Trouble()
    longest = max(shut, key=lambda each: each.left_s)
    count = len(shut)
    which = "one place that fails is" if count == 1 else f"{count} places that fail are"
    return Trouble(f"{which} left alone for up to {_wait(longest)}, the last time because: {longest.why}")


def _wait(shut: Shut) -> str:
    return f"{max(1, round(shut.left_s))} s"
