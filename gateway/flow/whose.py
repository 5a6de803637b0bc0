"""Whose a contact is: the one question that intake asks the cluster.

A case is written by the node that has its open items; without any by its customer's home. What
this node has open it decides about without asking; for anything else the database says who does,
in a statement that claims what is nobody's. A contact that is somebody else's is passed on, never
decided (docs/decisions/0005).
"""

from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

import structlog
from msgspec import Struct

from gateway.core.errors import GatewayError, Refused
from gateway.core.ids import CaseId, CustomerId, InboundId, ItemId, NodeName
from gateway.flow.departures import Departures
from gateway.flow.ledger import Ledger
from gateway.store.contacts import Contacts, Older
from gateway.store.contract import CommitUnknown, Fenced, Received, Stored, Term, Unavailable

T = TypeVar("T")
_log = structlog.get_logger("intake")


class Elsewhere(GatewayError):
    """Another node decides about it."""

    def __init__(self, node: NodeName) -> None:
        super().__init__(node)
        self.node = node


class Licence(Struct, frozen=True, kw_only=True):
    """That we decide about a case.

    ``open``: for as long as we have open items of it. ``claimed``: another node may have changed it
    until now.
    """

    case: CaseId
    open: bool = False
    claimed: bool = False


class Whose:
    """See the module's docstring. ``passed`` counts contacts that were passed on.

    ``term`` gives what this node may write under. Without ``contacts`` there are no other nodes,
    and everything is ours. ``alone`` says that there never was another node.
    """

    def __init__(
        self,
        ledger: Ledger,
        term: Callable[[], Awaitable[Term]],
        departures: Departures,
        contacts: Contacts | None,
    ) -> None:
        self.passed = 0
        self.alone: Callable[[], bool] = lambda: False
        self.departures = departures
        self._ledger = ledger
        self._term = term
        self._contacts = contacts

    async def waiting(self, known: Collection[InboundId]) -> list[Received]:
        """What is ours to decide about and not known. Raises ``Unavailable``."""
        if self._contacts is None:
            return []
        return await self._contacts.waiting(self._ledger.state.node, known)

    async def older(self, stored: Stored) -> Older | None:
        """What the same customer sent before and nobody has decided about yet, wherever it waits.

        Raises ``Unavailable``.
        """
        if self._contacts is None or stored.customer is None:
            return None
        return await self._contacts.older(stored.id)

    async def license(self, case: CaseId) -> Licence:
        """Leave to change a case; what is read of it from now on is as nobody else changes it.

        To be used, with ``holds``, in the turn of the loop in which it was given or after reading.
        Raises ``Elsewhere``, and ``Unavailable`` while it is on its way to us: ask again.
        """
        if self._contacts is None:
            return Licence(case=case)
        if self._has_open(case):
            return Licence(case=case, open=True)
        decider = await self._contacts.decider(await self._term(), case)
        if decider.node != self._ledger.state.node:
            raise Elsewhere(decider.node)
        if not decider.has_open:
            return Licence(case=case, claimed=True)
        if self._has_open(case):
            return Licence(case=case, open=True)
        # What was closed here a moment ago is open on disk until that has landed; what comes
        # from another node is here on disk before we have been told.
        await self._ledger.committed(self._ledger.position)
        raise Unavailable("its items are about to come or go")

    async def license_customer(self, customer: CustomerId) -> None:
        """Leave to open a case of this customer; to be used as that of ``license`` is.

        Raises ``Elsewhere``, ``Unavailable``.
        """
        if self._contacts is None or self._ledger.state.items_of_customer(customer):
            return
        node = await self._contacts.home(await self._term(), customer)
        if node != self._ledger.state.node:
            raise Elsewhere(node)

    async def owner(self, item: ItemId) -> NodeName | None:
        """Which node decides about an open item. Raises ``Unavailable``."""
        if self._contacts is None or item in self._ledger.state.items:
            return self._ledger.state.node if item in self._ledger.state.items else None
        return await self._contacts.owner(item)

    def holds(self, licence: Licence) -> bool:
        """Whether it still is good."""
        return not licence.open or self._has_open(licence.case)

    def _has_open(self, case: CaseId) -> bool:
        return bool(self._ledger.state.items_of_case(case))

    async def pass_on(self, inbound: InboundId, to: NodeName) -> NodeName:
        """Have that node decide about it, or who acts in its place; whose it is now.

        Raises as ``Contacts.pass_on``: repeat it until it answers, for it may have been done.
        """
        if self._contacts is None:
            return self._ledger.state.node
        node = await self._contacts.pass_on(await self._term(), inbound, to)
        if node != self._ledger.state.node:
            self.passed += 1
            _log.info("passed on", inbound=inbound, to=node)
        return node


async def licensed(
    whose: Whose,
    case: CaseId,
    look: Callable[[CaseId], Awaitable[T]],
    *,
    customer: Callable[[T], str | None],
) -> T:
    """What ``look`` finds of a case, for somebody who changes it in the same turn of the loop.

    ``customer`` tells whose case it is that was found: it leaves this node with them. Raises
    ``Elsewhere`` where the case is another node's, and ``Refused`` where that is not to be known
    just now.
    """
    stamp = whose.departures.stamp()
    try:
        licence = await whose.license(case)
    except (Unavailable, CommitUnknown, Fenced) as error:
        raise Refused("unavailable", "it is not known whose the case is; try again") from error
    found = await look(case)
    if whose.departures.since((case, customer(found)), stamp) or not whose.holds(licence):
        raise Refused("unavailable", "the case changes hands just now; try again")
    return found
