"""Hand a user everything kept about them, and remove it: every table of both stores, none left out.

Each table is said to be somebody's (by which column) or nobody's. One that is neither stops both functions,
so that a new table cannot be missed.
"""

import base64
import math
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import String, column, delete, inspect, select, table
from sqlalchemy.orm import Session

from engine.errors import StorageError
from storage.market import MarketStore
from storage.market_tables import TABLES
from storage.notes import get_note, set_note
from storage.state import StateStore
from storage.tables import Base

STATE_OWNERS: Mapping[str, str | None] = {
    "users": "user_id",
    "settings": "user_id",
    "rules": "user_id",
    "rule_arms": "user_id",
    "rule_memory": "user_id",
    "waiting_hits": "user_id",
    "feature_values": None,
    "cooldowns": "user_id",
    "daily_counts": "user_id",
    "episodes": "user_id",
    "alerts": "user_id",
    "alert_steps": "user_id",
    "deliveries": "user_id",
    "delivery_events": "user_id",
    "follow_ups": "user_id",
    "shares": "user_id",
    "drafts": "user_id",
    "dialogues": "user_id",
    "labels": "user_id",
    "channels": "user_id",
    "channel_codes": "user_id",
    "servers": "user_id",
    "server_places": "user_id",
    "reports": "user_id",
    "code_marks": None,
    "notes": None,
    "alembic_version": None,
}
"""Whose the rows of each state table are; None for nobody's."""

MARKET_OWNERS: Mapping[str, str | None] = {
    **{table.name: table.owner for table in TABLES.values()},
    "schema_version": None,
}
"""Whose the rows of each market table are; None for nobody's."""

_UNFINISHED = "forgetting"

Export = dict[str, list[dict[str, Any]]]


def unclassified(found: Iterable[str], owners: Mapping[str, str | None]) -> list[str]:
    """Return the tables of which it is not said whose their rows are."""
    return sorted(set(found) - set(owners))


async def export(state: StateStore, market: MarketStore, user_id: str) -> Export:
    """Return every row of a user, JSON-ready, by table, of both stores; tables without rows included."""
    found = await state.read(lambda session: _state_rows(session, user_id))
    names = _owned(await market.tables(), MARKET_OWNERS)
    for name, owner in names.items():
        found[name] = [_plain_row(row) for row in await market.owned_rows(name, owner, user_id)]
    return found


async def forget(state: StateStore, market: MarketStore, user_id: str) -> dict[str, int]:
    """Remove every row of a user from both stores, waiting deliveries too; return how many by table.

    The state side is one transaction, which also notes that the market side is to follow: a crash in between
    is made good by `finish_forgetting`. Deleted rows are gone from the state files when this returns.
    """
    _owned(await market.tables(), MARKET_OWNERS)
    counts = await state.run(lambda session: _forget_state(session, user_id))
    counts |= await _forget_market(state, market, user_id)
    return counts


async def finish_forgetting(state: StateStore, market: MarketStore) -> list[str]:
    """Complete what a crash interrupted: to be called at start. Return the users it was done for."""
    unfinished = await state.read(_unfinished)
    for user_id in unfinished:
        await _forget_market(state, market, user_id)
    return unfinished


async def _forget_market(state: StateStore, market: MarketStore, user_id: str) -> dict[str, int]:
    counts = await market.forget(user_id)
    await state.run(lambda session: _note_unfinished(session, set(_unfinished(session)) - {user_id}))
    await state.checkpoint()
    return counts


def _forget_state(session: Session, user_id: str) -> dict[str, int]:
    """Remove a user's rows, those that refer to others first."""
    counts = {}
    names = _owned(inspect(session.connection()).get_table_names(), STATE_OWNERS)
    for name in _children_first(session, names):
        owner = column(names[name], String())
        gone = session.execute(delete(table(name, owner)).where(owner == user_id).returning(owner))
        counts[name] = len(gone.all())
    _note_unfinished(session, {*_unfinished(session), user_id})
    return counts


def _children_first(session: Session, names: Mapping[str, str]) -> list[str]:
    order = inspect(session.connection()).get_sorted_table_and_fkc_names()
    return [name for name, _keys in reversed(order) if name is not None and name in names]


def _state_rows(session: Session, user_id: str) -> Export:
    names = _owned(inspect(session.connection()).get_table_names(), STATE_OWNERS)
    found: Export = {}
    for name, owner in names.items():
        described = Base.metadata.tables[name]
        rows = session.execute(select(described).where(described.c[owner] == user_id)).mappings()
        found[name] = [_plain_row(row) for row in rows]
    return found


def _owned(found: Iterable[str], owners: Mapping[str, str | None]) -> dict[str, str]:
    """Return the owner's column of each table that has one; raise where a table is not classified."""
    found = list(found)
    unknown = unclassified(found, owners)
    if unknown:
        raise StorageError(f"Nobody has said whose the rows of {', '.join(unknown)} are.")
    return {name: owner for name in found if (owner := owners[name]) is not None}


def _unfinished(session: Session) -> list[str]:
    note = get_note(session, _UNFINISHED) or {}
    return list(note.get("users", []))


def _note_unfinished(session: Session, users: set[str]) -> None:
    set_note(session, _UNFINISHED, {"users": sorted(users)} if users else None)


def _plain_row(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    """Return a value as JSON can hold it: bytes in base64, and null for NaN and infinities."""
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
