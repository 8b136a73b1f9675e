"""Keep the questions that somebody is asked, and what they answered so far."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    owner = sa.ForeignKey("users.user_id", ondelete="CASCADE")
    op.create_table(
        "dialogues",
        sa.Column("user_id", sa.String(128), owner, nullable=False, primary_key=True),
        sa.Column("place", sa.String(128), nullable=False, primary_key=True),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at_wall_ms", sa.BigInteger(), nullable=False),
    )
