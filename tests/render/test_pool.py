import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bot.render.picture import Layout
from bot.render.pool import ROOT, WorkerPool
from bot.render.warmup import warm_scene
from engine.errors import RenderError

PNG = b"\x89PNG"
SCENE = warm_scene(Layout.LANDSCAPE)
linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


def lives(pid):
    """Say whether a process runs; one that waits for its parent to take note of its end does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
async def pool():
    pool = WorkerPool(1, timeout_s=30, max_waiting=4)
    yield pool
    await pool.aclose()
    assert pool.pids == ()


async def test_one_worker_serves_all_and_leaves_at_the_end(pool):
    assert (await pool.draw(SCENE)).startswith(PNG)
    pids = pool.pids
    pictures = await asyncio.gather(*(pool.draw(SCENE) for _ in range(3)))
    assert len(set(pictures)) == 1
    assert pool.pids == pids
    assert len(pids) == 1
    await pool.aclose()
    assert not psutil.pid_exists(pids[0])
    with pytest.raises(RenderError, match="no pictures"):
        await pool.draw(SCENE)


async def test_a_worker_killed_in_the_middle_is_replaced_and_the_picture_comes(pool):
    await pool.draw(SCENE)
    first = pool.pids[0]
    drawing = asyncio.create_task(pool.draw(SCENE))
    await asyncio.sleep(0.01)
    os.kill(first, signal.SIGKILL)
    assert (await drawing).startswith(PNG)
    assert pool.restarts == 1
    assert pool.pids != (first,)


async def test_a_worker_killed_while_idle_is_replaced(pool):
    await pool.draw(SCENE)
    os.kill(pool.pids[0], signal.SIGKILL)
    await asyncio.sleep(0.1)
    assert (await pool.draw(SCENE)).startswith(PNG)


async def test_a_worker_that_hangs_is_given_up(pool):
    await pool.draw(SCENE)
    pool._timeout_s = 0.2
    hung = pool.pids[0]
    os.kill(hung, signal.SIGSTOP)
    with pytest.raises(RenderError, match=r"within 0\.2 s"):
        await pool.draw(SCENE)
    assert not psutil.pid_exists(hung)
    pool._timeout_s = 30
    assert (await pool.draw(SCENE)).startswith(PNG)


async def test_a_scene_that_cannot_be_drawn_is_an_error_and_not_a_death(pool):
    await pool.draw(SCENE)
    pids = pool.pids
    with pytest.raises(RenderError, match="could not be drawn"):
        await pool.draw(replace(SCENE, theme=None))
    assert pool.pids == pids
    assert pool.restarts == 0
    assert (await pool.draw(SCENE)).startswith(PNG)


async def test_the_line_is_bounded(pool):
    waiting = [asyncio.create_task(pool.draw(SCENE)) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(RenderError, match="too many"):
        await pool.draw(SCENE)
    assert all(png.startswith(PNG) for png in await asyncio.gather(*waiting))


async def test_two_workers_draw_at_the_same_time():
    pool = WorkerPool(2, timeout_s=30, max_waiting=8)
    await asyncio.gather(pool.draw(SCENE), pool.draw(SCENE))
    assert len(pool.pids) == 2
    await pool.aclose()


async def test_a_process_that_does_not_start_is_an_error(monkeypatch):
    monkeypatch.setattr("bot.render.pool.sys.executable", "/nonexistent/python")
    pool = WorkerPool(1, timeout_s=5, max_waiting=8)
    for _ in range(2):
        with pytest.raises(RenderError, match="does not start"):
            await pool.draw(SCENE)
    await pool.aclose()


@linux
async def test_workers_see_no_settings(monkeypatch, pool):
    monkeypatch.setenv("LIQWATCH_DISCORD_TOKEN", "not-for-workers")
    await pool.draw(SCENE)
    seen = Path(f"/proc/{pool.pids[0]}/environ").read_bytes()
    assert b"LIQWATCH_" not in seen
    assert b"not-for-workers" not in seen


async def test_workers_shrug_off_the_signals_of_a_terminal(pool):
    await pool.draw(SCENE)
    first = pool.pids
    os.kill(first[0], signal.SIGINT)
    os.kill(first[0], signal.SIGTERM)
    assert (await pool.draw(SCENE)).startswith(PNG)
    assert pool.pids == first


def test_workers_die_with_their_parent():
    program = (
        "import asyncio, os\n"
        "from bot.render.pool import WorkerPool\n"
        "from bot.render.picture import Layout\n"
        "from bot.render.warmup import warm_scene\n"
        "async def main():\n"
        "    pool = WorkerPool(1, timeout_s=30, max_waiting=4)\n"
        "    await pool.draw(warm_scene(Layout.LANDSCAPE))\n"
        "    print(pool.pids[0], flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    pid = int(done.stdout)
    until = time.monotonic() + 5
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not lives(pid)


def test_the_drawing_process_loads_nothing_of_the_engine_or_the_bot():
    program = (
        "import sys, bot.render.worker\n"
        "heavy = {'numba', 'duckdb', 'sqlalchemy', 'aiohttp', 'pyarrow', 'structlog', 'matplotlib.pyplot'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_serving_process_never_loads_matplotlib():
    program = "import sys, bot.render.renderer\nprint(any(m.startswith('matplotlib') for m in sys.modules))\n"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "False", done.stderr
