"""The table keeps within what Discord, Telegram and people can take."""

import json
import re
from collections import Counter

import pytest

from bot.commands import ids, reference
from bot.commands.catalogue import catalogue
from bot.commands.parts import NOT_ADVICE
from bot.commands.registry import Registry
from bot.commands.reply import Front
from bot.commands.spec import ALL_FRONTS, CHAT_FRONTS, Command, Cost, Kind, Visibility

NAME = re.compile(r"[a-z0-9_-]{1,32}")
COMMANDS = Registry().commands


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_platform_limits(command):
    assert NAME.fullmatch(command.noun)
    assert not command.verb or NAME.fullmatch(command.verb)
    assert 1 <= len(command.description) <= 100
    assert len(command.parameters) <= 25
    names = [name for p in command.parameters for name in (p.name, *p.aliases)]
    assert len(names) == len(set(names))
    for parameter in command.parameters:
        assert NAME.fullmatch(parameter.name)
        assert 1 <= len(parameter.description) <= 100
        assert len(parameter.offered()) <= 25
        assert parameter.kind is not Kind.CHOICE or parameter.choices
        for choice in parameter.choices:
            assert 1 <= len(choice.value) <= 100
            assert 1 <= len(choice.label) <= 100


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_required_parameters_come_first(command):
    needed = [p.required for p in command.parameters]
    assert needed == sorted(needed, reverse=True)


def test_a_noun_has_at_most_25_verbs_and_both_forms_never_meet_on_discord():
    for noun in {c.noun for c in Registry().on()}:
        verbs = Registry().verbs(noun)
        alone = [c for c in Registry().on() if c.noun == noun and not c.verb]
        assert len(verbs) <= 25
        assert not (verbs and alone), f"/{noun} is both a command and a group"
    assert len({c.noun for c in Registry().on(Front.DISCORD)}) <= 100


def test_discord_takes_each_noun_whole():
    """Names, descriptions and choices of a command and all its verbs may have 8,000 characters."""
    sizes = Counter()
    for command in Registry().on(Front.DISCORD):
        shown = command.on(Front.DISCORD)
        sizes[command.noun] += len(command.noun) + len(command.verb) + len(command.description)
        for parameter in shown.parameters:
            choices = parameter.offered() if parameter.kind is Kind.CHOICE else ()
            texts = [t for choice in choices for t in (choice.label, choice.value)]
            sizes[command.noun] += sum(map(len, (parameter.name, parameter.description, *texts)))
    assert max(sizes.values()) <= 7_800, sizes.most_common(2)


def test_a_telegram_menu_can_name_every_command():
    for command in Registry().on(Front.TELEGRAM):
        assert re.fullmatch(r"[a-z0-9_]{1,32}", command.name.replace(" ", "_"))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_every_button_id_of_short_values_fits(command):
    made = ids.action(command.noun, command.verb, "1000000MOGUSDT", edits=True)
    assert made
    assert len(made.encode()) <= 64


def test_names_and_aliases_are_unique_and_known():
    def command(name: str, *aliases: str) -> Command:
        return Command(noun=name, description="d", run=COMMANDS[0].run, aliases=aliases)

    with pytest.raises(ValueError, match="two commands"):
        Registry([command("a"), command("b", "a")])


def test_what_the_product_asks_for_is_there():
    wanted = {
        "": "start help heatmap grid zones cascade swept check market liquidations top accuracy liqprice "
        "account watch unwatch status symbols",
        "alert": "list show pause resume snooze remove test history check add edit save conditions "
        "templates template share import",
        "channels": "list add verify test set remove",
        "settings": "show set",
        "setup": "show set check",
        "report": "add list remove pause resume",
        "dashboard": "on off",
        "data": "show export forget",
        "exchanges": "show health",
        "replay": "status pause resume seek speed",
    }
    names = {f"{noun} {verb}".strip() for noun, verbs in wanted.items() for verb in verbs.split()}
    assert {c.name for c in Registry().on()} == names


def test_replay_is_steered_from_the_local_fronts_alone_and_servers_are_set_up_in_chats():
    for command in Registry().on():
        if command.noun == "replay":
            assert command.fronts == {Front.PANEL, Front.CONSOLE}
            assert command.replaying
        else:
            assert command.fronts == (CHAT_FRONTS if command.noun == "setup" else ALL_FRONTS)
    names = {c.name for c in Registry().on(Front.PANEL, replaying=False)}
    assert "replay pause" not in names


def test_settings_data_and_alerts_are_never_shown_to_others():
    for command in COMMANDS:
        if command.noun in ("settings", "data", "alert", "watch", "unwatch", "channels"):
            assert command.visibility is Visibility.PRIVATE
    pictures = {"heatmap", "zones", "grid", "cascade", "swept", "market", "liquidations"}
    assert {c.noun for c in COMMANDS if c.cost is Cost.PICTURE} == pictures


def test_the_catalogue_is_plain_data():
    made = catalogue()
    assert json.loads(json.dumps(made))[0]["name"] == "start"
    watch = next(c for c in made if c["name"] == "watch")
    least = next(p for p in watch["parameters"] if p["name"] == "min")
    assert least["kind"] == "usd"
    assert least["limits"] == "$1,000 to $1,000,000,000,000"
    assert least["words"] == ["auto"]
    assert "payload" not in [
        p["name"] for c in catalogue(front=Front.DISCORD) for p in c["parameters"] if c["name"] == "start"
    ]
    assert not [c for c in catalogue(replaying=False) if c["noun"] == "replay"]


def test_the_reference_page_is_in_step():
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), (
        "run python -m bot.commands.reference and commit docs/commands.md"
    )
    assert NOT_ADVICE in reference.page()


def test_writing_the_reference_page(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "PAGE", tmp_path / "commands.md")
    reference.main()
    assert "## `/heatmap" in (tmp_path / "commands.md").read_text(encoding="utf-8")
