"""Set up the one interpreter of the process: turns of loop and threads, and when garbage is looked for."""

import gc
import sys

SWITCH_S = 0.001
"""How long a thread may go on while another wants to.

Each call of SQLite gives the interpreter away and wants it back. With Python's 5 ms, a transaction of a
hundred calls beside a busy event loop takes half a second; `bench burst` shows it.
"""
YOUNG = 5_000
"""How many new objects make a look for garbage among the young worth it."""


def share() -> None:
    """Let threads take turns more often. It holds for the whole process."""
    sys.setswitchinterval(SWITCH_S)


def spare() -> None:
    """Leave what was made until now out of every later look for garbage.

    Libraries and stores are some 200,000 objects that stay for good. A full look at them stops the event loop
    for 0.2 s, and would come again whenever a few thousand clients have joined the stream.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def spare_no_more() -> None:
    """Let everything be looked at again, as libraries expect when the process ends."""
    gc.unfreeze()
