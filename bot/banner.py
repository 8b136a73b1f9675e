"""Say at start where to look, what the data is, and what is not configured and how to configure it."""

from collections.abc import Sequence

from bot.commands.services import Missing
from config.settings import Settings

TOKENS = (
    ("chat.discord_token", "Discord", "LIQWATCH_DISCORD_TOKEN"),
    ("chat.telegram_token", "Telegram", "LIQWATCH_TELEGRAM_TOKEN"),
)


def missing(settings: Settings) -> tuple[Missing, ...]:
    """Return what is not configured, each with the line that configures it."""
    found = [
        Missing(name=name, fix=f"put {variable}=… into .env")
        for path, name, variable in TOKENS
        if _value(settings, path) is None
    ]
    if settings.web.public_url is None:
        fix = "put LIQWATCH_PUBLIC_URL=https://… into .env once others can reach the page"
        found.append(Missing(name="Links to the page in messages", fix=fix))
    return tuple(found)


def banner(*, url: str, source: str, directory: str, absent: Sequence[Missing], took_s: float) -> str:
    """Return the lines printed when everything is ready; `url` may carry the panel's token."""
    lines = [
        f"Liqwatch is ready after {took_s:.1f} s: {url}",
        f"  Data     {source}",
        f"  Kept in  {directory}",
        "  Try      /heatmap btc and /watch btc in the page's panel, or: liqwatch console",
    ]
    lines += [f"  Not set  {item.name}: {item.fix}" for item in absent]
    return "\n".join(lines) + "\n"


def _value(settings: Settings, path: str) -> object:
    section, name = path.split(".")
    return getattr(getattr(settings, section), name)
