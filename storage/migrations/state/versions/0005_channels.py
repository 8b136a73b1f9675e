"""Keep the channels that users set up themselves, and what proves that they are theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channels",
        number("channel_id"),
        owner(),
        text("kind", 32),
        text("address", 4096),
        text("secret", 512),
        text("mark", 64),
        text("label", 40),
        sa.Column("severities", sa.JSON(), nullable=False),
        *(big(name) for name in ("position", "created_wall_ms")),
        big("verified_wall_ms", nullable=True),
        text("off_reason", 200),
        *(big(name, nullable=True) for name in ("ok_wall_ms", "failed_wall_ms")),
        text("failed_reason", 200),
        sqlite_autoincrement=True,
    )
    channel = sa.ForeignKey("channels.channel_id", ondelete="CASCADE")
    integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "channel_codes",
        sa.Column("channel_id", integer, channel, primary_key=True),
        owner(),
        text("digest", 64),
        big("until_wall_ms"),
        big("tries"),
    )
    op.create_table(
        "code_marks",
        number("mark_id"),
        text("mark", 64, index=True),
        big("until_wall_ms", index=True),
        sa.Column("refused", sa.Boolean(), nullable=False),
    )


def number(name: str) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=True)


def owner() -> sa.Column[str]:
    reference = sa.ForeignKey("users.user_id", ondelete="CASCADE")
    return sa.Column("user_id", sa.String(128), reference, nullable=False, index=True)


def big(name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, index=index)


def text(name: str, length: int, *, index: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, index=index)
