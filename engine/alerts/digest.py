"""Decide whether a digest makes a sound."""

from collections.abc import Iterable

from engine.model import Severity


def rings(severities: Iterable[Severity]) -> bool:
    """Say whether a digest of such alerts is worth a ring: info is context, so it comes without a sound."""
    return any(severity is not Severity.INFO for severity in severities)
