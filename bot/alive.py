"""Be the command `alive`: say whether the running process answers, for containers and watchdogs."""

import http.client
import sys
from ipaddress import IPv6Address, ip_address
from typing import Final

from config.settings import Settings

WAIT_S: Final = 4.0


def alive(settings: Settings) -> int:
    """Ask `/healthz` on this machine; print what it answers, and return 0 where all is well, else 1."""
    host, port = reached_at(settings.web.host), settings.web.port
    line = http.client.HTTPConnection(host, port, timeout=WAIT_S)
    try:
        line.request("GET", "/healthz")
        answer = line.getresponse()
        told = answer.read(4_096).decode("utf-8", "replace").strip()
        well = answer.status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException) as error:
        told, well = f"nothing answers at {host}:{port}: {error}", False
    finally:
        line.close()
    (sys.stdout if well else sys.stderr).write(f"{told}\n")
    return 0 if well else 1


def reached_at(bind: str) -> str:
    """Return the address at which a server that listens on `bind` is reached from its own machine."""
    try:
        address = ip_address(bind.strip("[]"))
    except ValueError:
        return bind
    if not address.is_unspecified:
        return str(address)
    return "::1" if isinstance(address, IPv6Address) else "127.0.0.1"
