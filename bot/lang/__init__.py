"""Speak the languages of those who ask and of the places that are posted into.

`_`, `N_`, `ngettext` and `pgettext` mark what is said; `speaking(speech_of("de"))` says it in German.
"""

from bot.lang.languages import LANGUAGES, SHIPPED, Language, code_of, heard, learned, pictured, speech_of
from engine.lang import N_, Speech, _, ngettext, pgettext, said, settle, speaking, speech

__all__ = [
    "LANGUAGES",
    "N_",
    "SHIPPED",
    "Language",
    "Speech",
    "_",
    "code_of",
    "heard",
    "learned",
    "ngettext",
    "pgettext",
    "pictured",
    "said",
    "settle",
    "speaking",
    "speech",
    "speech_of",
]
