from tests.support.database import database, postgres_server, store

__all__ = ["database", "postgres_server", "store"]
