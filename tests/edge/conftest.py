"""A real database for the tests that start nodes over it."""

from tests.support.database import database, postgres_server

__all__ = ["database", "postgres_server"]
