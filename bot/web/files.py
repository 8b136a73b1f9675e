"""Let the process hold as many connections open as it is set to."""

import resource

import structlog

log = structlog.get_logger(__name__)

OTHERS = 512
"""Files beside connections: databases, venues, pictures."""


def allow(connections: int) -> int:
    """Raise the number of files that may be open, as far as the system lets; return how many fit.

    That is connections, with room for the files beside them.
    """
    wanted = connections + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if most > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    fit = max(0, max(most, soft) - OTHERS)
    if fit < connections:
        log.warning("web.few_files", connections=connections, fit=fit, hint="raise ulimit -n")
    return fit
