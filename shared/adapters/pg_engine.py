"""SQLAlchemy's engine for a database, from the URL that all of the product takes."""

from typing import Any

from sqlalchemy import Engine, create_engine

from shared.adapters import cloud_sql
from shared.adapters.pg_connection import ANSWER_TIMEOUT_SECONDS


def engine_of(url: str, *, connect: cloud_sql.Connect | None = None, **options: Any) -> Engine:
    """An engine; `connect` replaces Cloud SQL's connector, `options` are SQLAlchemy's."""
    timeout = {"timeout": ANSWER_TIMEOUT_SECONDS}
    if not cloud_sql.is_cloud_sql(url):
        return create_engine(url, connect_args=timeout, **options)
    return create_engine(
        "postgresql+pg8000://",
        creator=lambda: cloud_sql.connect(url, connect, **timeout),
        **options,
    )
