"""Set up the log: events with fields, readable in a terminal, JSON in production; never a secret."""

import logging
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, TextIO

import structlog

MASK = "***"


def configure(
    *, level: str = "INFO", form: str = "console", secrets: Iterable[str] = (), to: TextIO | None = None
) -> None:
    """Send events at `level` and above to stderr as `console` text or `json` lines, with `secrets` masked.

    Standard-library loggers (aiohttp, APScheduler, alembic …) go the same way at WARNING and above.
    """
    stream = to or sys.stderr
    hidden = tuple(secret for secret in secrets if secret)

    def mask(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: _masked(value, hidden) for key, value in event.items()}

    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    texts: list[Any] = [structlog.processors.format_exc_info] if form == "json" or hidden else []
    structlog.configure(
        processors=[*shared, *texts, mask, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[_bare, *texts, mask, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


def _bare(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event


def _masked(value: object, hidden: tuple[str, ...]) -> object:
    if not isinstance(value, str):
        return value
    for secret in hidden:
        value = value.replace(secret, MASK)
    return value
