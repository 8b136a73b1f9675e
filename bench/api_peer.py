"""Answer one body to every request with the plainest aiohttp handler there is: what the API is compared with.

The body comes on standard input; the port is printed.
"""

import asyncio
import sys

from aiohttp import web


async def serve(body: bytes) -> None:
    """Serve until standard output's reader is gone, or the process is ended."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.stdin.buffer.read()))
