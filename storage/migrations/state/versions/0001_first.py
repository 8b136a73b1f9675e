"""Lay out everything that users own."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    users()
    rules()
    pipeline()
    alerts()
    outbox()


def big(
    name: str, *, nullable: bool = False, primary_key: bool = False, index: bool = False
) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, primary_key=primary_key, index=index)


def text(name: str, length: int, *, nullable: bool = False, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=nullable, primary_key=primary_key)


def key(name: str) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=True)


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


def rule() -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("rule_id", number, sa.ForeignKey("rules.rule_id", ondelete="CASCADE"), primary_key=True)


def alert() -> sa.Column[str]:
    reference = sa.ForeignKey("alerts.alert_id", ondelete="CASCADE")
    return sa.Column("alert_id", sa.String(64), reference, nullable=False, index=True)


def document(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=False)


def users() -> None:
    op.create_table(
        "users", text("user_id", 128, primary_key=True), big("created_wall_ms"), big("seen_wall_ms")
    )
    op.create_table("settings", owner(primary_key=True), document("values"))
    op.create_table("notes", text("name", 64, primary_key=True), document("value"))


def rules() -> None:
    op.create_table(
        "rules",
        key("rule_id"),
        owner(),
        text("kind", 32),
        sa.Column("symbol", sa.String(32), nullable=False, index=True),
        document("params"),
        big("cooldown_s"),
        text("to_channel", 32),
        text("to_place", 256),
        sa.Column("paused", sa.Boolean(), nullable=False),
        big("snoozed_until_ms", nullable=True),
        text("note", 400),
        big("created_ms"),
        big("created_wall_ms"),
        sqlite_autoincrement=True,
    )


def pipeline() -> None:
    op.create_table(
        "rule_arms",
        rule(),
        text("subject", 96, primary_key=True),
        text("severity", 16, primary_key=True),
        owner(),
        big("fired_ms"),
        big("epoch"),
    )
    op.create_table(
        "cooldowns",
        rule(),
        text("subject", 96, primary_key=True),
        owner(),
        text("severity", 16),
        big("until_ms"),
        big("epoch"),
    )
    op.create_table(
        "daily_counts",
        owner(primary_key=True),
        text("day", 10, primary_key=True),
        big("epoch", primary_key=True),
        big("sent"),
    )
    op.create_table(
        "episodes",
        owner(primary_key=True),
        text("symbol", 32, primary_key=True),
        text("direction", 8, primary_key=True),
        text("audience", 300, primary_key=True),
        text("alert_id", 64),
        text("severity", 16),
        big("opened_ms"),
        big("last_ms"),
        big("folded"),
        big("epoch"),
    )


def alerts() -> None:
    op.create_table(
        "alerts",
        text("alert_id", 64, primary_key=True),
        sa.Column("fire_id", sa.String(64), nullable=False, unique=True),
        owner(),
        big("rule_id", index=True),
        text("kind", 32),
        text("symbol", 32),
        text("severity", 16),
        text("subject", 96),
        text("audience", 300),
        big("market_ms"),
        big("wall_ms"),
        sa.Column("price", sa.Double(), nullable=False),
        sa.Column("action", sa.String(16), nullable=False, index=True),
        text("reason", 200),
        big("hold_until_ms", nullable=True),
        text("carrier_id", 64, nullable=True),
        document("facts"),
        big("epoch"),
        sa.Index("ix_alerts_user_market", "user_id", "market_ms"),
    )
    op.create_table(
        "alert_steps",
        key("step_id"),
        alert(),
        owner(),
        big("at_ms"),
        text("stage", 32),
        text("action", 16),
        text("reason", 200),
    )


def outbox() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "deliveries",
        key("delivery_id"),
        text("key", 64),
        big("revision"),
        alert(),
        owner(),
        text("channel", 32),
        text("destination", 256),
        text("severity", 16),
        big("priority"),
        text("state", 16),
        text("reason", 200),
        big("attempts"),
        document("message"),
        text("remote_id", 128, nullable=True),
        *(big(name) for name in ("market_ms", "created_wall_ms", "next_wall_ms")),
        big("lease_wall_ms", nullable=True),
        text("lease_owner", 64, nullable=True),
        big("expires_wall_ms", nullable=True),
        big("epoch"),
        sa.UniqueConstraint("key", "revision", name="uq_deliveries_key_revision"),
        sa.Index("ix_deliveries_due", "state", "priority", "next_wall_ms"),
    )
    op.create_table(
        "delivery_events",
        key("event_id"),
        sa.Column(
            "delivery_id",
            number,
            sa.ForeignKey("deliveries.delivery_id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        owner(),
        big("wall_ms"),
        text("from_state", 16),
        text("to_state", 16),
        text("reason", 200),
    )
