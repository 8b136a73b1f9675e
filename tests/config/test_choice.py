import pytest

from config.choice import resolve_source, source_of
from config.settings import SourceChoice, load
from engine.errors import ConfigError

AUTO, LIVE, REPLAY = SourceChoice.AUTO, SourceChoice.LIVE, SourceChoice.REPLAY
STOP = None


@pytest.mark.parametrize(
    ("choice", "token", "live_ready", "taken"),
    [
        (REPLAY, False, None, REPLAY),
        (REPLAY, True, None, REPLAY),
        (REPLAY, False, True, REPLAY),
        (AUTO, False, None, REPLAY),
        (AUTO, True, None, STOP),
        (LIVE, False, None, STOP),
        (LIVE, True, None, STOP),
        (AUTO, False, True, LIVE),
        (AUTO, True, True, LIVE),
        (AUTO, False, False, REPLAY),
        (AUTO, True, False, STOP),
        (LIVE, False, True, LIVE),
        (LIVE, False, False, STOP),
    ],
)
def test_which_source_is_taken(choice, token, live_ready, taken):
    if taken is STOP:
        with pytest.raises(ConfigError) as caught:
            resolve_source(choice, has_chat_token=token, live_ready=live_ready)
        assert "--source replay" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert ("not available yet" in str(caught.value)) == (live_ready is None)
    else:
        assert resolve_source(choice, has_chat_token=token, live_ready=live_ready) is taken


def test_a_chat_token_never_falls_back_by_itself(tmp_path):
    assert source_of(load(environ={}, directory=tmp_path)) is REPLAY
    with pytest.raises(
        ConfigError, match="source=auto with a chat token: live market data is not available yet"
    ):
        source_of(load(environ={"LIQWATCH_TELEGRAM_TOKEN": "t"}, directory=tmp_path))
    with pytest.raises(ConfigError, match="source=live: live market data is not available yet"):
        source_of(load(environ={"LIQWATCH_SOURCE": "live"}, directory=tmp_path))
