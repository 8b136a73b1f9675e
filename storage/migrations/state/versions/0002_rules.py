"""Let rules end, and keep what evaluating them remembers, what is shared, and what was found useful."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ends()
    remembered()
    follow_ups()
    shares()
    labels()


def big(name: str, *, nullable: bool = False, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, primary_key=primary_key)


def text(
    name: str, length: int, *, primary_key: bool = False, index: bool = False, default: str | None = None
) -> sa.Column[str]:
    return sa.Column(
        name,
        sa.String(length),
        nullable=False,
        primary_key=primary_key,
        index=index,
        server_default=default,
    )


def owner(*, primary_key: bool = False) -> sa.Column[str]:
    reference = sa.ForeignKey("users.user_id", ondelete="CASCADE")
    return sa.Column(
        "user_id",
        sa.String(128),
        reference,
        primary_key=primary_key,
        nullable=False,
        index=not primary_key,
    )


def rule(*, primary_key: bool = False) -> sa.Column[int]:
    reference = sa.ForeignKey("rules.rule_id", ondelete="CASCADE")
    return sa.Column(
        "rule_id",
        sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
        reference,
        primary_key=primary_key,
        nullable=False,
        index=not primary_key,
    )


def ends() -> None:
    op.add_column("rules", big("ended_ms", nullable=True))
    op.add_column("rules", text("ended_reason", 32, default=""))


def remembered() -> None:
    op.create_table(
        "feature_values",
        text("key", 160, primary_key=True),
        text("symbol", 32, index=True),
        sa.Column("value", sa.Double(), nullable=False),
        big("at_ms"),
        big("epoch"),
    )
    op.create_table(
        "rule_memory",
        rule(primary_key=True),
        text("what", 8, primary_key=True),
        big("place", primary_key=True),
        owner(),
        text("key", 160),
        sa.Column("value", sa.Double(), nullable=False),
        big("since_ms"),
        big("leaf"),
        big("epoch"),
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "waiting_hits",
        sa.Column("hit_id", number, primary_key=True, autoincrement=True),
        rule(),
        owner(),
        sa.Column("hit", sa.JSON(), nullable=False),
        big("epoch"),
    )


def follow_ups() -> None:
    reference = sa.ForeignKey("alerts.alert_id", ondelete="CASCADE")
    op.create_table(
        "follow_ups",
        sa.Column("alert_id", sa.String(64), reference, primary_key=True, nullable=False),
        owner(),
        text("symbol", 32),
        text("side", 8),
        big("since_ms"),
        sa.Column("due_ms", sa.BigInteger(), nullable=False, index=True),
        sa.Column("predicted_usd", sa.Double(), nullable=False),
        big("epoch"),
    )


def shares() -> None:
    op.create_table(
        "shares",
        text("code", 64, primary_key=True),
        owner(),
        sa.Column("payload", sa.JSON(), nullable=False),
        big("created_wall_ms"),
    )


def labels() -> None:
    op.create_table(
        "labels",
        text("alert_id", 64, primary_key=True),
        owner(primary_key=True),
        sa.Column("useful", sa.Boolean(), nullable=False),
        big("at_wall_ms"),
    )
