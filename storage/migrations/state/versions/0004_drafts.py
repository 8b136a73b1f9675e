"""Keep alerts that were shown and wait to be saved."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    owner = sa.ForeignKey("users.user_id", ondelete="CASCADE")
    op.create_table(
        "drafts",
        sa.Column("draft_id", sa.String(16), nullable=False, primary_key=True),
        sa.Column("user_id", sa.String(128), owner, nullable=False, index=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("made_wall_ms", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=True),
    )
