"""Read mail addresses, so strictly that no header and no command can be hidden in one. Pure functions."""

import re
from dataclasses import dataclass
from typing import Self

from yarl import URL

from bot.delivery.plain import one_line
from engine.errors import UserError

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")
_SENDER = re.compile(r"\s*(?:\"?([^<>\"\r\n]*?)\"?\s*<([^<>]+)>|([^<>\s]+))\s*")
LONGEST = 254
LONGEST_LOCAL = 64
LONGEST_NAME = 60
EXAMPLE = "me@example.org"


def mailbox(text: str) -> str:
    """Return a mail address in the form in which it is used. Raise UserError for anything else.

    The part before the @ is kept as it is; a domain with letters of other scripts gets its ASCII form.
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        host = URL.build(scheme="http", host=domain).raw_host or ""
    except ValueError:
        host = ""
    right = at and len(local) <= LONGEST_LOCAL and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(host)
    if not right or len(local) + 1 + len(host) > LONGEST:
        raise UserError("That is no e-mail address I can write to.", example=EXAMPLE)
    return f"{local}@{host}"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails come from: a name to be shown, and an address."""

    name: str
    address: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the sender that a setting names. Raise UserError for anything else."""
        found = _SENDER.fullmatch(text)
        if found is None:
            raise UserError("That is no sender.", example="Liqwatch <alerts@example.org>")
        name, named, bare = found.groups()
        return cls(one_line(name or "Liqwatch", LONGEST_NAME), mailbox(named or bare))

    @property
    def domain(self) -> str:
        """Return the domain that mails come from."""
        return self.address.rpartition("@")[2]
