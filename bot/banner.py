"""Say at start where to look, what the data is, and what is not configured and how to configure it."""

from collections.abc import Sequence

from adapters.titles import title
from bot.commands.services import Missing
from bot.ways import off
from config.settings import Settings

TOKENS = (
    ("chat.discord_token", "Discord", "LIQWATCH_DISCORD_TOKEN"),
    ("chat.telegram_token", "Telegram", "LIQWATCH_TELEGRAM_TOKEN"),
)
MOST_NAMED = 8
"""How many symbols are named in one line."""


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
    return (*found, *off(settings))


def beginning(symbols: Sequence[str], venues: Sequence[str], *, days: int) -> str:
    """Return the line printed before the history of live markets is read."""
    asked = f"{days} days of {some(symbols)} from {', '.join(title(venue) for venue in venues)}"
    return f"Reading {asked}; what was read before is kept, so only the first start takes long.\n"


def waiting(symbols: Sequence[str], ready: Sequence[str]) -> str:
    """Return what is there already of the markets that are read, and what is still to come."""
    later = [symbol for symbol in symbols if symbol not in ready]
    if not later:
        return f"{len(ready)} of {len(symbols)} markets are there; starting the rest"
    return f"{len(symbols) - len(later)} of {len(symbols)} markets are there; still reading {some(later)}"


def some(symbols: Sequence[str]) -> str:
    """Return symbols in a line, the first of them where there are many."""
    told = ", ".join(symbols[:MOST_NAMED])
    return f"{told} and {len(symbols) - MOST_NAMED} more" if len(symbols) > MOST_NAMED else told


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
