"""Have a task measured by a process of its own: the event loop and Python's lock stay free meanwhile."""

import asyncio
import json
import os
import sys

from bot.render.pool import ONE_THREAD, OUR_SETTINGS, ROOT
from bot.truth.worker import LENGTH, packed
from engine.errors import DataError, MeasureError
from engine.scoring.report import Report
from engine.task import Task

TIMEOUT_S = 900.0
MODULE = "bot.truth.worker"
_READ_BYTES = 1 << 20


async def measure_apart(task: Task, *, timeout_s: float = TIMEOUT_S, module: str = MODULE) -> Report:
    """Return the report of a task, made by a process at the lowest priority that this call starts and ends.

    Raise DataError where there is too little to judge by, MeasureError where it took longer than `timeout_s`
    seconds or the process died. A caller that is cancelled ends the process as well.
    """
    body = await asyncio.to_thread(packed, task)
    process = await _start(module)
    try:
        async with asyncio.timeout(timeout_s):
            found = json.loads(await _asked(process, body))
    except TimeoutError:
        raise MeasureError(f"it was not done within {timeout_s:g} s") from None
    except (ConnectionError, asyncio.IncompleteReadError):
        raise MeasureError("the measuring process died") from None
    finally:
        await _end(process)
    if "refused" in found:
        raise DataError(found["refused"])
    return Report.from_dict(found["report"])


async def _start(module: str) -> asyncio.subprocess.Process:
    """Start a process. It inherits the environment without our settings, so without any secret."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OUR_SETTINGS)}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH", "")]))
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_READ_BYTES,
            env=kept | ONE_THREAD | {"PYTHONPATH": path},
        )
    except OSError as error:
        raise MeasureError(f"the measuring process does not start: {error}") from error


async def _asked(process: asyncio.subprocess.Process, body: bytes) -> bytes:
    """Return the answer to a packed task."""
    if process.stdin is None or process.stdout is None:
        raise MeasureError("the measuring process has no pipes")
    process.stdin.write(LENGTH.pack(len(body)))
    process.stdin.write(body)
    await process.stdin.drain()
    size = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
    return await process.stdout.readexactly(size)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process, by force where it still runs."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        try:
            process.kill()
        except ProcessLookupError:
            return
    await process.wait()
