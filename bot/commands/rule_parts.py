"""Say what `/alert add` and its like take: the condition, and what holds for the whole alert."""

from dataclasses import replace

from bot.commands.amounts import DAY_MS, MINUTE_MS
from bot.commands.parts import SYMBOL
from bot.commands.spec import Choice, Kind, Parameter, Provider
from bot.commands.watch import COOLDOWN, TO
from bot.lang import N_
from engine.rules.expression import MAX_HOLD_MS

NONE = "none"
WHEN = Parameter(
    name="when",
    kind=Kind.WORDS,
    description=N_("What has to happen, in plain words: btc falls 3% in 15m and oi drops 2% in 1h"),
    examples=("btc falls 3% in 15m", "btc below 60000", "eth volume above 10x"),
    suggest=Provider.RULE_LINES,
)
TYPE = Parameter(
    name="type",
    kind=Kind.TEXT,
    description=N_("Or one type of condition, with its own fields; /alert conditions explains each"),
    examples=("price_change", "price_level", "volume_spike"),
    suggest=Provider.CONDITIONS,
    named=True,
)
MARKET = replace(SYMBOL, named=True)


def _field(name: str, description: str, *examples: str) -> Parameter:
    """Return a number of a condition; where a line is typed it stays where it stands in it."""
    return Parameter(
        name=name, kind=Kind.TEXT, description=description, examples=examples, named=True, inline=True
    )


FIELDS = (
    _field("value", N_("With a type: the level, rate or ratio to reach"), "60000", "0.05%", "2.5"),
    _field("by", N_("With a type: how far it has to move"), "3%"),
    _field("window", N_("With a type: within how long"), "15m", "1h", "1d"),
    _field("direction", N_("With a type: which way"), "up", "down", "above", "below", "either"),
    _field("side", N_("With a type: whose positions"), "long", "short"),
    _field("times", N_("With a type: how many times the usual"), "5x", "10x"),
    _field("usd", N_("With a type: dollars"), "1M", "10M"),
    _field("with", N_("With a type: any other of its fields, as name=value"), "low=60000 high=65000"),
)
SEVERITY = Parameter(
    name="severity",
    kind=Kind.CHOICE,
    description=N_("How much it matters: critical rings at once, a warning may wait, info is digested"),
    choices=(
        Choice(value="info", label=N_("info: in the digest")),
        Choice(value="warning", label=N_("warning: soon, not in quiet hours")),
        Choice(value="critical", label=N_("critical: at once, always")),
    ),
    named=True,
)
FOR = Parameter(
    name="for",
    kind=Kind.DURATION,
    description=N_("How long it must hold without a break, up to 1d, or none"),
    low=1_000,
    high=MAX_HOLD_MS,
    unit="time",
    words=(NONE,),
    examples=("5m", "1h"),
    named=True,
)
REPEAT = Parameter(
    name="repeat",
    kind=Kind.CHOICE,
    description=N_("Tell each time it becomes true anew, or once and never again"),
    choices=(
        Choice(value="always", label=N_("always, each time anew")),
        Choice(value="once", label=N_("once, then never again")),
    ),
    named=True,
)
EXPIRES = Parameter(
    name="expires",
    kind=Kind.DURATION,
    description=N_("When it ends by itself, counted from now: 1m to 366d, or none"),
    low=MINUTE_MS,
    high=366 * DAY_MS,
    unit="time",
    words=(NONE,),
    examples=("3d", "12h"),
    named=True,
)
HYSTERESIS = Parameter(
    name="hysteresis",
    kind=Kind.PERCENT,
    description=N_("How much of a threshold must be given back before it can be told anew; auto or none"),
    low=0.0,
    high=1.0,
    unit="% of the threshold",
    words=("auto", NONE),
    examples=("10%", "50%"),
    named=True,
)
NOTE = Parameter(
    name="note",
    kind=Kind.TEXT,
    description=N_("Your own words, shown with every message of it; none takes them away"),
    words=(NONE,),
    examples=("add to the hedge",),
    named=True,
)
AGAIN = replace(
    COOLDOWN,
    description=N_("How long it stays silent after it was told, 1m to 7d"),
    named=True,
)
GOES_TO = replace(TO, named=True)
QUIET = Parameter(
    name="quiet_critical",
    kind=Kind.BOOL,
    description=N_("Whether your quiet hours hold it back even where it is critical"),
    named=True,
)
SAVE = Parameter(
    name="save",
    kind=Kind.BOOL,
    description=N_("Save at once, without showing it first: for scripts"),
    default=False,
    named=True,
)
COMMON = (SEVERITY, FOR, REPEAT, EXPIRES, HYSTERESIS, NOTE, AGAIN, GOES_TO, QUIET, SAVE)
"""What holds for a whole alert, whatever it watches."""
SETTLED = frozenset({"when", "type", "symbol", *(each.name for each in FIELDS)})
"""Parameters that make the condition; the others stand beside it."""
