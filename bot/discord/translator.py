"""Tell Discord in every language what commands, options and choices are for; names stay as they are typed."""

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Where

from bot.discord.tree import MAX_NAME
from bot.lang import _, code_of, learned, speaking

TOLD = (Where.command_description, Where.group_description, Where.parameter_description, Where.choice_name)


class Translator(app_commands.Translator):
    """Say a description in the language of whoever looks at it."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the words in a language; None where it is not spoken here, or says the same."""
        code = code_of(locale.value)
        if code in ("", "en") or context.location not in TOLD:
            return None
        with speaking(await learned(code)):
            told = _(string.message)[:MAX_NAME]
        return None if told == string.message else told
