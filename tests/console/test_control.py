"""A terminal joins a running process over a socket that only its owner can open."""

import asyncio
import contextlib
import stat

import pytest

from bot.commands.reply import Reply
from bot.console.control import NAME, ControlClient, ControlSocket
from bot.console.terminal import Joined
from engine.errors import LiqwatchError


class Desk:
    """Commands that say what they were asked."""

    def __init__(self):
        self.callers = []
        self.release = asyncio.Event()

    async def dispatch(self, line, caller):
        self.callers.append(caller)
        if line == "/stall":
            await self.release.wait()
        return Reply(command=line, text=f"ran {line}")

    async def press(self, action, caller):
        return Reply(command=action, text=f"pressed {action}")

    def complete(self, line):
        return [line + "c"]


class Pushes:
    """Hand alerts to whoever listens."""

    def __init__(self):
        self.listeners = []

    @contextlib.contextmanager
    def listen(self, push):
        self.listeners.append(push)
        try:
            yield
        finally:
            self.listeners.remove(push)


@pytest.fixture
async def running(tmp_path):
    desk, pushes = Desk(), Pushes()
    socket = ControlSocket(tmp_path, desk, pushes.listen)
    await socket.start()
    yield tmp_path, desk, pushes
    await socket.stop()


async def test_commands_buttons_and_completion(running):
    directory, desk, _ = running
    client = await ControlClient.join(directory)
    line = Joined(client)
    assert (await line.say("/zones btc")).text == "ran /zones btc"
    assert (await line.press("v1:x:y")).text == "pressed v1:x:y"
    assert await line.complete("/he") == ["/hec"]
    (caller,) = desk.callers
    assert caller.user_id == "local:owner"
    assert caller.operator
    await client.close()


async def test_answers_find_their_questions_whatever_the_order(running):
    directory, desk, _ = running
    client = await ControlClient.join(directory)
    slow = asyncio.create_task(client.ask(line="/stall"))
    other = await ControlClient.join(directory)
    assert (await other.ask(line="/quick"))["reply"]["text"] == "ran /quick"
    desk.release.set()
    assert (await slow)["reply"]["text"] == "ran /stall"
    await client.close()
    await other.close()


async def test_alerts_reach_a_listening_terminal_until_it_leaves(running):
    directory, _, pushes = running
    client = await ControlClient.join(directory)
    line = Joined(client)
    await line.listen()
    await pushes.listeners[0]({"alert": {"title": "BTC near a zone"}})
    assert (await line.next_alert())["title"] == "BTC near a zone"
    await client.close()
    async with asyncio.timeout(5):
        while pushes.listeners:
            await asyncio.sleep(0.01)


async def test_the_socket_is_for_its_owner_alone(running):
    directory, _, _ = running
    assert stat.S_IMODE((directory / NAME).stat().st_mode) == 0o600


async def test_a_stopped_process_is_noticed(tmp_path):
    desk, pushes = Desk(), Pushes()
    socket = ControlSocket(tmp_path, desk, pushes.listen)
    await socket.start()
    client = await ControlClient.join(tmp_path)
    waiting = asyncio.create_task(client.ask(line="/stall"))
    await asyncio.sleep(0.05)
    await socket.stop()
    with pytest.raises(LiqwatchError, match="did not answer"):
        await waiting
    await client.close()
    assert await ControlClient.join(tmp_path) is None


async def test_a_left_over_socket_file_means_nobody(tmp_path):
    assert await ControlClient.join(tmp_path) is None
    (tmp_path / NAME).write_text("")
    assert await ControlClient.join(tmp_path) is None


async def test_a_very_long_directory_works(tmp_path):
    directory = tmp_path / ("d" * 100) / ("e" * 60)
    directory.mkdir(parents=True)
    desk, pushes = Desk(), Pushes()
    socket = ControlSocket(directory, desk, pushes.listen)
    await socket.start()
    client = await ControlClient.join(directory)
    assert (await client.ask(line="/x"))["reply"]["text"] == "ran /x"
    await client.close()
    await socket.stop()


async def test_garbage_ends_one_conversation_and_no_other(running):
    directory, _, _ = running
    good = await ControlClient.join(directory)
    reader, writer = await asyncio.open_unix_connection(str(directory / NAME))
    writer.write(b"not json\n")
    await writer.drain()
    assert await reader.read() == b""
    writer.close()
    assert (await good.ask(line="/x"))["reply"]["text"] == "ran /x"
    await good.close()
    assert [path.name for path in directory.iterdir()] == [NAME]
