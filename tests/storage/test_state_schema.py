"""Test that migrations bring any state file to today's schema, keep what is in it, or leave it alone."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from engine.errors import SchemaTooNew, StoreCorrupt
from storage import state_schema
from storage.state import StateStore
from storage.state_schema import differences
from storage.tables import Arm, Rule, User

NEWEST = max(path.name for path in (state_schema.MIGRATIONS / "versions").glob("0*.py"))[:4]
LATER = f'''
"""Give users a name."""
import sqlalchemy as sa
from alembic import op
revision = "9998"
down_revision = "{NEWEST}"
branch_labels = None
depends_on = None
def upgrade():
    with op.batch_alter_table("users", recreate="always") as users:
        users.add_column(sa.Column("name", sa.String(10), nullable=False, server_default="x"))
'''


@pytest.fixture
def later(tmp_path, monkeypatch):
    """A Liqwatch of the future, whose migrations have one more step."""

    def become(step: str) -> None:
        folder = tmp_path / "later"
        shutil.copytree(state_schema.MIGRATIONS, folder)
        (folder / "versions" / "9998_later.py").write_text(step)
        monkeypatch.setattr(state_schema, "MIGRATIONS", folder)

    return become


def fill(session):
    session.add(User(user_id="a:1", created_wall_ms=1, seen_wall_ms=1))
    session.flush()
    common = {"kind": "k", "symbol": "S", "cooldown_s": 1, "to_channel": "inapp"}
    session.add(Rule(user_id="a:1", params={"x": 1}, created_ms=1, created_wall_ms=1, **common))


async def test_the_migrated_schema_is_that_of_the_tables(state):
    assert await state.run(lambda session: differences(session.connection())) == []


async def test_a_difference_would_be_seen(state):
    def drift(session):
        session.connection().exec_driver_sql("ALTER TABLE users ADD COLUMN extra INTEGER")
        return differences(session.connection())

    assert len(await state.run(drift)) == 1


async def test_opening_again_changes_nothing(state, state_url):
    await state.run(fill)
    await state.close()
    before = state.path.read_bytes()
    for _ in range(2):
        again = await StateStore.open(state_url)
        await again.close()
    assert state.path.read_bytes() == before


async def test_a_later_version_keeps_what_is_there(state, state_url, later):
    await state.run(fill)
    await state.close()
    later(LATER)
    again = await StateStore.open(state_url)
    assert (
        await again.read(lambda s: s.connection().exec_driver_sql("SELECT name FROM users").scalar()) == "x"
    )
    rule = await again.read(lambda session: session.get(Rule, 1))
    assert rule.params == {"x": 1}  # rebuilding `users` must not cascade into what refers to it
    await again.close()


FIRST_ROWS = """
INSERT INTO users VALUES ('a:1', 1, 1);
INSERT INTO rules VALUES (7, 'a:1', 'zone_proximity', 'S', '{"x": 1}', 1, 'inapp', '', 0, NULL, 'mine', 1, 1);
INSERT INTO rule_arms VALUES (7, 'z', 'warning', 'a:1', 5, 0);
"""


async def test_a_store_of_the_first_version_is_brought_up_with_what_is_in_it(
    state_url, tmp_path, monkeypatch
):
    folder = tmp_path / "first"
    shutil.copytree(state_schema.MIGRATIONS, folder)
    for later in (folder / "versions").glob("000[2-9]_*.py"):
        later.unlink()
    with monkeypatch.context() as past:
        past.setattr(state_schema, "MIGRATIONS", folder)
        old = await StateStore.open(state_url)
        await old.close()
    with closing(sqlite3.connect(old.path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        connection.executescript(FIRST_ROWS)
    new = await StateStore.open(state_url)
    rule = await new.read(lambda session: session.get(Rule, 7))
    assert (rule.params, rule.note, rule.ended_ms, rule.ended_reason) == ({"x": 1}, "mine", None, "")
    assert await new.read(lambda s: s.get(Arm, (7, "z", "warning")).fired_ms) == 5
    assert await new.run(lambda session: differences(session.connection())) == []
    await new.close()


async def test_a_migration_that_fails_leaves_the_file_as_it_was(state, state_url, later):
    await state.run(fill)
    await state.close()
    later(LATER + '    op.drop_table("nowhere")\n')
    with pytest.raises(Exception, match="nowhere"):
        await StateStore.open(state_url)
    with closing(sqlite3.connect(state.path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (NEWEST,)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(users)")]
    assert columns == ["user_id", "created_wall_ms", "seen_wall_ms"]


async def test_a_migration_that_orphans_rows_is_undone(state, state_url, later):
    await state.run(fill)
    await state.close()
    later(LATER + '    op.execute(sa.delete(sa.table("users")))\n')
    with pytest.raises(StoreCorrupt, match="without their owner"):
        await StateStore.open(state_url)
    with closing(sqlite3.connect(state.path)) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (1,)


async def test_a_newer_file_is_left_alone(state, state_url):
    await state.run(fill)
    await state.close()
    with closing(sqlite3.connect(state.path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = state.path.read_bytes()
    with pytest.raises(SchemaTooNew, match=r"9999.*Update Liqwatch"):
        await StateStore.open(state_url)
    assert state.path.read_bytes() == before


NEWER = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
with connection:
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
os.kill(os.getpid(), 9)
"""


async def test_a_newer_schema_that_is_still_in_the_log_is_left_alone(state, state_url, spawn):
    await state.run(fill)
    await state.close()
    spawn(NEWER, state.path).wait(10)
    log = state.path.with_name("state.db-wal")
    before = state.path.read_bytes(), log.read_bytes()
    assert before[1]
    with pytest.raises(SchemaTooNew, match="9999"):
        await StateStore.open(state_url)
    assert (state.path.read_bytes(), log.read_bytes()) == before


async def test_somebody_elses_file_is_left_alone(state_url, tmp_path):
    path = tmp_path / "data" / "state.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match="not a Liqwatch store"):
        await StateStore.open(state_url)
    assert path.read_bytes() == before


async def test_a_file_that_was_only_begun_is_completed(state_url, tmp_path):
    path = tmp_path / "data" / "state.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # a file of one page, without tables
    store = await StateStore.open(state_url)
    await store.run(fill)
    await store.close()


async def test_a_large_file_is_opened_without_reading_it_through(state, state_url, monkeypatch):
    await state.close()
    monkeypatch.setattr(state_schema, "CHECKED_BYTES", 10)
    again = await StateStore.open(state_url)
    await again.run(fill)
    await again.close()
