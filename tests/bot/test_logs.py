"""The log carries events with fields, and never a secret."""

import io
import json
import logging

import pytest
import structlog

from bot import logs


@pytest.fixture(autouse=True)
def _restore():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_json_lines_hide_secrets_even_in_tracebacks():
    out = io.StringIO()
    logs.configure(form="json", secrets=["s3cret-token"], to=out)
    log = structlog.get_logger()
    log.info("chat.connected", url="https://x/bots3cret-token/getMe", count=3)
    try:
        raise ValueError("refused s3cret-token")
    except ValueError as error:
        log.exception("chat.failed", exc_info=error)
    logging.getLogger("library").warning("sent s3cret-token")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert "s3cret" not in out.getvalue()
    assert lines[0]["url"] == "https://x/bot***/getMe"
    assert lines[0]["count"] == 3
    assert lines[0]["level"] == "info"
    assert "ValueError: refused ***" in lines[1]["exception"]
    assert lines[2]["event"] == "sent ***"


def test_level_is_respected_and_console_is_readable():
    out = io.StringIO()
    logs.configure(level="ERROR", to=out)
    structlog.get_logger().info("quiet")
    structlog.get_logger().error("part.crashed", part="feed")
    logging.getLogger("library").warning("quiet too")
    assert "quiet" not in out.getvalue()
    assert "part.crashed" in out.getvalue()
    assert "feed" in out.getvalue()
