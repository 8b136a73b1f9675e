"""Keep what servers and groups set, which places are theirs, and what is posted there again and again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "servers",
        owner(primary_key=True),
        sa.Column("values", sa.JSON(), nullable=False),
        text("away_reason", 200),
    )
    op.create_table(
        "server_places",
        sa.Column("channel", sa.String(32), primary_key=True, nullable=False),
        sa.Column("place", sa.String(256), primary_key=True, nullable=False),
        owner(),
    )
    op.create_table(
        "reports",
        number("report_id"),
        owner(),
        text("server_id", 128, index=True),
        text("kind", 16),
        text("symbol", 32),
        *(big(name) for name in ("window_ms", "every_s", "at_min")),
        text("to_channel", 32),
        text("to_place", 256),
        text("post", 8),
        text("off_reason", 200),
        big("next_ms", index=True),
        big("posted_wall_ms", nullable=True),
        big("number"),
        sa.Column("alert_id", sa.String(64), nullable=True),
        big("created_wall_ms"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reports_place", "reports", ["to_channel", "to_place"])


def number(name: str) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=True)


def owner(*, primary_key: bool = False) -> sa.Column[str]:
    reference = sa.ForeignKey("users.user_id", ondelete="CASCADE")
    return sa.Column(
        "user_id", sa.String(128), reference, nullable=False, primary_key=primary_key, index=not primary_key
    )


def big(name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, index=index)


def text(name: str, length: int, *, index: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, index=index)
