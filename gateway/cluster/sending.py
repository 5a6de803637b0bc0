"""Giving work to somebody who is at home at another node: the item goes there with the wish.

Who is at home nowhere may be given work all the same, and signs in at any node: what was assigned
meanwhile follows them there, else nobody would ever see it.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Never, Protocol

import structlog

from gateway.cluster.handover import Handover
from gateway.cluster.persistence import Sleep
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.hands import give_back, profile_of
from gateway.core.ids import AgentName, CommandId, ItemId, NodeName
from gateway.core.model import AgentStatus, Case, Item, ItemState
from gateway.core.moving import Sent, nobody
from gateway.core.waking import reopened
from gateway.flow.node import Node
from gateway.store.contract import Unavailable
from gateway.store.handover import Wish

LOOK_SECONDS = 1.0
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
    """See the module's docstring; ``run`` looks where they are who were nowhere."""

    def __init__(
        self,
        node: Node,
        handover: Handover,
        presences: Presences,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.sent = 0
        self._sleep = sleep
        self._ledger = node.ledger
        self._handover = handover
        self._presences = presences
        self._strays = {item: None for item in self._ledger.state.items if self._holder(item)}
        self._ledger.observe(self._note)

    async def run(self) -> Never:
        """Until cancelled."""
        while True:
            await self._sleep(LOOK_SECONDS)  # who signs in elsewhere is seen in the database
            with suppress(Unavailable):
                await self.look()

    async def look(self) -> None:
        """Send what is assigned to somebody who is at home elsewhere by now.

        Raises ``Unavailable``.
        """
        strays = {item: who for item in self._strays if (who := self._holder(item)) is not None}
        self._strays = dict.fromkeys(strays)
        if not strays:
            return
        statuses = await self._presences.statuses(set(strays.values()))
        for item, agent in strays.items():
            home = statuses[agent].home if agent in statuses else None
            if home in (None, self._ledger.state.node) or self._holder(item) != agent:
                continue
            said = self._ledger.state.items[item].reason
            wanted = Sent(agent=agent, home=home, by=AgentName("system"), reason=said)
            with suppress(Refused):
                await self.send(item, wanted)

    def _note(self, entry: e.Entry) -> None:
        if type(entry.event) is e.ItemAssigned and self._holder(entry.event.item) is not None:
            self._strays[entry.event.item] = None

    def _holder(self, item: ItemId) -> AgentName | None:
        """To whom it is assigned, if that is nobody of this node."""
        found = self._ledger.state.items.get(item)
        if found is None or found.state is not ItemState.ASSIGNED or found.agent is None:
            return None
        return None if self._ledger.state.is_home_of(found.agent) else found.agent

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
        if changes := _taken_out_of_hand(found, self._ledger.state.cases[found.case], why):
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


def _taken_out_of_hand(item: Item, case: Case, why: str) -> list[e.Change]:
    """An item that nobody holds any more may leave alone. Raises ``Refused``."""
    if item.state is ItemState.WRAPPING:
        raise Refused("wrong_state", "the item is done and in wrap-up", "id")
    if item.state is ItemState.ASSIGNED and item.agent is not None:
        return give_back(item, item.agent, why)
    if item.state in (ItemState.HELD, ItemState.SCHEDULED):
        back = e.Change(e.ItemQueued(item=item.id, queue=item.queue, reason=why))
        return [back, *reopened(case, why)]
    return []
