from tests.support.database import database, incarnations, postgres_server, store
from tests.support.patroni import cluster, rig

__all__ = ["cluster", "database", "incarnations", "postgres_server", "rig", "store"]
