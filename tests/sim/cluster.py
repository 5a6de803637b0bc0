"""One simulated day of several nodes over one database, from a seed.

One of them may die for good, all may crash between any two steps, also while they take another
one over; one may stand still for a while and wake; the database may fail over. The mailbox is read
under its duty; visitors and who files tasks turn up at the heir's node.

Where to add to it: what a node does is a part (``parts.PARTS``), what goes wrong or is planned a
trouble (``troubles.TROUBLES``), what must have come to rest a line of ``_unrest``, what must hold
in the end a line of ``_audit`` or ``promises.audit``.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.duties import holders
from gateway.core.election import LEASE_SECONDS
from gateway.core.ids import AgentName, NodeName
from gateway.core.model import OutboundState, Outgoing
from gateway.core.timetable import key_of
from gateway.flow.node import Node
from tests.sim.colleagues import ALL, chats_of, colleagues_heard_each_other, missed
from tests.sim.courtesies import told_once
from tests.sim.house import ENTRIES, queues
from tests.sim.machine import Machine, Wandering
from tests.sim.owed import Owed
from tests.sim.parts import url_of
from tests.sim.play import Report, play
from tests.sim.promises import audit, commands_had_one_effect, need, same_view
from tests.sim.questions import Questions
from tests.sim.service import clocks_kept_count
from tests.sim.sites import nobody_of_a_closed_share_is_offered_anything, site_of
from tests.sim.supervisor import Place
from tests.sim.together import (
    what_is_open_of_a_customer_is_together,
    what_was_offered_elsewhere_is_taken_back,
    who_is_kept_free_is_offered_nothing_else,
)
from tests.sim.troubles import TROUBLES, find_takers
from tests.sim.windows import who_is_there_is_not_given_up
from tests.sim.world import NAMES, PATIENCE, World
from tests.support.builders import GENERAL, MAIL, OFFICE, agent
from tests.support.memory_duties import MemoryDuties
from tests.support.memory_rows import RelayRow
from tests.support.simworld import Cut, Pair, Promise, Steps, Target, Wire
from tests.support.virtual import START

CREW = {
    "n1": {"ana": {"de": 2, "audit": 1}, "bob": {"de": 1}},
    "n2": {"dan": {"de": 1, "audit": 2}, "eve": {"de": 2}},
    "n3": {"fay": {"de": 1, "audit": 1}},
}
TAKING_OVER = (
    "fence.begin", "fence.end", "inherit.begin", "inherit.end", "estate.begin", "estate.end",
    "adopt.begin", "adopt.end", "adopt_quiet.begin", "adopt_quiet.end", "takeover_end.begin",
    "takeover_end.end", "node.begin", "node.end",
)  # fmt: skip
HANDING_OVER = (
    "hand_over.begin", "hand_over.end", "handed.begin", "handed.end", "ask.begin", "ask.end",
    "asked.begin", "asked.end", "answer.begin", "answer.end", "answers.begin", "answers.end",
    "claim.begin", "claim.end", "capacity.begin", "capacity.end", "duty_look.end", "wish.begin",
    "wish.end", "duty_take.begin", "duty_take.end", "duty_give.begin", "duty_give.end",
    "duty_ask.begin", "duty_ask.end", "pass_on.begin", "pass_on.end", "decider.begin",
    "decider.end", "look.older.begin", "look.older.end", "site.recorded",
)  # fmt: skip
"""What passes between nodes that live: overflow, evacuation, release, duties, sites."""
COMING = ("begin.begin", "begin.end", "load.begin", "load.end", "renew.begin", "renew.end")


class ClusterReport(Report):
    """What a run has covered, takeovers too."""

    takeovers: int = 0
    resumed: int = 0


class ClusterWorld(World):
    """See the module's docstring."""

    traffic_seconds = 24.0
    contacts_a_second = 0.55

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.faults.slow = min(self.faults.slow, 0.3)
        names = ["n1", "n2", "n3"] if self.dice.random() < 0.4 else ["n1", "n2"]
        now = asyncio.get_running_loop().time
        mortal = self.dice.choice([*names, *names, ""])
        self.machines = [
            Machine(n, Steps(self._plan(mortal, is_mortal=n == mortal), now)) for n in names
        ]
        for machine in self.machines:
            machine.steps.trace = self.steps.trace
            machine.steps.label = f"{machine.name} "
            machine.mortal = machine.name == mortal
        self.crews = {AgentName(who): NodeName(n) for n in names for who in CREW[n]}
        self.whereabouts: Wandering = Wandering(
            {who: NodeName(self.dice.choice(names)) for who in (OFFICE, "v0", "v1")}
        )
        self.preferred = self.dice.choice(["", *names])
        self.cut_off: dict[AgentName, NodeName] = {}
        self._wires: dict[AgentName, Wire] = {}
        self.agents = [self.agent(label) for label in self.crews]
        self.door.connect = self._route
        self.door.unreachable = self._unreachable
        self.chunk = self.dice.choice([1, 2, 500])
        self.troubles: list[asyncio.Task[None]] = []
        self.outages: list[tuple[float, float]] = []
        self.calm = False
        self._broken: list[Promise] = []
        self._doubted: set[tuple[str, int]] = set()
        for n in names:
            for who, skills in CREW[n].items():
                profile = replace(agent(who, skills), site=site_of(who), groups=(ALL,))
                self.tables.profiles[profile.name] = profile
        overflow = self.dice.choice([None, 0.0, 0.0, 3.0])
        more: dict[str, Any] = {"overflow_after": overflow, "take_allowed": True}
        for one in queues(PATIENCE, self.gone_after, **more):
            self.tables.queues[one.name] = one
        self.door.colleagues = tuple(self.tables.profiles)
        self.door.chats = chats_of(self.tables.talk)
        self.tables.timetable.update({key_of(one): one for one in ENTRIES})

    def _plan(self, mortal: str, *, is_mortal: bool) -> list[Target]:
        """Few crashes, most of them where nodes come, go, and take over."""
        targets = []
        if is_mortal:
            targets.append(Target(self.dice.randint(15, 170)))
        elif mortal and self.dice.random() < 0.6:
            # Who takes over the one that dies crashes itself, at any step of it.
            targets.append(Target(self.dice.randint(1, 2), self.dice.choice(TAKING_OVER)))
        for _ in range(self.dice.randint(0, 3)):
            mood = self.dice.random()
            if mood < 0.15:
                targets.append(Target(self.dice.randint(1, 220)))
            elif mood < 0.35:
                targets.append(Target(self.dice.randint(1, 3), self.dice.choice(TAKING_OVER)))
            elif mood < 0.6:
                targets.append(Target(self.dice.randint(1, 3), self.dice.choice(HANDING_OVER)))
            elif mood < 0.7:
                targets.append(Target(self.dice.randint(1, 12), self.dice.choice(COMING)))
            elif mood < 0.85:
                targets.append(Target(self.dice.randint(1, 8), self.dice.choice(NAMES)))
            else:
                targets.append(Target(self.dice.randint(1, 30), fresh=True))
        return targets

    # -- what is watched --------------------------------------------------------------------

    def does(self) -> str:
        """What the nodes do, whichever does which, and whether there is a database."""
        heirs, now = set(self.tables.heirs.values()), self.clock.monotonic()
        away = ["no database"] if self.faults.unavailable >= 1 else []
        return ", ".join([*sorted(each.does(heirs, now) for each in self.machines), *away])

    def watch(self, node: Node) -> None:
        """A node has come up: what it knows of attempts to send, and will, is doubted."""
        node.ledger.observe(self._doubt)
        for promise in (
            nobody_of_a_closed_share_is_offered_anything(node),
            who_is_kept_free_is_offered_nothing_else(node),
            what_is_open_of_a_customer_is_together(node, self.tables),
        ):
            node.ledger.observe(self._remembered(promise))
        for order in node.ledger.state.outbox.values():
            self._doubt_about(order)

    def _remembered(self, promise: Callable[[e.Entry], None]) -> Callable[[e.Entry], None]:
        """What is broken is told at the end: raised here, it would end what was just recorded."""

        def look(entry: e.Entry) -> None:
            try:
                promise(entry)
            except Promise as broken:
                self._broken.append(broken)

        return look

    def is_fencing(self, dead: NodeName) -> None:
        """A node that renewed while the database was there is never taken over."""
        since = (self.tables.leases[dead].renewed_at - START).total_seconds()
        silent = []
        for gone, back in self.outages:
            if back > since:
                silent.append(gone - since)
                since = back
        # A judgement may be older than an outage: the fence compares the counter that it saw.
        longest = max([*silent, self.now() - since])
        need(longest >= LEASE_SECONDS, f"{dead} was taken over after {longest:.1f} s")

    def now(self) -> float:
        """In seconds of the day."""
        return self.clock.monotonic()

    def _doubt(self, entry: e.Entry) -> None:
        if isinstance(entry.event, e.ItemAdopted) and entry.event.overflow:
            meant = "for whom it is" in entry.event.reason
            self.fault("item to whom it is for" if meant else "item to who is free")
        if isinstance(entry.event, e.OutboundAdopted):
            self._doubt_about(entry.event.outbound)

    def _doubt_about(self, order: Outgoing) -> None:
        """Of an attempt that was open when its node was lost nobody knows the end."""
        attempt = (order.id, order.attempts)
        if order.state is OutboundState.ATTEMPTING and attempt not in self._doubted:
            self._doubted.add(attempt)
            self.outside.post.doubt(order.message or order.id)
            self.open_attempts_hit += 1

    def places(self) -> Sequence[Place]:
        here = [(m.life, m.here.node) for m in self.machines if m.here is not None and m.serves]
        return [(life, node) for life, node in here if life is not None]

    # -- agents and their homes -------------------------------------------------------------

    def _route(self, name: AgentName) -> Wire | None:
        """Where the agent is at home; sometimes to a wrong node, which must send it there."""
        home = self.tables.homes.get(name)
        there = home or self.crews[name]
        if home is None and self._is_fenced(there):
            there = self.dice.choice(self.machines).name
        if home is not None and not self.calm and self.dice.random() < 0.15:
            there = self.dice.choice(self.machines).name
        if there == self.cut_off.get(name):
            there = self.dice.choice([m.name for m in self.machines if m.name != there])
        machine = next(m for m in self.machines if m.name == there)
        if machine.here is None or not machine.serves:
            return None
        if there != home:
            self.fault("desktop at the wrong node")
        wire = self._wires[name] = self._connect(machine.here.life, machine.here.push, name)
        return wire

    def hang_up(self, name: AgentName) -> None:
        """This desktop's connection breaks."""
        if name in self._wires:
            self._wires[name].close(1006)

    def _unreachable(self, name: AgentName) -> tuple[str, ...]:
        """Which of the nodes' URLs this desktop has tried in vain."""
        return (url_of(self.cut_off[name]),) if name in self.cut_off else ()

    def _is_fenced(self, node: NodeName) -> bool:
        return node in self.tables.leases and self.tables.peer(node).fenced

    # -- the day ----------------------------------------------------------------------------

    async def day(self) -> ClusterReport:
        """Traffic with every trouble, then peace, then the audit of all nodes together."""
        async with asyncio.TaskGroup() as group:
            work = [group.create_task(machine.live(self)) for machine in self.machines]
            work += [group.create_task(each.run()) for each in self.agents]
            work.append(group.create_task(self.supervisor.run()))
            if self.tables.queues[GENERAL].overflow_after is None:
                work.append(group.create_task(find_takers(self)))
            self.troubles = [
                group.create_task(trouble.work(self))
                for trouble in TROUBLES
                if self.dice.random() < trouble.share
            ]
            await self._traffic()
            for machine in self.machines:
                machine.steps.spare()
            self.faults.unavailable = self.faults.unknown = self.faults.delayed = 0.0
            self._sending = 0.0
            self.calm = True
            self.supervisor.calm = True
            for each in self.agents:
                each.calm = True
            await self._peace()
            self._audit()
            for task in work:
                task.cancel()
            for machine in self.machines:
                if machine.life is not None:
                    machine.life.end()
        return self._report()

    def _is_quiet(self) -> bool:
        return not any(self._unrest())

    def _unrest(self) -> Iterator[object]:
        """Whatever still moves."""
        yield not all(trouble.done() for trouble in self.troubles)
        nodes = [machine for machine in self.machines if not machine.gone]
        serving = {machine.name for machine in nodes if machine.serves}
        yield len(serving) < len(nodes)
        for machine in nodes:
            if machine.here is not None:
                ledger = machine.here.node.ledger
                yield ledger.state.items or ledger.uncommitted
                yield machine.here.handover is not None and machine.here.handover.under_way
        yield self.tables.heirs
        yield any(row.to in serving and self._is_awaited(row) for row in self.tables.relay.values())
        yield set(self.whereabouts.at.values()) - serving
        yield any(o.state is OutboundState.PENDING for o in self.tables.outbox.values())
        yield not all(row.decided for row in self.tables.inbox.values())
        yield self.outside.unseen() or self.outside.unfiled()
        yield any(visitor.unsent for visitor in self.outside.visitors.values())
        yield not all(each.idle for each in self.agents)
        yield any(missed(self.tables.talk, self.agents))

    def _is_awaited(self, row: RelayRow) -> bool:
        """Somebody may still be told the answer: who asked may have died meanwhile."""
        seconds = row.question.seconds
        over = seconds is not None and self.clock.now() > row.at + timedelta(seconds=seconds)
        return row.answer is None and not over

    def _audit(self) -> None:
        for broken in self._broken:
            raise broken
        need(not self.tables.heirs, f"takeovers that never ended: {self.tables.heirs}")
        nodes = [m.here.node for m in self.machines if m.here is not None and m.serves]
        need(len(nodes) == sum(not m.gone for m in self.machines), "a node does not come back")
        need(all(each.idle for each in self.agents), "an agent waits for an answer for ever")
        for node in nodes:
            need(node.reconciler.repaired == 0, "something had to be repaired")
        states = {node.ledger.state.node: node.ledger.state for node in nodes}
        now = nodes[0].ledger.context()
        audit(self.tables, list(states.values()), self.outside, now)
        need(self._reader() in states, "nobody reads the mailbox")
        kept = {agent: one for state in states.values() for agent, one in state.reserved.items()}
        need(not kept, f"kept free for ever: {kept}")
        clocks_kept_count(self.tables)
        Questions(self.tables).audit()
        told_once(self.tables, self.outside)
        who_is_there_is_not_given_up(self.tables, self.outside, self.gone_after)
        what_was_offered_elsewhere_is_taken_back(self.tables)
        colleagues_heard_each_other(self.tables.talk, self.agents)
        owed = Owed(self.tables, self.outside)
        owed.audit()
        for each in self.agents:
            home = self.tables.homes[each.name]
            need(home in states, f"{each.name}'s home is {home}")
            assert home is not None
            same_view(each.name, each.desktop, states[home], now)
            commands_had_one_effect(self.tables, each.name, each.asked, each.answers, owed.held)

    def _reader(self) -> NodeName | None:
        """Who reads the mailbox, as any node would see it."""
        some = next(machine.here for machine in self.machines if machine.here is not None)
        found = MemoryDuties(some.store).now(some.node.writer.term)
        return holders(found).get(MAIL) if found is not None else None

    def _report(self) -> ClusterReport:
        first_seen: dict[Pair, Cut] = {}
        observed: Counter[Pair] = Counter()
        crashed: Counter[Pair] = Counter()
        for machine in self.machines:
            first_seen.update(machine.steps.first_seen)
            observed.update(machine.steps.observed)
            crashed.update(machine.steps.crashed)
            machine.count()
        return ClusterReport(
            seed=self.seed,
            crashes=sum(crashed.values()),
            open_attempts=self.open_attempts_hit,
            repeated=self.outside.post.repeated,
            messages=len(self.tables.messages),
            first_seen=first_seen,
            observed=observed,
            crashed=crashed,
            covered=self.covered,
            takeovers=sum(machine.taken for machine in self.machines),
            resumed=sum(machine.resumed for machine in self.machines),
        )


def simulate_cluster(seed: int, *, tell: bool = False) -> ClusterReport:
    """One run. Raises ``play.Failure``."""
    report = play(f"c{seed}", lambda: ClusterWorld(seed), tell=tell)
    assert isinstance(report, ClusterReport)
    return report
