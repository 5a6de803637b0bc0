"""Giving work to somebody who is at home at another node: the item goes there with the wish."""

from collections.abc import Collection
from typing import Protocol

import structlog

from gateway.cluster.handover import Handover
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.hands import give_back, profile_of
from gateway.core.ids import AgentName, CommandId, ItemId, NodeName
from gateway.core.model import AgentStatus, Item, ItemState
from gateway.core.moving import Sent, nobody
from gateway.flow.node import Node
from gateway.store.contract import Unavailable
from gateway.store.handover import Wish

_log = structlog.get_logger("sending")


class Presences(Protocol):
    """Agents as they were last written, wherever they are."""

    async def statuses(self, names: Collection[AgentName]) -> dict[AgentName, AgentStatus]: ...


async def home_of(presences: Presences, agent: AgentName) -> NodeName | None:
    """Where the agent is at home, by the row. Raises ``Refused``."""
    try:
        status = (await presences.statuses([agent])).get(agent)
    except Unavailable as error:
        raise Refused("unavailable", "the database does not answer; try again") from error
    return status.home if status is not None else None


class Sending:
    """See the module's docstring."""

    def __init__(self, node: Node, handover: Handover, presences: Presences) -> None:
        self.sent = 0
        self._ledger = node.ledger
        self._handover = handover
        self._presences = presences

    async def home(self, agent: AgentName) -> NodeName | None:
        """The other node where the agent is at home; ``None``: here, or nowhere.

        Raises ``Refused``.
        """
        state = self._ledger.state
        profile_of(state, agent)
        if state.is_home_of(agent):
            return None
        home = await home_of(self._presences, agent)
        return None if home == state.node else home

    async def send(self, item: ItemId, wanted: Sent) -> None:
        """Have it assigned there, beginning in this turn of the loop.

        Raises ``Refused``: ``unavailable`` if that node does not serve, ``busy`` if the item
        cannot leave just now.
        """
        agent, home = wanted.agent, wanted.home
        peer = self._handover.peer(home)
        if peer is None:
            raise Refused("unavailable", f"{home}, where {agent} is, does not serve just now")
        found = self._ledger.state.items.get(item)
        if found is None:
            raise Refused("unavailable", "the item changes hands just now; try again")
        why = f"assigned by {wanted.by}"
        if wanted.reason:
            why += f": {wanted.reason}"
        self._handover.check(item)
        if changes := _taken_out_of_hand(found, why):
            self._ledger.record(changes)
        wish = Wish(
            item=item,
            agent=agent,
            by=wanted.by,
            how="assign",
            reason=wanted.reason,
            command=CommandId(wanted.once),
        )
        await self._handover.hand_over(
            [item], to=home, to_epoch=peer.fence, reason=why, may_follow=nobody, wish=wish
        )
        self.sent += 1


def _taken_out_of_hand(item: Item, why: str) -> list[e.Change]:
    """An item that nobody holds any more may leave alone. Raises ``Refused``."""
    if item.state is ItemState.WRAPPING:
        raise Refused("wrong_state", "the item is done and in wrap-up", "id")
    if item.state is ItemState.ASSIGNED and item.agent is not None:
        return give_back(item, item.agent, why)
    if item.state in (ItemState.HELD, ItemState.SCHEDULED):
        return [e.Change(e.ItemQueued(item=item.id, queue=item.queue, reason=why))]
    return []
