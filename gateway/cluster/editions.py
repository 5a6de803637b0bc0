"""From when on a new edition is written: once every node that is there knows it.

Each node publishes the edition that it knows with its lease, and learns with it what may be
written (``core.edition``, docs/decisions/0010). What was raised is never lowered: an older version
that comes back is refused.
"""

import asyncio

import structlog

from gateway.cluster.persistence import Persistence, Sleep
from gateway.core.edition import EDITION
from gateway.core.election import Look, Peer
from gateway.core.ids import NodeName
from gateway.flow.ledger import Ledger
from gateway.flow.writer import Writer
from gateway.store.takeover import Cluster

_log = structlog.get_logger("editions")


class Editions:
    """See the module's docstring. ``note`` is told of every look, ``run`` raises the edition."""

    def __init__(
        self,
        ledger: Ledger,
        writer: Writer,
        cluster: Cluster,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._cluster = cluster
        self._persistence = Persistence(writer, "a new edition", sleep=sleep)
        self._due = asyncio.Event()
        self._waits_for: list[NodeName] = []

    def note(self, look: Look) -> None:
        """What is there, and what may be written."""
        self._ledger.written = max(self._ledger.written, look.written)
        if self._ledger.written >= EDITION:
            return
        older = sorted(peer.node for peer in look.peers if _counts(peer) and peer.edition < EDITION)
        if older and older != self._waits_for:
            _log.info("nothing new is written yet: an older version runs", nodes=older)
        self._waits_for = older
        if not older:
            self._due.set()

    async def run(self) -> None:
        """Until cancelled. Raises ``Fenced``."""
        while True:
            await self._due.wait()
            self._due.clear()
            written = await self._persistence.surely(
                lambda term: self._cluster.raise_edition(term, EDITION)
            )
            if written > self._ledger.written:
                _log.info("every node runs the new version", edition=written)
                self._ledger.written = written


def _counts(peer: Peer) -> bool:
    return peer.state != "stopped" and not peer.fenced
