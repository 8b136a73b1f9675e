"""What Discord is told in other languages: descriptions and choices, never names, none too long."""

import discord
import pytest
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Where

from bot.discord.translator import Translator
from bot.lang import languages
from engine.lang import Speech


class Loud(Speech):
    """A made-up German: English in capitals, and too long where it is about limits."""

    code = "de"

    def gettext(self, message: str) -> str:
        return message.upper() + ("!" * 200 if "limit" in message else "")


@pytest.fixture
def german(monkeypatch):
    monkeypatch.setattr(languages, "SHIPPED", ("en", "de"))
    monkeypatch.setattr(languages, "_read", lambda _language: Loud())


async def told(text: str, locale: discord.Locale, where: Where) -> str | None:
    context = app_commands.TranslationContext(where, data=None)
    return await Translator().translate(app_commands.locale_str(text), locale, context)


async def test_descriptions_and_choices_are_told_in_the_readers_language(german):
    for where in (Where.command_description, Where.parameter_description, Where.choice_name):
        assert await told("Both sides", discord.Locale.german, where) == "BOTH SIDES"


async def test_names_stay_as_they_are_typed(german):
    for where in (Where.command_name, Where.group_name, Where.parameter_name):
        assert await told("heatmap", discord.Locale.german, where) is None


async def test_no_description_is_longer_than_discord_takes(german):
    found = await told("your limits", discord.Locale.german, Where.command_description)
    assert found is not None
    assert len(found) == 100


async def test_a_language_that_is_not_spoken_is_left_out(german):
    assert await told("Both sides", discord.Locale.french, Where.choice_name) is None
    assert await told("Both sides", discord.Locale.british_english, Where.choice_name) is None
