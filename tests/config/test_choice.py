import pytest

from config.choice import resolve_source
from config.settings import SourceChoice
from engine.errors import ConfigError

AUTO, LIVE, REPLAY = SourceChoice.AUTO, SourceChoice.LIVE, SourceChoice.REPLAY
STOP = None


@pytest.mark.parametrize(
    ("choice", "token", "live_ready", "taken"),
    [
        (REPLAY, False, False, REPLAY),
        (REPLAY, True, False, REPLAY),
        (REPLAY, False, True, REPLAY),
        (AUTO, False, True, LIVE),
        (AUTO, True, True, LIVE),
        (AUTO, False, False, REPLAY),
        (AUTO, True, False, STOP),
        (LIVE, False, True, LIVE),
        (LIVE, False, False, STOP),
        (LIVE, True, False, STOP),
    ],
)
def test_which_source_is_taken(choice, token, live_ready, taken):
    if taken is STOP:
        with pytest.raises(ConfigError, match="no live venue answered") as caught:
            resolve_source(choice, has_chat_token=token, live_ready=live_ready)
        assert "--source replay" in str(caught.value)
        assert "\n" not in str(caught.value)
    else:
        assert resolve_source(choice, has_chat_token=token, live_ready=live_ready) is taken
