"""Answer every failure with a sentence and an incident id, never with a traceback."""

import secrets
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bot.web.rest.problems import Refused
from engine.errors import DataError, UserError

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def incident_id() -> str:
    """Return a short id that links what a user saw to a line of the log."""
    return secrets.token_hex(4)


def problem(status: int, detail: str, *, title: str = "", **more: str) -> web.Response:
    """Return a problem document (RFC 9457)."""
    body = {"type": "about:blank", "title": title or detail, "status": status, "detail": detail, **more}
    return web.json_response(body, status=status, content_type="application/problem+json")


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into an answer."""
    try:
        return await handler(request)
    except web.HTTPSuccessful:
        raise
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        return _plain(error)
    except Refused as refused:
        return refused.answer()
    except UserError as error:
        return problem(400, error.message, example=error.example)
    except DataError as error:
        return problem(400, str(error))
    except Exception:  # a front's dispatch: whatever went wrong is logged and answered
        incident = incident_id()
        log.exception("web.failed", incident=incident, path=request.path)
        return problem(500, f"Something went wrong here. Incident {incident}.", incident=incident)


def _plain(error: web.HTTPException) -> web.Response:
    response = problem(error.status, _sentence(error), title=error.reason)
    for name in ("Retry-After", "Allow", "Upgrade"):
        if name in error.headers:
            response.headers[name] = error.headers[name]
    return response


def _sentence(error: web.HTTPException) -> str:
    """Return what an error says; where that is nothing but its status, what to do about it."""
    said = error.text or error.reason
    if said != f"{error.status}: {error.reason}":
        return said
    if isinstance(error, web.HTTPNotFound):
        return "There is no such address here; /docs lists those of the API."
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{error.method} is not for this address: it takes {', '.join(sorted(error.allowed_methods))}."
    return f"{error.reason}."
