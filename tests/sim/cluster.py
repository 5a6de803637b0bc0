"""One simulated day of several nodes over one database, from a seed.

One of them may die for good, all may crash between any two steps, also while they take another
one over; one may stand still for a while and wake; the database may fail over. What only one
node may do at a time (the mailbox, a visitor) goes with the rows to the heir.
"""

import asyncio
from collections import Counter

from gateway.cluster.joining import Joining, NameTaken
from gateway.cluster.membership import Membership
from gateway.cluster.takeover import Takeover
from gateway.core import events as e
from gateway.core.election import LEASE_SECONDS
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ChannelName, NodeName
from gateway.core.model import Message, OutboundState, Outgoing
from gateway.flow.node import Node
from gateway.ports import Channel
from gateway.store.contract import Card, CommitUnknown, Fenced, Unavailable
from push.server import AgentPush
from tests.sim.agents import Agent
from tests.sim.channels import ChatChannel, Duties, MailChannel, Scene, TaskChannel
from tests.sim.promises import audit, commands_had_one_effect, need, same_view
from tests.sim.world import NAMES, Report, World, leaves_of, play
from tests.support.builders import GENERAL, KINDS, MAIL, OFFICE, agent, queue
from tests.support.memory_cluster import MemoryCluster
from tests.support.memory_store import MemoryStore
from tests.support.simworld import Cut, Life, Pair, Steps, Target, Wire

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
COMING = ("begin.begin", "begin.end", "load.begin", "load.end", "renew.begin", "renew.end")


class ClusterReport(Report):
    """What a run has covered, takeovers too."""

    takeovers: int = 0
    resumed: int = 0
    frozen: int = 0
    failovers: int = 0


class Machine:
    """Where one node runs, life after life."""

    def __init__(self, name: str, steps: Steps) -> None:
        self.name = NodeName(name)
        self.steps = steps
        self.lives = 0
        self.life: Life | None = None
        self.node: Node | None = None
        self.push: AgentPush | None = None
        self.takeover: Takeover | None = None
        self.mortal = False
        self.gone = False

    @property
    def serves(self) -> bool:
        return self.node is not None and self.life is not None and self.life.alive


class Handed(Duties):
    """Each duty has one node, and goes to the heir when the takeover is done."""

    def __init__(self, holders: dict[str, NodeName]) -> None:
        super().__init__()
        self.holders = holders

    def holds(self, node: Node, duty: str) -> bool:
        return self.holders[duty] == node.ledger.state.node

    def pass_on(self, dead: NodeName, heir: NodeName) -> None:
        if dead != heir:
            mine = [duty for duty, node in self.holders.items() if node == dead]
            self.holders.update(dict.fromkeys(mine, heir))
            self.changed()


class ClusterWorld(World):
    """See the module's docstring."""

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
        self.duties: Handed = Handed(
            {duty: NodeName(self.dice.choice(names)) for duty in (MAIL, OFFICE, "v0", "v1")}
        )
        self.agents = [Agent(label, self._dice(), self.door, self.clock) for label in self.crews]
        self.door.connect = self._route
        self.door.may_compose = self._may_compose
        self.chunk = self.dice.choice([1, 2, 500])
        self.up_since = 0.0
        self.calm = False
        self.frozen = self.failovers = self.taken = self.resumed = 0
        self._doubted: set[tuple[str, int]] = set()
        for n in names:
            for who, skills in CREW[n].items():
                self.tables.profiles[AgentName(who)] = agent(who, skills)
        self.tables.queues[GENERAL] = queue()

    def _plan(self, mortal: str, *, is_mortal: bool) -> list[Target]:
        """Few crashes, most of them where nodes come, go, and take over."""
        targets = []
        if is_mortal:
            targets.append(Target(self.dice.randint(20, 250)))
        elif mortal and self.dice.random() < 0.6:
            # Who takes over the one that dies crashes itself, at any step of it.
            targets.append(Target(self.dice.randint(1, 2), self.dice.choice(TAKING_OVER)))
        for _ in range(self.dice.randint(0, 2)):
            mood = self.dice.random()
            if mood < 0.25:
                targets.append(Target(self.dice.randint(1, 400)))
            elif mood < 0.6:
                targets.append(Target(self.dice.randint(1, 3), self.dice.choice(TAKING_OVER)))
            elif mood < 0.7:
                targets.append(Target(self.dice.randint(1, 12), self.dice.choice(COMING)))
            elif mood < 0.85:
                targets.append(Target(self.dice.randint(1, 8), self.dice.choice(NAMES)))
            else:
                targets.append(Target(self.dice.randint(1, 30), fresh=True))
        return targets

    # -- the processes ----------------------------------------------------------------------

    async def _live(self, machine: Machine) -> None:
        while True:
            machine.lives += 1
            number = machine.lives * 10 + self.machines.index(machine)
            life = machine.life = Life(number, machine.steps, self._dice())
            machine.steps.begin_life()
            await life.run(self._serve_here(machine, life))
            if machine.takeover is not None:
                self.taken += machine.takeover.taken
                self.resumed += machine.takeover.resumed
            machine.node = machine.takeover = None
            was_here = machine.name in self.tables.leases
            if machine.mortal and was_here and self.dice.random() < 0.6:
                machine.gone = True
                machine.steps.note(f"{machine.name} is gone for good")
                return
            await asyncio.sleep(self.dice.choice([0.1, self.dice.uniform(0.0, 15.0)]))

    async def _serve_here(self, machine: Machine, life: Life) -> None:
        try:
            await self._work(machine, life)
        except BaseExceptionGroup as several:
            leaves = leaves_of(several)
            # Who waited for a decision is refused when the node ends.
            rest = [leaf for leaf in leaves if not isinstance(leaf, Fenced | Refused)]
            if rest or not any(isinstance(leaf, Fenced) for leaf in leaves):
                raise
            machine.steps.note(f"{machine.name} has been fenced, and begins anew")
            life.end()

    async def _work(self, machine: Machine, life: Life) -> None:
        store = MemoryStore(self.tables, faults=self.faults, dice=self._dice(), step=life.step)
        cluster = MemoryCluster(
            store, chunk=self.chunk, fencing=self._fencing, ended=self.duties.pass_on
        )
        channels: dict[ChannelName, Channel] = {}
        node = await self._come(machine, life, store, cluster, channels)
        node.ledger.state.channels.update(KINDS)
        node.ledger.observe(self._doubt)
        for order in node.ledger.state.outbox.values():
            self._doubt_about(order)
        push = self._push(node, store)
        scene = Scene(
            life=life,
            node=node,
            clock=self.clock,
            outside=self.outside,
            causes=self.causes,
            dice=self._dice(),
            trouble=lambda: self._sending,
            duties=self.duties,
        )
        own = [MailChannel(scene), ChatChannel(scene), TaskChannel(scene)]
        channels.update({channel.name: channel for channel in own})  # type: ignore[misc]
        takeover = Takeover(node, cluster)
        card = Card(urls={"agent": f"ws://{machine.name}/agent/v1"}, place=f"life {life.number}")
        member = Membership(
            store,
            node.writer,
            machine.name,
            takeover.note,
            card=lambda: card,
            monotonic=self.clock.monotonic,
        )
        machine.node, machine.push, machine.takeover = node, push, takeover
        async with asyncio.TaskGroup() as group:
            for work in (node.run(), push.run(), takeover.run(), member.run()):
                group.create_task(work)
            for channel in own:
                group.create_task(channel.run())

    async def _come(
        self,
        machine: Machine,
        life: Life,
        store: MemoryStore,
        cluster: MemoryCluster,
        channels: dict[ChannelName, Channel],
    ) -> Node:
        card = Card(state="joining", place=f"life {life.number}")
        while True:
            joining = Joining(store, cluster, machine.name, card, monotonic=self.clock.monotonic)
            try:
                return await Node.start(
                    name=machine.name,
                    region="here",
                    clock=self.clock,
                    new_id=self.new_id,
                    journal=store,
                    lookup=store,
                    channels=channels,
                    queue_of=lambda _: GENERAL,
                    term=await joining.join(),
                )
            except (Unavailable, CommitUnknown, Fenced, NameTaken):
                await asyncio.sleep(0.5)  # whatever starts processes starts it again

    # -- what is watched --------------------------------------------------------------------

    def _fencing(self, dead: NodeName) -> None:
        """A node that renewed while the database was there is never taken over."""
        renewed = (self.clock.now() - self.tables.leases[dead].renewed_at).total_seconds()
        silent = min(renewed, self.clock.monotonic() - self.up_since)
        need(silent >= LEASE_SECONDS, f"{dead} was taken over after {silent:.1f} s")

    def _doubt(self, entry: e.Entry) -> None:
        if isinstance(entry.event, e.OutboundAdopted):
            self._doubt_about(entry.event.outbound)

    def _doubt_about(self, order: Outgoing) -> None:
        """Of an attempt that was open when its node was lost nobody knows the end."""
        attempt = (order.id, order.attempts)
        if order.state is OutboundState.ATTEMPTING and attempt not in self._doubted:
            self._doubted.add(attempt)
            self.outside.post.doubt(order.message or order.id)
            self.open_attempts_hit += 1

    # -- agents and their homes -------------------------------------------------------------

    def _route(self, name: AgentName) -> Wire | None:
        """Where the agent is at home; sometimes to a wrong node, which must send it there."""
        home = self.tables.homes.get(name)
        there = home or self.crews[name]
        if home is None and self._is_fenced(there):
            there = self.duties.holders[MAIL]
        if home is not None and not self.calm and self.dice.random() < 0.15:
            there = self.dice.choice(self.machines).name
        machine = next(m for m in self.machines if m.name == there)
        if not machine.serves or machine.push is None or machine.life is None:
            return None
        return self._connect(machine.life, machine.push, name)

    def _is_fenced(self, node: NodeName) -> bool:
        return node in self.tables.leases and self.tables.peer(node).fenced

    # Until one node decides about all contacts of a customer (docs/decisions/0005), whatever a
    # customer can answer by mail must come from the node that has the mailbox.

    def _may_compose(self, name: AgentName) -> bool:
        return self.tables.homes.get(name) == self.duties.holders[MAIL]

    def _may_answer(self, message: Message) -> bool:
        return message.channel == MAIL

    # -- trouble ----------------------------------------------------------------------------

    async def _freeze(self) -> None:
        await asyncio.sleep(self.dice.uniform(2.0, 25.0))
        machine = self.dice.choice(self.machines)
        if machine.serves and machine.life is not None:
            self.frozen += 1
            seconds = self.dice.choice([2.0, 6.5, self.dice.uniform(3.0, 20.0)])
            machine.steps.note(f"{machine.name} stands still for {seconds:.1f} s")
            machine.life.frozen_until = self.clock.monotonic() + seconds

    async def _fail_over(self) -> None:
        await asyncio.sleep(self.dice.uniform(2.0, 25.0))
        self.failovers += 1
        before = self.faults.unavailable, self.faults.unknown
        self.steps.note("the database goes")
        self.faults.unknown = 0.7
        await asyncio.sleep(self.dice.uniform(0.0, 0.5))
        self.faults.unavailable = 1.0
        await asyncio.sleep(self.dice.choice([1.0, self.dice.uniform(2.0, 20.0)]))
        self.tables.timeline += 1
        self.up_since = self.clock.monotonic()
        self.faults.unavailable, self.faults.unknown = before
        self.steps.note("the database is back")

    # -- the day ----------------------------------------------------------------------------

    async def day(self) -> ClusterReport:
        """Traffic with every trouble, then peace, then the audit of all nodes together."""
        async with asyncio.TaskGroup() as group:
            work = [group.create_task(self._live(machine)) for machine in self.machines]
            work += [group.create_task(each.run()) for each in self.agents]
            if self.dice.random() < 0.4:
                work.append(group.create_task(self._freeze()))
            if self.dice.random() < 0.35:
                work.append(group.create_task(self._fail_over()))
            await self._traffic()
            for machine in self.machines:
                machine.steps.spare()
            self.faults.unavailable = self.faults.unknown = self.faults.delayed = 0.0
            self._sending = 0.0
            self.calm = True
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
        nodes = [m.node for m in self.machines if not m.gone]
        here = {m.name for m in self.machines if m.serves}
        tables = self.tables
        return (
            len(here) == len(nodes)
            and all(
                node is not None and not node.ledger.state.items and not node.ledger.uncommitted
                for node in nodes
            )
            and not tables.heirs
            and set(self.duties.holders.values()) <= here
            and not any(o.state is OutboundState.PENDING for o in tables.outbox.values())
            and all(row.decided for row in tables.inbox.values())
            and not self.outside.unseen()
            and not any(v.unsent for v in self.outside.visitors.values())
            and all(t.acknowledged for t in self.outside.tasks.values())
            and all(each.idle for each in self.agents)
        )

    def _audit(self) -> None:
        need(not self.tables.heirs, f"takeovers that never ended: {self.tables.heirs}")
        nodes = [m.node for m in self.machines if m.node is not None and m.serves]
        need(len(nodes) == sum(not m.gone for m in self.machines), "a node does not come back")
        need(all(each.idle for each in self.agents), "an agent waits for an answer for ever")
        for node in nodes:
            need(node.reconciler.repaired == 0, "something had to be repaired")
        states = {node.ledger.state.node: node.ledger.state for node in nodes}
        now = nodes[0].ledger.context()
        audit(self.tables, list(states.values()), self.outside, now)
        for each in self.agents:
            home = self.tables.homes[each.name]
            need(home in states, f"{each.name}'s home is {home}")
            assert home is not None
            same_view(each.name, each.desktop, states[home], now)
            commands_had_one_effect(self.tables, each.name, each.asked, each.answers)

    def _report(self) -> ClusterReport:
        first_seen: dict[Pair, Cut] = {}
        observed: Counter[Pair] = Counter()
        crashed: Counter[Pair] = Counter()
        for machine in self.machines:
            first_seen.update(machine.steps.first_seen)
            observed.update(machine.steps.observed)
            crashed.update(machine.steps.crashed)
            if machine.takeover is not None:
                self.taken += machine.takeover.taken
                self.resumed += machine.takeover.resumed
        return ClusterReport(
            seed=self.seed,
            crashes=sum(crashed.values()),
            open_attempts=self.open_attempts_hit,
            repeated=self.outside.post.repeated,
            messages=len(self.tables.messages),
            first_seen=first_seen,
            observed=observed,
            crashed=crashed,
            takeovers=self.taken,
            resumed=self.resumed,
            frozen=self.frozen,
            failovers=self.failovers,
        )


def simulate_cluster(seed: int, *, tell: bool = False) -> ClusterReport:
    """One run. Raises ``world.Failure``."""
    report = play(f"c{seed}", lambda: ClusterWorld(seed), tell=tell)
    assert isinstance(report, ClusterReport)
    return report
