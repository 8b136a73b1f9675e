"""Keep the processes that draw: start them, hand them scenes, replace those that die or hang."""

import asyncio
import os
import pickle  # written here, read by our own worker over a pipe that is ours alone
import struct
import sys
from pathlib import Path

import structlog

from bot.lang import speech
from bot.render.scene import Sheet
from engine.errors import RenderError

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parents[2]
LENGTH = struct.Struct(">Q")
DRAWN = 1
READ_BYTES = 1 << 20
STOP_S = 2.0
ATTEMPTS = 2
BEHIND = 10
"""How nice the workers of a pool are that gives way to others."""
OUR_SETTINGS = "LIQWATCH_"
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Worker:
    """One drawing process, which draws one picture at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        if process.stdin is None or process.stdout is None:
            raise RenderError("the drawing process has no pipes")
        self._jobs, self._answers = process.stdin, process.stdout

    @classmethod
    async def start(cls, fonts: Path | None) -> "Worker":
        """Start a process. It inherits the environment without our settings, so without any secret."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(OUR_SETTINGS)}
        path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH", "")]))
        arguments = ["-P", "-m", "bot.render.worker", *([str(fonts)] if fonts else [])]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=READ_BYTES,
            env=kept | ONE_THREAD | {"PYTHONPATH": path, "MPLBACKEND": "agg"},
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Say whether the process still runs, as far as is known."""
        return self._process.returncode is None

    async def draw(self, job: bytes) -> bytes:
        """Return the PNG of a pickled scene; raise RenderError if there is none, EOFError if this died."""
        try:
            self._jobs.write(LENGTH.pack(len(job)))
            self._jobs.write(job)
            await self._jobs.drain()
            size = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))[0]
            body = await self._answers.readexactly(size)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise EOFError from error
        if body[0] != DRAWN:
            raise RenderError(f"the picture could not be drawn: {body[1:].decode(errors='replace')}")
        return body[1:]

    async def stop(self, *, grace_s: float = STOP_S) -> None:
        """End the process: by closing its input, then by force."""
        self._jobs.close()
        try:
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            if self.alive:
                self._process.kill()
            await self._process.wait()


class WorkerPool:
    """A few workers, each started when needed and again when it died; requests wait in a bounded line.

    `behind` others on the machine: a pool whose pictures take long gives way to whoever draws quick ones.
    """

    def __init__(
        self,
        size: int,
        *,
        timeout_s: float,
        max_waiting: int,
        fonts: Path | None = None,
        behind: bool = False,
    ) -> None:
        self._timeout_s = timeout_s
        self._max_waiting = max_waiting
        self._fonts = fonts
        self._behind = behind
        self._idle: asyncio.LifoQueue[Worker | None] = asyncio.LifoQueue()
        self._workers: set[Worker] = set()
        self._size = size
        self._in_line = 0
        self._closed = False
        self.restarts = 0
        for _ in range(size):
            self._idle.put_nowait(None)

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the ids of the running processes, for whoever counts their memory."""
        return tuple(sorted(worker.pid for worker in self._workers if worker.alive))

    async def draw(self, scene: Sheet) -> bytes:
        """Return a scene as PNG. A worker that dies is replaced and the scene tried once more.

        Raise RenderError where it cannot be drawn, takes too long, or too many wait already.
        """
        if self._closed or self._in_line >= self._max_waiting:
            raise RenderError(
                "no pictures are drawn any more" if self._closed else "too many pictures wait to be drawn"
            )
        job = pickle.dumps((speech().code, scene), pickle.HIGHEST_PROTOCOL)
        self._in_line += 1
        try:
            for _ in range(ATTEMPTS):
                png = await self._attempt(job)
                if png is not None:
                    return png
        finally:
            self._in_line -= 1
        raise RenderError("the drawing process died twice over this picture")

    async def _attempt(self, job: bytes) -> bytes | None:
        """Return the PNG, or None where the worker died of it or before it."""
        worker = await self._idle.get()
        good = False
        try:
            if worker is None or not worker.alive:
                worker = await self._renewed(worker)
            async with asyncio.timeout(self._timeout_s):
                png = await worker.draw(job)
            good = True
        except EOFError:
            log.warning("render.worker_died")
            return None
        except RenderError:
            good = worker is not None
            raise
        except TimeoutError:
            log.warning("render.worker_late", timeout_s=self._timeout_s)
            raise RenderError(f"the picture was not drawn within {self._timeout_s:g} s") from None
        finally:
            if not good:
                await self._discard(worker)
            self._idle.put_nowait(worker if good else None)
        return png

    async def _renewed(self, old: Worker | None) -> Worker:
        """Return a fresh worker in place of one that never was or is dead."""
        if old is not None:
            await self._discard(old)
        try:
            worker = await Worker.start(self._fonts)
        except OSError as error:
            raise RenderError(f"the drawing process does not start: {error}") from error
        self._workers.add(worker)
        if self._behind:
            os.setpriority(os.PRIO_PROCESS, worker.pid, BEHIND)
        return worker

    async def _discard(self, worker: Worker | None) -> None:
        """End a worker that cannot be trusted any more."""
        if worker is not None:
            self.restarts += 1
            self._workers.discard(worker)
            await worker.stop(grace_s=0)

    async def rest(self) -> None:
        """End the workers that have nothing to do; what is drawn next starts them anew."""
        free = [self._idle.get_nowait() for _ in range(self._idle.qsize())]
        for _ in free:
            self._idle.put_nowait(None)
        idle = [worker for worker in free if worker is not None]
        self._workers.difference_update(idle)
        await asyncio.gather(*(worker.stop() for worker in idle))

    async def aclose(self) -> None:
        """End all workers."""
        self._closed = True
        workers, self._workers = self._workers, set()
        await asyncio.gather(*(worker.stop() for worker in workers))
