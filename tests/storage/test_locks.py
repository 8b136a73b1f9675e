"""Test that the process which holds a file is found, with and without the kernel's table of locks."""

import os
from pathlib import Path

import psutil
import pytest

from storage import locks
from storage.locks import Holder, describe, find_holder, holder_in

OPEN = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
if sys.argv[2] == "lock":
    fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    return path


@pytest.mark.parametrize("how", ["lock", "open"])
def test_the_holder_is_found(path, spawn, how):
    assert find_holder(path) is None
    holder = spawn(OPEN, path, how)
    assert holder.stdout.readline() == "held\n"
    found = find_holder(path, path.with_name("missing"))
    assert found.pid == holder.pid
    assert str(found).startswith(f"process {holder.pid} (python")


def test_without_the_kernels_table_open_files_tell(path, spawn, monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda *_a, **_k: (_ for _ in ()).throw(OSError))
    holder = spawn(OPEN, path, "lock")
    assert holder.stdout.readline() == "held\n"
    assert find_holder(path).pid == holder.pid


def test_processes_that_may_not_be_looked_into_are_passed_over(path, monkeypatch):
    class Secret:
        pid = 1

        def open_files(self):
            raise psutil.AccessDenied

    monkeypatch.setattr(locks.psutil, "process_iter", lambda: [Secret()])
    assert find_holder(path) is None


def test_a_process_that_is_gone_is_still_named():
    assert describe(2**22 + 1) == Holder(pid=2**22 + 1)
    assert str(Holder(pid=7)) == "process 7"


def test_the_pid_in_a_message_is_read():
    assert holder_in(f"Conflicting lock is held in x (PID {os.getpid()}). See").pid == os.getpid()
    assert holder_in("no number") is None
