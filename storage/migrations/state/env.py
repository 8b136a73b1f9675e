"""Run the state store's migrations on the connection that `storage.state_schema` hands over."""

from alembic import context

from storage.tables import Base


def migrate() -> None:
    """Apply what is missing, in one transaction, in batch mode (SQLite cannot alter tables in place)."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


migrate()
