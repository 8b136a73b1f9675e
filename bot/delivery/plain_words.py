"""Take from text what a chat makes more of than words: mentions, links, hidden directions. Pure functions.

Whoever writes a note decides what others read, never what they tap on or who is called.
"""

import re

JOINER = "\u2060"
"""Breaks a word for machines, and shows nothing."""
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x08\x0b-\x1f\x7f]")
"""Marks that turn the direction of what follows, and control characters."""
_SCHEME = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}):(?=//|[a-z0-9])")
_SCHEMES = frozenset(("http", "https", "tg", "discord", "steam", "ftp", "ton", "tonsite", "mailto", "tel"))
_HOST = re.compile(r"(?i)(?<=[\w-])\.(?=(?:[\w-]+\.)*[^\W\d_]{2,24}(?![\w-]))")
_MENTION = re.compile(r"@(?=\w)")
_ADDRESS = re.compile(r"(?i)[(<]?[\w.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}[)>.,;:!?]*")
"""A mail address, which calls nobody and may be wanted to be copied."""


def neutral(text: str) -> str:
    """Return text in which nothing is a mention or a link, though it reads the same."""
    known = _HIDDEN.sub("", text.encode("utf-8", "replace").decode())
    return re.sub(r"\S+", lambda found: _neutral(found[0]), known)


def _neutral(word: str) -> str:
    if _ADDRESS.fullmatch(word):
        return word
    word = _SCHEME.sub(_broken, word)
    word = _HOST.sub(f".{JOINER}", word).replace("](", f"]{JOINER}(")
    return _MENTION.sub(f"@{JOINER}", word)


def _broken(found: re.Match[str]) -> str:
    return f"{found[1]}:{JOINER}" if found[1].lower() in _SCHEMES else found[0]
