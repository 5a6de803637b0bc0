"""Processor time of nodes and databases that die and begin again while it is measured."""

import asyncio
from typing import TYPE_CHECKING, Never

from bench.measure import cpu_seconds, tree

if TYPE_CHECKING:
    from bench.load.town.people import Town
    from tests.support.patroni import PatroniCluster
    from tests.support.regions import Regions

LOOK_SECONDS = 1.0


class Spent:
    """By part, the last that was seen of each process: up to a second before it died is missing."""

    def __init__(self, cluster: "PatroniCluster") -> None:
        self._cluster = cluster
        self._seen: dict[str, dict[int, float]] = {"node": {}, "postgres": {}, "generator": {}}

    async def watch(self, both: "Regions", outside: "Town") -> Never:
        """Look once a second until cancelled."""
        while True:
            self._look("node", [one.node.pid for one in both.regions])
            servers = [pid for member in self._cluster.members for pid in member.postgres()]
            self._look("postgres", servers)
            self._look("generator", [pid for root in outside.pids for pid in tree(root)])
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self, part: str, pids: "list[int] | list[int | None]") -> None:
        for pid in pids:
            if pid is not None:
                self._seen[part][pid] = max(cpu_seconds([pid]), self._seen[part].get(pid, 0.0))

    def seconds(self) -> dict[str, float]:
        """What was spent, by part."""
        return {**{part: sum(seen.values()) for part, seen in self._seen.items()}, "peers": 0.0}
