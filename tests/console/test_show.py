"""A reply reads well in a terminal, and scripts get plain JSON."""

import io
import json

import pytest
from PIL import Image as Pillow
from rich.console import Console

from bot.commands.reply import Button, Form, Image, Reply, Table, Tone
from bot.console.show import half_blocks, plain, save, show, show_alert
from bot.console.terminal import _run as answered
from bot.console.terminal import run_script


def png(width=64, height=36):
    out = io.BytesIO()
    Pillow.new("RGB", (width, height), (10, 200, 30)).save(out, "png")
    return out.getvalue()


PICTURE = Image(png=png(), name="btc.png", alt="BTC heatmap", width=64, height=36)
REPLY = Reply(
    command="zones",
    title="BTC zones",
    text="Two zones",
    fields=(("Price", "$100,000"),),
    table=Table(headings=("Zone", "USD"), rows=(("99,000", "$3M"),), numeric=("USD",)),
    images=(PICTURE,),
    buttons=((Button(label="Refresh", action="v1:zones:refresh:btc"), Button(label="Web", url="http://x")),),
    notice="REPLAY 2025-10-10 20:35 UTC",
    source="REPLAY 2025-10-10 20:35 UTC",
    now_ms=1_760_128_500_000,
    price=100_000.0,
)
FAILED = Reply(command="zones", error="No symbol BTX.", example="/zones btc", tone=Tone.BAD)


def terminal():
    out = io.StringIO()
    return out, Console(file=out, width=80, force_terminal=True, color_system="truecolor")


def test_everything_is_shown_and_buttons_are_numbered(tmp_path):
    out, console = terminal()
    buttons = show(console, REPLY, [tmp_path / "btc.png"])
    text = out.getvalue()
    for part in (
        "BTC zones",
        "Two zones",
        "$100,000",
        "99,000",
        "[1] Refresh",
        "REPLAY 2025-10-10",
        "▀",
        "saved",
    ):
        assert part in text
    assert [b.label for b in buttons] == ["Refresh"]


def test_an_error_comes_with_its_example():
    out, console = terminal()
    show(console, FAILED, [])
    assert "No symbol BTX." in out.getvalue()
    assert "For example: /zones btc" in out.getvalue()


def test_an_alert_is_framed():
    out, console = terminal()
    show_alert(console, {"severity": "critical", "title": "BTC 0.8 % above $42M", "text": "[not markup]"})
    assert "BTC 0.8 % above $42M" in out.getvalue()
    assert "[not markup]" in out.getvalue()


@pytest.mark.parametrize("width", [2, 40, 119])
def test_half_blocks_keep_the_aspect(width):
    lines = half_blocks(png(), width=width).plain.splitlines()
    assert {len(line) for line in lines} == {width}
    assert abs(len(lines) * 2 - max(2, width * 36 / 64)) <= 2


class Line:
    async def say(self, line):
        return FAILED if "btx" in line else REPLY


async def test_script_prints_one_object_a_line_and_saves_pictures(tmp_path):
    out = io.StringIO()
    console = Console(file=out)
    code = await run_script(Line(), ["/zones btc"], as_json=True, directory=tmp_path / "p", console=console)
    (line,) = out.getvalue().splitlines()
    found = json.loads(line)
    assert code == 0
    assert list(found) == ["command", "text", "alt", "images", "buttons", "error", "source", "now", "price"]
    assert found["now"] == "2025-10-10T20:35:00+00:00"
    assert found["alt"] == ["BTC heatmap"]
    assert found["error"] is None
    (path,) = found["images"]
    assert (tmp_path / "p" / "01-btc.png").read_bytes() == PICTURE.png
    assert path.endswith("01-btc.png")


async def test_a_failed_command_fails_the_script_but_the_rest_runs(tmp_path):
    out = io.StringIO()
    console = Console(file=out)
    code = await run_script(
        Line(), ["/zones btx", "/zones btc"], as_json=False, directory=tmp_path, console=console
    )
    assert code == 1
    assert "No symbol BTX." in out.getvalue()
    assert "BTC zones" in out.getvalue()


class Asking:
    """A way to commands that ask which one: 7 or 12."""

    def __init__(self):
        self.heard = []

    async def say(self, line):
        self.heard.append(("say", line))
        return ASKED if line.startswith("/") else REPLY

    async def press(self, action):
        self.heard.append(("press", action))
        return REPLY


BUTTONS = (
    Button(label="7 BTC", action="v1:ask:pick!:k:0:7"),
    Button(label="1 ETH", action="v1:ask:pick!:k:0:1"),
)
ASKED = Reply(
    command="alert show",
    title="Which one?",
    buttons=(BUTTONS,),
    form=Form(title="t", label="Type it", action="v1:ask:form:k", fields=()),
)


async def test_a_question_that_a_script_leaves_open_fails_it_and_an_answered_one_does_not(tmp_path):
    console = Console(file=io.StringIO())
    script = {"as_json": False, "directory": tmp_path, "console": console}
    assert await run_script(Asking(), ["/alert show"], **script) == 1
    assert await run_script(Asking(), ["/alert show", "7"], **script) == 0


async def test_a_number_that_answers_a_question_is_said_and_any_other_presses_its_button():
    line = Asking()
    for typed, asked in (("1", True), ("2", True), ("1", False)):
        await answered(line, typed, BUTTONS, asked=asked)
    assert line.heard == [("say", "1"), ("press", BUTTONS[1].action), ("press", BUTTONS[0].action)]


def test_plain_text_and_saving_nothing(tmp_path):
    assert plain(REPLY).splitlines() == [
        "BTC zones",
        "Two zones",
        "Price: $100,000",
        "Zone\tUSD",
        "99,000\t$3M",
    ]
    assert save((), tmp_path / "none", prefix="") == []
    assert not (tmp_path / "none").exists()
