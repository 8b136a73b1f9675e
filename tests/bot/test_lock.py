"""One process at a time serves a data directory."""

import os
import signal
import subprocess
import sys
import time

import pytest

from bot.lock import DirectoryLock
from engine.errors import AlreadyRunning, StorageError


def test_second_holder_is_told_who_has_it(tmp_path):
    first = DirectoryLock(tmp_path / "d")
    first.acquire()
    with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}.*liqwatch console"):
        DirectoryLock(tmp_path / "d").acquire()
    first.release()
    first.release()
    second = DirectoryLock(tmp_path / "d")
    second.acquire()
    second.release()
    assert (tmp_path / "d").stat().st_mode & 0o077 == 0


def test_a_killed_holder_lets_go(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from bot.lock import DirectoryLock; "
        "DirectoryLock(Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning, match=f"process {holder.pid}"):
            DirectoryLock(tmp_path).acquire()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    lock = DirectoryLock(tmp_path)
    for _ in range(100):
        try:
            lock.acquire()
            break
        except AlreadyRunning:
            time.sleep(0.01)
    lock.release()


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="--data-dir"):
        DirectoryLock(tmp_path / "file" / "below").acquire()
