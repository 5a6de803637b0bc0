from tests.support.database import database, postgres_server
from tests.support.databases import connect, empty_database

__all__ = ["connect", "database", "empty_database", "postgres_server"]
