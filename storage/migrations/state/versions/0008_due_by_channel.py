"""Let a worker find what is due on one channel without looking at what waits for the others."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_deliveries_channel_due", "deliveries", ["channel", "state", "priority", "next_wall_ms"]
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_channel_due", table_name="deliveries")
