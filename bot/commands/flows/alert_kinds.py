"""Say what `/alert add` asks about: what most people want to be told of, each with usual amounts."""

from dataclasses import dataclass

from bot.commands.spec import Choice
from bot.lang import N_

WORDS, TEMPLATE = "words", "template"
WINDOWS = ("15m", "1h", "4h", "1d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One thing to be told of. `phrase` makes the line, with {coin}, {amount} and {window}.

    `asks` is the question for the amount, `amounts` usual ones; where they follow from the price, `steps`
    say how far from it they are. `windows` are the lengths of time to choose from.
    """

    value: str
    label: str
    phrase: str
    asks: str
    amounts: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    steps: tuple[float, ...] = ()

    def line(self, coin: str, amount: str, window: str = "") -> str:
        """Return the condition as it is typed."""
        return self.phrase.format(coin=coin, amount=amount, window=window or self.usual_window)

    @property
    def usual_window(self) -> str:
        """Return the length of time where none is named."""
        return self.windows[0] if self.windows else ""


KINDS = (
    Kind(
        value="above",
        label=N_("Price rises above a level"),
        phrase="{coin} above {amount}",
        asks=N_("Above which price?"),
        steps=(0.01, 0.02, 0.05, 0.1),
    ),
    Kind(
        value="below",
        label=N_("Price falls below a level"),
        phrase="{coin} below {amount}",
        asks=N_("Below which price?"),
        steps=(-0.01, -0.02, -0.05, -0.1),
    ),
    Kind(
        value="falls",
        label=N_("Price falls by a percentage"),
        phrase="{coin} falls {amount} in {window}",
        asks=N_("By how much?"),
        amounts=("1%", "2%", "3%", "5%"),
        windows=WINDOWS,
    ),
    Kind(
        value="rises",
        label=N_("Price rises by a percentage"),
        phrase="{coin} rises {amount} in {window}",
        asks=N_("By how much?"),
        amounts=("1%", "2%", "3%", "5%"),
        windows=WINDOWS,
    ),
    Kind(
        value="zone",
        label=N_("Price comes near a liquidation zone"),
        phrase="{coin} within {amount} of a zone",
        asks=N_("How near?"),
        amounts=("0.5%", "1%", "2%", "3%"),
    ),
    Kind(
        value="liquidated",
        label=N_("Many dollars are liquidated"),
        phrase="{coin} liquidations above {amount} in {window}",
        asks=N_("More than how many dollars?"),
        amounts=("1M", "5M", "10M", "50M"),
        windows=("15m", "1h", "4h"),
    ),
    Kind(
        value="volume",
        label=N_("Trading volume jumps"),
        phrase="{coin} volume above {amount}",
        asks=N_("How many times the usual?"),
        amounts=("3x", "5x", "10x"),
    ),
    Kind(
        value="oi-drops",
        label=N_("Open interest drops"),
        phrase="{coin} oi drops {amount} in {window}",
        asks=N_("By how much?"),
        amounts=("2%", "5%", "10%"),
        windows=("1h", "4h", "1d"),
    ),
    Kind(
        value="funding",
        label=N_("Funding rises above a rate"),
        phrase="{coin} funding above {amount}",
        asks=N_("Above which rate?"),
        amounts=("0.01%", "0.03%", "0.05%", "0.1%"),
    ),
)
BY_VALUE = {kind.value: kind for kind in KINDS}
OWN_WORDS = Choice(value=WORDS, label=N_("Something else, in my words"))
OF_TEMPLATE = Choice(value=TEMPLATE, label=N_("A template: squeezes, breakouts and more"))
