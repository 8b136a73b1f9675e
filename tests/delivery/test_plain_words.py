"""What somebody writes calls nobody, leads nowhere and hides nothing, and reads as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.lines import Line, Style
from bot.delivery.discord.marks import escaped, markdown
from bot.delivery.plain_words import JOINER, neutral
from bot.delivery.telegram.parcel import Parcel


@pytest.mark.parametrize(
    "written",
    [
        "https://evil.example/x?a=b",
        "HTTPS://EVIL.example",
        "tg://user?id=1",
        "discord://-/channels/1",
        "www.evil.com",
        "t.me/joinchat",
        "(evil.io)",
        "..evil.com.",
        "пример.рф",
        "@everyone",
        "hi @bob!",
        "/start@EvilBot",
        "<@123456789012345678>",
        "[free money](https://evil.example)",
        "\\[free money](https://evil.example)",
    ],
)
def test_what_a_chat_would_make_a_link_or_a_mention_of_is_broken_and_reads_the_same(written):
    safe = neutral(written)
    assert safe != written
    assert safe.replace(JOINER, "") == written


@pytest.mark.parametrize(
    "plain",
    ["$38.2M at 114.4k, 1.5x", "Price 112,000.5. Next", "me@example.org", "12:30 UTC", "v1.2.3", "5m"],
)
def test_numbers_times_and_addresses_to_copy_stay_as_they_are(plain):
    assert neutral(plain) == plain


def test_marks_that_turn_text_around_are_taken_out():
    assert neutral("safe\u202egnp\u2066x\u0007") == "safegnpx"


@given(st.text(alphabet="@./:ahtps[]()<>#*_`~|\\ \n-x", max_size=40))
def test_no_text_at_all_is_a_link_or_a_mention_in_discord(text):
    said = escaped(text)
    for sign in ("://", "](", "@a", "@h", "@x"):
        assert sign not in said
    assert "<" not in said.replace("\\<", "")


@pytest.mark.parametrize("line", ["# BIG", "## BIG", "-# small", "  # BIG"])
def test_a_line_makes_no_heading(line):
    assert escaped(line).lstrip().startswith("\\")


EVIL = "@bob https://evil.example [a](b.com) <b>x</b>"


def test_a_note_is_neutral_in_telegram_with_marks_and_without_and_a_command_to_copy_is_not_touched():
    lines = (Line(EVIL, label="Note"), Line(EVIL, Style.CODE), Line("Try: ", example="/watch me@b.com"))
    for parcel in (Parcel(lines=lines), Parcel(lines=lines, marked=False)):
        said = parcel.text(caption=False)
        outside = said.partition("<pre>")[0] + said.partition("</pre>")[2] if parcel.marked else said
        assert "@bob" not in outside
        assert "https://" not in outside
        assert "b.com)" not in outside
        assert "/watch me@b.com" in said
    assert "<b>x</b>" not in Parcel(lines=lines).text(caption=False)


def test_a_note_full_of_dots_still_fits_a_caption():
    note = "a.bc " * 300
    assert len(Parcel(lines=(Line(note),)).text(caption=True)) <= 1024


def test_a_note_is_neutral_in_every_style_of_discord():
    for style in (Style.PLAIN, Style.BOLD, Style.ITALIC):
        said = markdown([Line(EVIL, style, label="Note")])
        assert "https://" not in said
        assert "@bob" not in said
        assert "](" not in said
