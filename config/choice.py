"""Decide which source of market data runs, from what was asked for and what is there."""

from config.kinds import SourceChoice
from engine.errors import ConfigError

ASK_FOR_REPLAY = "source=replay must be asked for: `--source replay` or LIQWATCH_SOURCE=replay."


def resolve_source(choice: SourceChoice, *, has_chat_token: bool, live_ready: bool) -> SourceChoice:
    """Return LIVE or REPLAY; raise ConfigError where neither may be taken.

    `live_ready` says whether a live venue answered in time. With a chat token the choice `auto` never falls
    back: users of a chat must not be shown the past by accident.
    """
    if choice is SourceChoice.REPLAY:
        return SourceChoice.REPLAY
    if live_ready:
        return SourceChoice.LIVE
    if choice is SourceChoice.AUTO and not has_chat_token:
        return SourceChoice.REPLAY
    asked = "source=live" if choice is SourceChoice.LIVE else "source=auto with a chat token"
    told = "no live venue answered, and nothing else may stand in for it"
    raise ConfigError([f"{asked}: {told}: {ASK_FOR_REPLAY}"])
