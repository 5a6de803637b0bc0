from tests.support.database import database, postgres_server

__all__ = ["database", "postgres_server"]
