"""What taking over asks of the store (docs/decisions/0005). ``contract`` has the rest.

Everything that writes requires the caller's own epoch and raises ``Fenced`` without it. All but
``fence`` may be repeated, and is, after ``CommitUnknown``: it has its effect once.
"""

from typing import Protocol

from msgspec import Struct

from gateway.core.election import Peer
from gateway.core.ids import NodeName
from gateway.core.model import AgentStatus, Case, Item, Outgoing
from gateway.store.contract import Received, Term


class Estate(Struct, frozen=True, kw_only=True):
    """A part of what a fenced node had open, one kind at a time, as the tables have it.

    ``items`` come with the headers of their cases and what is still to leave for these.
    """

    statuses: tuple[AgentStatus, ...] = ()
    items: tuple[tuple[Item, Case], ...] = ()
    outbox: tuple[Outgoing, ...] = ()
    received: tuple[Received, ...] = ()

    @property
    def count(self) -> int:
        return len(self.statuses) + len(self.items) + len(self.outbox) + len(self.received)


class Cluster(Protocol):
    """The nodes among each other."""

    async def row_of(self, node: NodeName) -> Peer | None:
        """What is known of a node; ``None``: there never was one of that name."""
        ...

    async def require_known(self) -> int:
        """The edition that may be written; to be asked after our lease was written.

        Raises ``TooOld`` if this version does not know it.
        """
        ...

    async def raise_edition(self, term: Term, wanted: int) -> int:
        """Which edition may be written now: ``wanted``, if every node there is knows that."""
        ...

    async def leave(self, term: Term) -> None:
        """Say that this node stops on purpose: whoever starts it again need not wait."""
        ...

    async def fence(self, term: Term, dead: Peer) -> bool:
        """Raise the epoch of ``dead`` if it is still as it was seen, and become its heir.

        From then on its old self has no effect. Of several who try one wins; false: not we.
        Raises ``CommitUnknown``: look whose heir it has.
        """
        ...

    async def inherit(self, term: Term, dead: NodeName) -> None:
        """Become heir of those whose heir ``dead`` was: its takeovers that stopped half way.

        If our own was among them it is ours again. Does nothing when we are not, or not any
        more, the heir of ``dead``.
        """
        ...

    async def estate(self, dead: NodeName) -> Estate:
        """The next part of what ``dead`` has open: agents first, then items, then the rest.

        Items bring what is still to leave in their cases: whatever is said there next, by a rule
        that looks at them say, stands behind it.

        Empty: nothing is left. It stays as it is until its heir adopts it.
        """
        ...

    async def adopt(self, term: Term, dead: NodeName, part: Estate) -> None:
        """Have the rows of ``part`` in our hands; the documents stay as they are."""
        ...

    async def adopt_quiet(self, term: Term, dead: NodeName) -> int:
        """The same for rows that no node keeps in memory; how many, 0: none are left."""
        ...

    async def end(self, term: Term, dead: NodeName) -> None:
        """Nothing is left: ``dead`` has no heir any more and may begin again."""
        ...
