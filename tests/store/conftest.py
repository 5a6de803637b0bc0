from tests.support.patroni import cluster, rig

__all__ = ["cluster", "rig"]
