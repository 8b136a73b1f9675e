"""Carry the library's calls to the Bot API over aiohttp.

Its own carrier looks at every open connection for every call, and then at each again: with dozens of them
that cost more than everything else an answer takes.
"""

import io
from dataclasses import dataclass
from typing import Any

import aiohttp
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

LARGE = 1 << 20
"""From how many bytes on a file is read in a thread as it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long each part of a call may take, in seconds. `pool_s` is for a connection that is free."""

    connect_s: float = 5.0
    pool_s: float = 5.0
    read_s: float = 15.0
    write_s: float = 10.0
    upload_s: float = 15.0


class AiohttpRequest(BaseRequest):
    """Up to `connections` connections, opened as they are needed and kept for the next call."""

    def __init__(self, connections: int, patience: Patience) -> None:
        self._connections = connections
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        """Return how long an answer is waited for, in seconds."""
        return self._patience.read_s

    async def initialize(self) -> None:
        """Be ready; the first call is enough for that."""

    async def shutdown(self) -> None:
        """Close the connections; a later call opens others."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def do_request(  # noqa: PLR0913 - the library says what it is given
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ANN401 - a number, None, or its own mark
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ANN401
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ANN401
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ANN401
    ) -> tuple[int, bytes]:
        """Make one call; return its status and body. Raises TimedOut or NetworkError, with its cause."""
        patience = self._patience
        files = request_data is not None and request_data.contains_files
        write_s = _given(write_timeout, patience.upload_s if files else patience.write_s)
        read_s = _given(read_timeout, patience.read_s)
        connect_s = _given(connect_timeout, patience.connect_s)
        pool_s = _given(pool_timeout, patience.pool_s)
        timeout = aiohttp.ClientTimeout(
            total=connect_s + pool_s + write_s + read_s, connect=connect_s + pool_s, sock_connect=connect_s
        )
        try:
            async with self._opened().request(
                method,
                url,
                data=_form(request_data),
                timeout=timeout,
                headers={"User-Agent": self.USER_AGENT},
            ) as answer:
                return answer.status, await answer.read()
        except TimeoutError as error:
            raise TimedOut(type(error).__name__) from error
        except (aiohttp.ClientError, OSError) as error:  # its words may hold the address, and so the token
            raise NetworkError(type(error).__name__) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections)
            self._session = aiohttp.ClientSession(connector=connector, trust_env=True)
        return self._session


def _given(told: object, usual_s: float) -> float:
    """Return a time that the library was told, else the usual one."""
    if isinstance(told, int | float):
        return float(told)
    return usual_s


def _form(data: RequestData | None) -> aiohttp.FormData | dict[str, str] | None:
    """Return what a call sends: fields alone, or with files."""
    if data is None:
        return None
    if not data.contains_files:
        return data.json_parameters
    form = aiohttp.FormData(quote_fields=False)
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (file_name, content, kind) in (data.multipart_data or {}).items():
        body = io.BytesIO(content) if isinstance(content, bytes) and len(content) >= LARGE else content
        form.add_field(name, body, filename=file_name, content_type=kind)
    return form
