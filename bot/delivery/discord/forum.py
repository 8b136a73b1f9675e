"""Post into forums of Discord, which take no messages: each one begins a post of its own."""

from collections.abc import Mapping
from typing import Any

import discord

from bot.delivery.discord.parcel import Parcel
from bot.delivery.discord.places import Remote

MAX_NAME = 100


async def begin_post(forum: discord.ForumChannel, parcel: Parcel, body: Mapping[str, Any]) -> Remote:
    """Begin a post whose first message is a parcel, and return that message.

    Where the forum asks for a tag, the first is taken that everybody may set. A forum knows no nonce: what
    got no answer may be there twice.
    """
    name = (parcel.headline or parcel.title or "Liqwatch")[:MAX_NAME]
    tags = [tag for tag in forum.available_tags if not tag.moderated][:1] if forum.flags.require_tag else []
    made = await forum.create_thread(name=name, applied_tags=tags, **body)
    return Remote(made.thread.id, made.message.id)
