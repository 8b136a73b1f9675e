"""The container is made of what there is, runs as nobody in particular, and can say whether it is alive."""

import asyncio
import re
import socket
from pathlib import Path

import pytest
from aiohttp import web

from bot.__main__ import parser
from bot.alive import alive, reached_at
from config.settings import env_example, load

ROOT = Path(__file__).parents[2]
LINES = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text()).splitlines()


def told(word, lines=LINES):
    return [line.split(maxsplit=1)[1] for line in lines if line.startswith(f"{word} ")]


def last_stage():
    return LINES[max(at for at, line in enumerate(LINES) if line.startswith("FROM ")) :]


def copied():
    words = [line.split() for line in told("COPY") if not line.startswith("--from")]
    return [name for line in words for name in line[:-1]]


def test_everything_that_is_copied_is_there_and_let_through():
    let = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for name in copied():
        assert (ROOT / name).exists(), name
        assert name.split("/")[0] in let, name


def test_every_package_of_the_project_is_copied():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= set(copied())


def test_it_runs_as_a_user_with_a_health_check_and_a_place_that_lasts():
    stage = last_stage()
    assert told("USER", stage) == ["liqwatch"]
    assert told("VOLUME", stage) == ["/data"]
    assert told("STOPSIGNAL", stage) == ["SIGTERM"]
    (check,) = told("HEALTHCHECK", stage)
    command = re.search(r'CMD \["liqwatch", "(\w+)"\]', check)
    assert parser().parse_args([command[1]]).command == "alive"
    assert not any("pip" in line or "apt" in line for line in stage)


def test_what_it_sets_are_settings():
    names = re.findall(r"(LIQWATCH_\w+)=", " ".join(told("ENV")))
    assert names
    for name in names:
        assert f"{name}=" in env_example(), name


def test_the_libraries_come_from_the_lock_file():
    made = " ".join(told("RUN"))
    assert "tools/python.sh .venv requirements/run.txt" in made
    assert made.count("pip install") == made.count("--require-hashes") + made.count("--no-deps")


@pytest.mark.parametrize(
    ("bind", "host"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("[::]", "::1"), ("10.1.2.3", "10.1.2.3"), ("here", "here")],  # noqa: S104  # not bound
)
def test_where_a_server_is_reached(bind, host):
    assert reached_at(bind) == host


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_alive_says_what_the_process_answers(free_port, tmp_path, capsys, status, code):
    async def answer(_):
        return web.Response(text="so it is", status=status)

    app = web.Application()
    app.router.add_get("/healthz", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", free_port).start()
    try:
        settings = load({"web.port": free_port}, environ={}, directory=tmp_path)
        assert await asyncio.to_thread(alive, settings) == code
    finally:
        await runner.cleanup()
    assert "so it is" in "".join(capsys.readouterr())


def test_nobody_there_is_told(free_port, tmp_path, capsys):
    settings = load({"web.port": free_port}, environ={}, directory=tmp_path)
    assert alive(settings) == 1
    assert "nothing answers at 127.0.0.1" in capsys.readouterr().err


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
