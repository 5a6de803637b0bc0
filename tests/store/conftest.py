from tests.support.database import database, incarnations, postgres_server, store
from tests.support.databases import connect, empty_database
from tests.support.patroni import cluster, rig

__all__ = [
    "cluster",
    "connect",
    "database",
    "empty_database",
    "incarnations",
    "postgres_server",
    "rig",
    "store",
]
