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
from bot.commands.spec import ALL_FRONTS, CHAT_FRONTS, Command, Cost, Kind, Provider, Visibility

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
        "account watch unwatch status symbols cancel",
        "admin": "feeds deliveries broadcast reload",
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
            only = {"setup": CHAT_FRONTS, "admin": {Front.CONSOLE}}
            assert command.fronts == only.get(command.noun, ALL_FRONTS)
    names = {c.name for c in Registry().on(Front.PANEL, replaying=False)}
    assert "replay pause" not in names


def test_settings_data_and_alerts_are_never_shown_to_others():
    for command in COMMANDS:
        if command.noun in ("settings", "data", "alert", "watch", "unwatch", "channels", "ask", "admin"):
            assert command.visibility is Visibility.PRIVATE
    pictures = {"heatmap", "zones", "grid", "cascade", "swept", "market", "liquidations"}
    assert {c.noun for c in COMMANDS if c.cost is Cost.PICTURE} == pictures


SUGGESTED = {
    Kind.SYMBOL: {Provider.SYMBOLS},
    Kind.TIME_ZONE: {Provider.TIME_ZONES},
    Kind.VENUES: {Provider.VENUES},
    Kind.PLACE: {Provider.CHANNELS},
    Kind.ID: {Provider.RULES, Provider.CHANNELS, Provider.REPORTS},
}


def test_symbols_venues_time_zones_places_and_numbers_of_ones_own_are_suggested_everywhere():
    for command in Registry().on():
        for parameter in command.parameters:
            if parameter.kind in SUGGESTED:
                assert parameter.suggest in SUGGESTED[parameter.kind], (command.name, parameter.name)
    by_name = {c.name: c for c in Registry().on()}
    assert by_name["alert template"].parameter("name").suggest is Provider.TEMPLATES
    assert by_name["alert conditions"].parameter("type").suggest is Provider.CONDITIONS
    assert by_name["help"].parameter("command").suggest is Provider.COMMANDS


DESTRUCTIVE = {"alert remove", "channels remove", "report remove", "unwatch", "data forget"}


def test_what_is_gone_for_good_is_asked_about_or_made_again_by_a_press():
    """What removes something is either in the list above (each has its test), or can be undone at once."""
    words = ("remove", "forget", "delete", "off", "unwatch")
    removing = {c.name for c in Registry().on() if any(w in c.name.split() for w in words)}
    assert removing - DESTRUCTIVE == {"dashboard off"}


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
