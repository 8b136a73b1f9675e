"""Make sure that one process at a time serves a data directory."""

import fcntl
import os
from pathlib import Path

from engine.errors import AlreadyRunning, StorageError

NAME = "liqwatch.lock"


class DirectoryLock:
    """Hold a data directory; the kernel lets go of it when the process dies, however it dies."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the directory, made for its owner alone; AlreadyRunning names the process that has it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"The data directory {self._path.parent} cannot be used: {error.strerror}. "
                "Name another one with --data-dir or LIQWATCH_DATA_DIR."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise AlreadyRunning(
                f"Liqwatch (process {holder}) already serves {self._path.parent}. Stop it, or name another "
                "directory with --data-dir, or join it with: liqwatch console"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the directory go; the file stays, so that no two processes can hold two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
