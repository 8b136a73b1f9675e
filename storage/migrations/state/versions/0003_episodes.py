"""Note when an episode's last critical came, and find what a message carries without reading all."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("episodes", sa.Column("critical_ms", sa.BigInteger(), nullable=True))
    op.create_index("ix_alerts_carrier", "alerts", ["carrier_id"])
    op.create_index("ix_alerts_user_action", "alerts", ["user_id", "action"])
    op.create_index("ix_deliveries_user_market", "deliveries", ["user_id", "market_ms"])
