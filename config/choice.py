"""Decide which source of market data runs, from what was asked for and what is there."""

from config.kinds import SourceChoice
from config.root import Settings
from engine.errors import ConfigError

ASK_FOR_REPLAY = "source=replay must be asked for: `--source replay` or LIQWATCH_SOURCE=replay."
NOT_YET = "live market data is not available yet"


def resolve_source(
    choice: SourceChoice, *, has_chat_token: bool, live_ready: bool | None = None
) -> SourceChoice:
    """Return LIVE or REPLAY; raise ConfigError where neither may be taken.

    `live_ready` says whether a live venue answered in time; None that there is no live adapter at all. With a
    chat token the choice `auto` never falls back: users of a chat must not be shown the past by accident.
    """
    if choice is SourceChoice.REPLAY:
        return SourceChoice.REPLAY
    if live_ready:
        return SourceChoice.LIVE
    if choice is SourceChoice.AUTO and not has_chat_token:
        return SourceChoice.REPLAY
    why = NOT_YET if live_ready is None else "no live venue answered"
    asked = "source=live" if choice is SourceChoice.LIVE else "source=auto with a chat token"
    raise ConfigError([f"{asked}: {why}, and nothing else may stand in for it: {ASK_FOR_REPLAY}"])


def source_of(settings: Settings) -> SourceChoice:
    """Return which source these settings start; raise ConfigError where none may be taken."""
    return resolve_source(settings.source.kind, has_chat_token=settings.chat.has_token)
