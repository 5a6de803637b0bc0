"""Overflow: a waiting item goes where somebody is free, by request and grant.

A node whose item waits longer than its queue allows asks the node that seems to have somebody.
That one keeps an agent free for two seconds and says so; then the item is handed over and offered
there at once. No grant, no move. So two nodes never count on the same agent, and nothing is sent
to wait elsewhere. With ``overflow_after = 0`` all nodes are one pool, whose order is that of one
queue but for the second by which nodes know of each other.

Whatever the queue says: what nobody at its node could ever get, because nobody who could is signed
in there, goes to a node where somebody is, and waits there if all are busy.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog
from msgspec.structs import replace

from gateway.cluster.asking import Asking
from gateway.cluster.capacity import Publication
from gateway.cluster.gate import boottime
from gateway.cluster.handover import Handover
from gateway.cluster.seeking import Seeking, tied
from gateway.cluster.sending import Presences
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ItemId, NodeName
from gateway.core.model import Item, ItemState
from gateway.core.moving import nobody
from gateway.core.overflow import (
    Choice,
    Granted,
    Wanted,
    choose,
    choose_crew,
    keeps_back,
    wanted,
)
from gateway.core.pool import NodeCapacity
from gateway.core.reservation import SECONDS, Reservation
from gateway.core.routing.fit import NO_CAPACITY, RESERVED, lacks, pass_ends, unavailable
from gateway.core.routing.need import Need
from gateway.flow.naps import news_within
from gateway.flow.node import Node
from gateway.flow.tasks import Tasks
from gateway.store.contract import Unavailable

KIND = "overflow"
LOOK_SECONDS = 0.25
"""Between two looks while something waits that may go."""
ASK_SECONDS = 3.0
REFUSED_SECONDS = 1.0
"""A node that had nobody is not asked for the same again before it has published anew."""
WAIT_SECONDS = 1.0
"""The same while something waits that may go only if it is stranded."""
DESERTED_SECONDS = 30.0
"""For how long nobody has been here who could get it: a desktop that reconnects is back by then."""
MOST_AT_ONCE = 32
MOST_LOOKED_AT = 200
"""Items of one need in one look; what stands behind them has less right to go."""
NOTES = 2_000

_log = structlog.get_logger("overflow")


class Overflow:
    """Works until cancelled. ``asked``, ``granted`` and ``moved`` count.

    ``accepts`` says whether this node still takes anything: not when it is about to leave.
    ``presences`` tells where the agent is who had an item's case last.
    """

    def __init__(
        self,
        node: Node,
        figures: Publication,
        asking: Asking,
        handover: Handover,
        region: str,
        *,
        accepts: Callable[[], bool] = lambda: True,
        presences: Presences | None = None,
        monotonic: Callable[[], float] = boottime,
    ) -> None:
        self.asked = self.granted = self.moved = 0
        self._node = node
        self._ledger = node.ledger
        self._state = node.ledger.state
        self._engine = node.router.engine
        self._figures = figures
        self._asking = asking
        self._handover = handover
        self._region = region
        self._accepts = accepts
        self._presences = presences
        self._monotonic = monotonic
        self._busy: set[ItemId] = set()
        self._promised: defaultdict[NodeName, deque[float]] = defaultdict(deque)
        self._refused: dict[tuple[NodeName, Need], float] = {}
        self._notes: dict[ItemId, tuple[float, str]] = {}
        self._deserted: dict[Need, tuple[float, bool]] = {}
        self._news = asyncio.Event()
        self._tasks = Tasks("overflow")
        self.seeking: Seeking | None = None
        if presences is not None:
            self.seeking = Seeking(node, asking, handover, presences, monotonic)
        asking.serve(KIND, self._grant)
        node.ledger.observe(self._note)

    def _note(self, entry: e.Entry) -> None:
        for row in entry.rows:
            if type(row) is Item and row.state is ItemState.QUEUED:
                self._news.set()

    @property
    def sought(self) -> int:
        """What went to another node because it is for somebody there."""
        return self.seeking.sent if self.seeking is not None else 0

    async def run(self) -> None:
        async with self._tasks, asyncio.TaskGroup() as group:
            if self.seeking is not None:
                group.create_task(self.seeking.run(), name="seeking")
            while True:
                self._news.clear()
                await self._routed()
                await news_within(self._news, self._look())

    async def _routed(self) -> None:
        """What has just come is first offered here; what has just become free has work here."""
        for _ in range(100):
            if not self._engine.pending:
                return
            await asyncio.sleep(0)

    # -- who asks ---------------------------------------------------------------------------

    def _look(self) -> float | None:
        """Ask for what may go; in how many seconds to look again, ``None``: when there is news."""
        again: float | None = None
        others = self._others()
        needs = list(self._engine.pool.waiting_needs())
        self._deserted = {need: known for need, known in self._deserted.items() if need in needs}
        for need in needs:
            queue = self._state.queues.get(need.queue)
            if queue is None:
                continue
            stranded = self._is_stranded(need)
            if stranded or queue.overflow_after is not None:
                again = LOOK_SECONDS
                if others:
                    self._ask_for(need, others, stranded=stranded)
            else:
                again = again or WAIT_SECONDS
        return again

    def _is_stranded(self, need: Need) -> bool:
        """Nobody is signed in here, nor was lately, who could ever get such an item."""
        if self._figures.tally.serves(need):
            self._deserted.pop(need, None)
            return False
        at = self._monotonic()
        known = self._deserted.get(need)
        if known is None or at - known[0] >= WAIT_SECONDS:
            known = self._deserted[need] = at, not self._is_served(need, DESERTED_SECONDS)
        return known[1]

    def _last_agent(self, question: Wanted, now: datetime) -> AgentName | None:
        """The one who knows the matter, if free here and fit for it."""
        last = question.last_agent
        profile = self._state.profiles.get(last) if last is not None else None
        if last is None or profile is None or lacks(profile, question.need):
            return None
        if any(p.agent == last and now < pass_ends(p) for p in question.passed):
            return None
        return last if unavailable(self._state, last, question.need) is None else None

    def _is_served(self, need: Need, lately: float) -> bool:
        """Exactly: the figures know nothing of combinations of skills, nor who is back at once."""
        state = self._state
        since = self._ledger.clock.now() - timedelta(seconds=lately)
        return any(
            (status.tabs or (status.dropped_at is not None and status.dropped_at > since))
            and name not in state.closed
            and lacks(profile, need) is None
            for name, status in state.statuses.items()
            if (profile := state.profiles.get(name)) is not None
        )

    def _others(self) -> list[NodeCapacity]:
        """Those that serve: what leaves takes nothing."""
        return [o for o in self._figures.others() if self._handover.peer(o.node) is not None]

    def _ask_for(
        self, need: Need, others: Sequence[NodeCapacity], *, stranded: bool = False
    ) -> None:
        now = self._ledger.clock.now()
        queue = self._state.queues[need.queue]
        for looked, item in enumerate(self._engine.pool.waiting_items(need)):
            choice = self._choice(need, others, stranded=stranded)
            if choice.node is None or len(self._busy) >= MOST_AT_ONCE or looked >= MOST_LOOKED_AT:
                return
            if item.id in self._busy or keeps_back(item, queue, now, stranded=stranded):
                continue
            if self._engine.awaits_agent(item, now) or tied(self._state, item):
                continue
            self._busy.add(item.id)
            self._promised[choice.node].append(self._monotonic())
            move = self._move(item, need, choice.node, stranded=stranded)
            self._tasks.spawn(move, f"#{item.number}")

    def _choice(
        self, need: Need, others: Sequence[NodeCapacity], *, stranded: bool = False
    ) -> Choice:
        at = self._monotonic()
        ages = {other.node: other.age for other in others}

        def taken(node: NodeName) -> int:
            if self._refused.get((node, need), 0.0) > at:
                return 1_000_000
            # What it said last may have been counted before our last promise was kept.
            known, promised = at - ages[node] - REFUSED_SECONDS, self._promised[node]
            while promised and promised[0] <= known:
                promised.popleft()
            return len(promised)

        choice = choose(need, others, self._region, taken)
        if choice.node is None and stranded:
            return choose_crew(need, others, self._region, taken)
        return choice

    async def _move(self, item: Item, need: Need, node: NodeName, *, stranded: bool) -> None:
        try:
            self.asked += 1
            question = wanted(item, need, wait=stranded)
            if not await self._to_who_knows_it(item, question):
                granted = await self._ask(node, question)
                await self._send(item.id, node, granted, stranded=stranded)
        except Refused as refused:
            self._refused[node, need] = self._monotonic() + REFUSED_SECONDS
            self._remember(item.id, f"{node} was asked: {refused.detail}")
        finally:
            self._busy.discard(item.id)
            self._news.set()

    async def _ask(self, node: NodeName, question: Wanted) -> Granted:
        return await self._asking.ask(node, KIND, question, Granted, seconds=ASK_SECONDS)

    async def _to_who_knows_it(self, item: Item, question: Wanted) -> bool:
        """To the last agent, if at home at another node and free; whether it went."""
        last = item.last_agent
        if last is None or self._presences is None or self._state.is_home_of(last):
            return False
        try:
            status = (await self._presences.statuses([last])).get(last)
            home = status.home if status is not None else None
            if home is None or home == self._state.node or self._handover.peer(home) is None:
                return False
            granted = await self._ask(home, replace(question, alone=True, wait=False))
            await self._send(item.id, home, granted, stranded=True)
        except (Refused, Unavailable):
            return False
        return item.id not in self._state.items

    async def _send(
        self, item_id: ItemId, node: NodeName, granted: Granted, *, stranded: bool
    ) -> None:
        """Hand it over, if it still waits: in between somebody here may have become free."""
        now = self._ledger.clock.now()
        item = self._state.items.get(item_id)
        if item is None:
            return
        queue = self._state.queues.get(item.queue)
        stranded = stranded and not self._figures.tally.serves(self._engine.pool.need_of(item))
        if keeps_back(item, queue, now, stranded=stranded):
            return
        if bound := tied(self._state, item):
            self._remember(item_id, bound)
            return
        waited = (now - (item.queued_at or item.created_at)).total_seconds()
        reason = f"nobody was free there for {max(waited, 0.0):.0f} s; here {granted.agent} is"
        if not granted.agent:
            reason = "nobody who could get it is signed in there; here somebody is"
        moved = await self._handover.hand_over(
            [item_id],
            to=node,
            to_epoch=granted.epoch,
            reason=reason,
            may_follow=nobody,
            overflow=True,
        )
        self.moved += len(moved.items)

    def _remember(self, item: ItemId, what: str) -> None:
        if len(self._notes) >= NOTES:
            self._notes = {i: n for i, n in self._notes.items() if i in self._state.items}
        if len(self._notes) < NOTES:
            self._notes[item] = self._monotonic(), what

    def why(self, item: Item) -> str:
        """Why a waiting item is still at this node, in words."""
        now = self._ledger.clock.now()
        queue = self._state.queues.get(item.queue)
        need = self._engine.pool.need_of(item)
        stranded = self._is_stranded(need)
        if kept := keeps_back(item, queue, now, stranded=stranded):
            return kept
        if self._engine.awaits_agent(item, now):
            away = self.seeking is not None and self.seeking.seeks(item.id)
            where = "is looked for at the other nodes" if away else "is at work here"
            return f"it is kept a little for {item.last_agent}, who {where}"
        if bound := tied(self._state, item):
            return f"it stays at this node: {bound}"
        choice = self._choice(need, self._others(), stranded=stranded)
        at, said = self._notes.get(item.id, (0.0, ""))
        if said:
            return f"{said} ({self._monotonic() - at:.0f} s ago); {choice.reason}"
        return choice.reason

    # -- who is asked -----------------------------------------------------------------------

    async def _grant(self, asker: NodeName, said: bytes) -> bytes:
        """Keep somebody free for it. Asked again for the same item, the same."""
        question = msgspec.json.decode(said, type=Wanted)
        await self._routed()
        self._ledger.check_open()
        kept = self._state.kept_for.get(question.item) or self._keep(asker, question)
        # Nobody kept: it comes to wait, and whoever is signed in gets it in its turn.
        position = self._ledger.position
        term = await self._node.writer.current_term()
        await self._ledger.committed(position)
        return msgspec.json.encode(Granted(agent=kept, epoch=term.epoch))

    def _keep(self, asker: NodeName, question: Wanted) -> AgentName:
        """Raises ``Refused``."""
        if not self._accepts():
            raise Refused("busy", "this node is leaving")
        now = self._ledger.clock.now()
        agent = self._last_agent(question, now)
        if agent is None and question.alone:
            return self._alone(question)
        agent = agent or self._engine.agent_for(question, now)
        if agent is None and question.wait and self._is_served(question.need, 0.0):
            self.granted += 1
            return AgentName("")
        if agent is None:
            raise Refused("busy", f"nobody who fits ({question.need}) is free here just now")
        self.keep(agent, question.item, asker)
        self.granted += 1
        return agent

    def _alone(self, question: Wanted) -> AgentName:
        """Nobody else will do: it may wait for that one here, if it waits for nobody else anyway.

        Raises ``Refused``: ``busy`` for who is at work, and not free just now.
        """
        last = question.last_agent
        if last is None or not self._state.is_home_of(last):
            raise Refused("unavailable", f"{last} is not here")
        if question.wait:
            self.granted += 1
            return AgentName("")
        why = unavailable(self._state, last, question.need)
        code = "busy" if why in (NO_CAPACITY, RESERVED) else "unavailable"
        raise Refused(code, f"{last} {why or 'may not have it just now'}")

    def keep(self, agent: AgentName, item: ItemId, asker: NodeName) -> None:
        """Keep an agent free for a moment, for one item of ``asker``."""
        until = self._ledger.clock.now() + timedelta(seconds=SECONDS)
        reservation = Reservation(agent=agent, item=item, asker=asker, until=until)
        reason = f"kept free for an item of {asker}"
        self._ledger.record([e.Change(e.AgentReserved(reservation=reservation, reason=reason))])
        self._node.timers.call_at(reservation.until, lambda: self._lapse(reservation))

    def _lapse(self, reservation: Reservation) -> None:
        agent = reservation.agent
        if self._state.reserved.get(agent) == reservation:
            ended = e.ReservationEnded(
                agent=agent, item=reservation.item, reason="the item did not come in time"
            )
            self._ledger.record([e.Change(ended)])
