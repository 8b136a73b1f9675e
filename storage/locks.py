"""Find out who holds a file, so that an error can name the process to stop."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import psutil

_PID = re.compile(r"\(PID (\d+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that holds a file; `program` is its command line's first words, or empty where unknown."""

    pid: int
    program: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} ({self.program})" if self.program else f"process {self.pid}"


def describe(pid: int) -> Holder:
    """Return a process with its program, as far as this user may know it."""
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return Holder(pid=pid)
    shown = [Path(words[0]).name, *words[1:3]] if words else []
    return Holder(pid=pid, program=" ".join(shown)[:80])


def holder_in(message: str) -> Holder | None:
    """Return the holder that DuckDB names in a lock error, or None."""
    found = _PID.search(message)
    return describe(int(found.group(1))) if found else None


def find_holder(*paths: Path) -> Holder | None:
    """Return another process that has a lock on one of the files, or failing that has it open."""
    inodes = {path.stat().st_ino for path in paths if path.exists()}
    pid = _lock_owner(inodes)
    if pid is None:
        pid = _opener({str(path.resolve()) for path in paths})
    return None if pid is None else describe(pid)


def _lock_owner(inodes: set[int]) -> int | None:
    """Look into the kernel's table of file locks (Linux), write locks first."""
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    fields = sorted((line.split() for line in lines), key=lambda words: "WRITE" not in words)
    for words in fields:
        if "->" in words or len(words) < 6:
            continue
        pid, inode = int(words[4]), int(words[5].rsplit(":", 1)[1])
        if inode in inodes and pid not in (0, -1, os.getpid()):
            return pid
    return None


def _opener(names: set[str]) -> int | None:
    """Look through the open files of every process that this user may see."""
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and any(file.path in names for file in process.open_files()):
                return process.pid
        except (psutil.Error, OSError):
            continue
    return None
