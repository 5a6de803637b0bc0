from tests.support.database import database, incarnations, postgres_server, store

__all__ = ["database", "incarnations", "postgres_server", "store"]
