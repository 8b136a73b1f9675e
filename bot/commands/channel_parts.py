"""Define what `/channels` takes, and read what its parameters say."""

import re

from bot.commands.amounts import quoted
from bot.commands.spec import Choice, Kind, Parameter, Provider
from bot.lang import N_, _, said
from engine.errors import UserError
from engine.model import Severity
from storage.channels import MOST

MAX_LABEL = 40
NONE = "none"
KIND = Parameter(
    name="kind",
    kind=Kind.CHOICE,
    description=N_("What kind of channel"),
    required=True,
    choices=(
        Choice(value="email", label=N_("e-mail")),
        Choice(value="webhook", label=N_("webhook, for a program of yours")),
        Choice(value="apprise", label=N_("another service, by its apprise address")),
    ),
)
ADDRESS = Parameter(
    name="address",
    kind=Kind.TEXT,
    description=N_("A mail address, or an address that begins with https://"),
    required=True,
    examples=("me@example.org", "https://hooks.example.org/liqwatch"),
)
CODE = Parameter(
    name="code",
    kind=Kind.TEXT,
    description=N_("The eight digits that came there"),
    required=True,
    examples=("12345678",),
)
WHICH = Parameter(
    name="id",
    kind=Kind.ID,
    description=N_("Number of the channel, as /channels list shows it"),
    required=True,
    examples=("2",),
    suggest=Provider.CHANNELS,
)
SEVERITIES = Parameter(
    name="severities",
    kind=Kind.TEXT,
    description=N_("What goes there: all, or some of critical, warning and info"),
    examples=("critical", "critical,warning", "all"),
    aliases=("severity",),
    named=True,
)
ORDER = Parameter(
    name="order",
    kind=Kind.INTEGER,
    description=N_("Its place among your channels: 1 is asked first where another fails"),
    low=1,
    high=MOST,
    examples=("1",),
    aliases=("position",),
    named=True,
)
LABEL = Parameter(
    name="label",
    kind=Kind.TEXT,
    description=said(
        "A word of yours to know it by, {most} characters at most; none takes it away", most=str(MAX_LABEL)
    ),
    words=(NONE,),
    examples=("phone",),
    aliases=("name",),
    named=True,
)


def read_severities(text: str) -> tuple[Severity, ...]:
    """Return the severities that a text names. Raise UserError for anything else."""
    names = [name for name in re.split(r"[,;/+\s]+", text.lower()) if name]
    known = {severity.value: severity for severity in Severity} | {"criticals": Severity.CRITICAL}
    known |= {"warnings": Severity.WARNING}
    if names == ["all"]:
        return tuple(Severity)
    strange = [name for name in names if name not in known]
    if strange or not names:
        told = _("severities is all, or some of critical, warning and info.")
        if strange:
            told = _("severities is all, or some of critical, warning and info, not {strange}.")
            told = told.format(strange=quoted(strange[0]))
        raise UserError(told, example="/channels set 2 severities=critical,warning")
    return tuple(known[name] for name in names)


def read_label(text: str) -> str:
    """Return a label, empty for none. Raise UserError for one that is too long."""
    label = "" if text.lower() == NONE else " ".join(text.split())
    if len(label) > MAX_LABEL:
        raise UserError(
            _("A label has {max_label} characters at most; that is {count}.").format(
                max_label=MAX_LABEL, count=len(label)
            )
        )
    return label
