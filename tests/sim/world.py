"""One simulated day of one node, from a seed: traffic, faults, crashes, and an audit at the end."""

import asyncio
import random
from collections.abc import Callable, Sequence

from gateway.cluster.homes import Homes
from gateway.cluster.membership import Membership
from gateway.core import events as e
from gateway.core.ids import AgentName, ChannelName, NodeName
from gateway.core.inbound import File
from gateway.core.lifecycle import ENDED
from gateway.core.model import ChannelKind, Message, OutboundState
from gateway.core.pool import NodeCapacity, Tally
from gateway.flow.node import Node
from gateway.flow.rollcall import RollCall
from gateway.ports import Channel, Principal
from push.server import AgentPush, PushSettings
from tests.sim.agents import Agent, Door
from tests.sim.channels import ChatChannel, MailChannel, Scene, TaskChannel, Whereabouts
from tests.sim.courtesies import told_once
from tests.sim.covered import Covered
from tests.sim.house import FURIOUS, LOUD, MACROS, RULES, declared, queues
from tests.sim.outside import CALL, CALL_LATER, END, Outside, Visitor
from tests.sim.owed import Owed
from tests.sim.play import Report, play
from tests.sim.promises import Causes, audit, commands_had_one_effect, need, same_view
from tests.sim.questions import ANSWERS, ARTICLE, LOST, PUZZLED, TOPIC, Questions
from tests.sim.service import CALENDAR, POLICY, clocks_kept_count
from tests.sim.supervisor import Place, Supervisor
from tests.sim.windows import LONG, SHORT, who_is_there_is_not_given_up
from tests.support.builders import GENERAL, KINDS, NODE, agent, counted_ids
from tests.support.memory_homes import MemoryHomes
from tests.support.memory_store import Faults, MemoryStore
from tests.support.memory_tables import Tables
from tests.support.pushworld import FakeLive
from tests.support.simworld import Cut, Life, ServerSocket, Steps, Target, Wire
from tests.support.virtual import VirtualClock

CREW = {"ana": {"de": 2, "audit": 1}, "bob": {"de": 1}, "cid": {"audit": 1}}
PATIENCE = {ChannelKind.EMAIL: 20.0, ChannelKind.TASK: 20.0, ChannelKind.WEBCHAT: 10.0}
"""Seconds that an offer lasts: short, so that offers are missed while there is trouble."""
FILE = File(name="plan.pdf", type="application/pdf", data=b"%PDF")
QUESTIONS = (TOPIC, ARTICLE)
PATIENCE_SECONDS = 6_000.0
NAMES = (
    "commit.begin", "commit.end", "receive.begin", "receive.end", "numbers.begin", "load.end",
    "begin.end", "look.answers.begin", "look.message.end", "look.case.end", "look.reference.end",
    "look.recent.end", "resolve.begin", "resolve.end", "send.email.begin", "send.email.arrive",
    "send.email.end", "send.task.begin", "send.task.arrive", "send.task.end", "mail.flag",
    "chat.ok", "chat.message", "task.201", "frame.welcome", "frame.snapshot", "frame.offer",
    "frame.offer_gone", "frame.item", "frame.message", "frame.delivery", "frame.state", "frame.ok",
    "frame.error",
)  # fmt: skip

Release = Callable[[NodeName, AgentName], str]
"""Has the node that a desktop cannot reach asked to let go; says how it stands."""


class World:
    """See the module's docstring."""

    traffic_seconds = 32.0
    contacts_a_second = 0.44

    def __init__(self, seed: int, cut: Cut | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.seed = seed
        self.dice = random.Random(seed)
        random.seed(seed)
        self.clock = VirtualClock(loop)
        self.new_id = counted_ids()
        self.tables = Tables(self.new_id, self.clock.now)
        self.steps = Steps(self._targets(), loop.time, cut)
        self.covered = Covered()
        self.outside = Outside()
        self.causes = Causes(self.tables)
        self.whereabouts = Whereabouts()
        self.door = Door(lambda name: self.tables.save_file(FILE, name).id)
        self.faults = self._trouble()
        self.faults.met = self.fault
        desktops = [*CREW, "ana's second"] if self.dice.random() < 0.4 else [*CREW]
        self.agents = [self.agent(label) for label in desktops]
        self.supervisor = Supervisor(self.more_dice(), self.places, self.fault)
        self.gone_after = self.dice.choice([SHORT, LONG])
        self.lives = 0
        self.life: Life | None = None
        self.open_attempts_hit = 0
        self.node: Node | None = None
        self.push: AgentPush | None = None
        self._leases = self.dice.random() < 0.3
        self._sending = self.dice.choice([0.0, 0.05, 0.2])

    def more_dice(self) -> random.Random:
        return random.Random(self.dice.random())

    def some_time(self) -> float:
        """From now to a time at which there still is traffic."""
        return self.dice.uniform(1.0, 0.8 * self.traffic_seconds)

    def agent(self, label: str) -> Agent:
        return Agent(label, self.more_dice(), self.door, self.clock, self.fault)

    def _targets(self) -> list[Target]:
        """Mostly where something happens rarely, or for the first time."""
        targets = []
        for _ in range(self.dice.randint(1, 5)):
            mood = self.dice.random()
            if mood < 0.15:
                targets.append(Target(self.dice.randint(1, 400)))
            elif mood < 0.4:
                targets.append(Target(self.dice.randint(1, 8), self.dice.choice(NAMES)))
            else:
                targets.append(Target(self.dice.randint(1, 30), fresh=True))
        return targets

    def _trouble(self) -> Faults:
        if self.dice.random() < 0.4:
            return Faults(delayed=self.dice.choice([0.05, 0.2]), slow=0.05)
        return Faults(
            unavailable=self.dice.choice([0.0, 0.02, 0.08]),
            unknown=self.dice.choice([0.0, 0.02, 0.08]),
            delayed=self.dice.choice([0.1, 0.4]),
            slow=self.dice.choice([0.02, 0.3, 2.0]),
        )

    def places(self) -> Sequence[Place]:
        """The nodes that serve, each in its life."""
        if self.node is None or self.life is None or not self.life.alive:
            return []
        return [(self.life, self.node)]

    # -- the process ------------------------------------------------------------------------

    async def _lives(self) -> None:
        """One life after the other, each over the same tables."""
        while True:
            self.lives += 1
            life = Life(self.lives, self.steps, self.more_dice(), self.fault)
            self.steps.begin_life()
            self.life = life
            await life.run(self._serve(life))
            self.door.connect = None
            self.node = None
            await asyncio.sleep(self.dice.uniform(0.0, 2.0))

    async def _serve(self, life: Life) -> None:
        store = MemoryStore(self.tables, faults=self.faults, dice=self.more_dice(), step=life.step)
        channels: dict[ChannelName, Channel] = {}
        node = await self._start(store, channels)
        node.ledger.state.channels.update(KINDS)
        for order in node.ledger.state.outbox.values():
            if order.state is OutboundState.ATTEMPTING:
                self.outside.post.doubt(order.message or order.id)
                self.open_attempts_hit += 1
        if not self.tables.queues:
            node.ledger.record(
                [
                    e.Change(e.CalendarDefined(calendar=CALENDAR, by="sim")),
                    e.Change(e.ServicePolicyDefined(policy=POLICY, by="sim")),
                    *(e.Change(declared(one)) for one in (*RULES, *MACROS)),
                    *(
                        e.Change(e.QueueDefined(queue=one, by="sim"))
                        for one in queues(PATIENCE, self.gone_after)
                    ),
                    *(
                        e.Change(e.AgentDefined(profile=agent(n, skills), by="sim"))
                        for n, skills in CREW.items()
                    ),
                ]
            )
        push = self.push_of(node, store)
        scene = self.scene(life, node)
        own = [MailChannel(scene), ChatChannel(scene), TaskChannel(scene)]
        channels.update({channel.name: channel for channel in own})  # type: ignore[misc]
        self.node, self.push = node, push
        self.door.connect = lambda name: self._connect(life, push, name)
        async with asyncio.TaskGroup() as group:
            group.create_task(node.run())
            group.create_task(push.run())
            group.create_task(node.care.watch(_figures(node)))
            group.create_task(RollCall(node.ledger).run())
            for channel in own:
                group.create_task(channel.run())
            if self._leases:
                lease = Membership(store, node.writer, NODE, monotonic=self.clock.monotonic)
                group.create_task(lease.run())

    def scene(self, life: Life, node: Node) -> Scene:
        return Scene(
            life=life,
            node=node,
            clock=self.clock,
            outside=self.outside,
            causes=self.causes,
            dice=self.more_dice(),
            trouble=lambda: self._sending,
            fault=self.fault,
            whereabouts=self.whereabouts,
        )

    async def _start(self, store: MemoryStore, channels: dict[ChannelName, Channel]) -> Node:
        while True:
            try:
                return await Node.start(
                    name=NODE,
                    region="here",
                    clock=self.clock,
                    new_id=self.new_id,
                    journal=store,
                    lookup=store,
                    channels=channels,
                    queue_of=lambda _: GENERAL,
                )
            except Exception:  # noqa: BLE001 - a process that cannot start is started again
                await asyncio.sleep(0.5)

    def push_of(self, node: Node, store: MemoryStore, release: Release | None = None) -> AgentPush:
        homes = Homes(
            node.ledger,
            MemoryHomes(store),
            node.writer.current_term,
            node.departures,
            release=release or (lambda home, _agent: f"{home} has not let go of you"),
        )
        push = AgentPush(
            node.desk,
            node.ledger,
            _Everybody(),
            self.clock,
            node.signals,
            PushSettings(
                node="n1",
                url="ws://n1/agent/v1",
                public_url="http://n1",
                heartbeat=3_000.0,
                recheck_seconds=30.0,
            ),
            homes=homes,
            live=FakeLive(),
        )
        state = node.ledger.state
        push.load(
            state.items.values(),
            state.cases.values(),
            state.profiles.values(),
            state.sites.values(),
        )
        return push

    def _connect(self, life: Life, push: AgentPush, name: AgentName) -> Wire:
        wire = Wire()
        socket = ServerSocket(life, wire, lambda text: self.causes.frame(name, text))
        life.spawn(push.handle(socket))
        return wire

    # -- what is covered --------------------------------------------------------------------

    def fault(self, kind: str) -> None:
        """Something goes wrong now: it counts as covered in the state that everything is in."""
        self.covered.note(kind, f"{self.does()}; {', '.join(self._open()) or 'nothing open'}")

    def does(self) -> str:
        """What the process does."""
        if self.life is None or not self.life.alive:
            return "down"
        return "comes" if self.node is None else "serves"

    def _open(self) -> list[str]:
        items = {item.state for item in self.tables.items.values()} - ENDED
        orders = (order.state for order in self.tables.outbox.values())
        return [*sorted(items), *(["sending"] if OutboundState.ATTEMPTING in orders else [])]

    # -- customers --------------------------------------------------------------------------

    async def _traffic(self) -> None:
        for n in range(2):
            self.outside.visitors[f"v{n}"] = Visitor(name=f"v{n}")
        until = self.clock.monotonic() + self.traffic_seconds
        while self.clock.monotonic() < until:
            await asyncio.sleep(self.dice.expovariate(self.contacts_a_second))
            self.dice.choice(
                [self._mail, self._mail, self._answer, self._chat, self._task, self._window]
            )()

    def _mail(self) -> None:
        self.outside.write(
            sender=f"{self.dice.choice(['eva', 'kim', f'c{len(self.outside.mails)}'])}@example.org",
            subject=self.dice.choice(["Invoice", "Delivery"]),
            body=self.dice.choice(
                ["Good morning", *(f"I am {w}" for w in (FURIOUS, PUZZLED, LOST))]
            ),
            verified=self.dice.random() < 0.7,
            machine=self.dice.random() < 0.1,
        )

    def _answer(self) -> None:
        """A customer answers a mail of ours."""
        said = self.tables.messages
        ours = [i for i in self.outside.post.arrived if i in said and self._may_answer(said[i])]  # type: ignore[index]
        asked = [i for i in ours if said[i].body.partition("\n")[0] in QUESTIONS]  # type: ignore[index]
        if ours:
            ours = asked[-2:] if asked and self.dice.random() < 0.7 else ours
            message = self.tables.messages[self.dice.choice(ours)]  # type: ignore[index]
            self.outside.write(
                sender="eva@example.org",
                subject="Re: that",
                body=self.dice.choice(["Thank you", "1", *ANSWERS]),
                verified=self.dice.random() < 0.5,
                references=(f"{message.id}@switchroom.example",),
                expects_case=message.case,
            )

    def _may_answer(self, message: Message) -> bool:
        return True

    def _chat(self) -> None:
        visitor = self.dice.choice(list(self.outside.visitors.values()))
        for _ in range(self.dice.randint(1, 3)):
            words = ["", "", "", "", PUZZLED, LOST, LOUD, FURIOUS, END, CALL, CALL_LATER]
            self.outside.say(visitor, self.dice.choice(words))

    def _window(self) -> None:
        """Somebody closes the window, or opens it again."""
        visitor = self.dice.choice(list(self.outside.visitors.values()))
        now = self.clock.monotonic()
        if not visitor.there:
            self.outside.come_back(visitor, now)
        elif not visitor.unsent:
            self.fault("window closed")
            self.outside.leave(visitor, now)

    async def _windows_open(self) -> None:
        """In the end everybody comes back, some of them late."""
        for visitor in self.outside.visitors.values():
            if not visitor.there:
                await asyncio.sleep(self.dice.choice([0.0, self.dice.uniform(0.0, 2 * LONG)]))
                self.outside.come_back(visitor, self.clock.monotonic())

    def _task(self) -> None:
        self.outside.file(self.dice.choice(["", "audit", "de"]))

    # -- the day ----------------------------------------------------------------------------

    async def day(self) -> Report:
        """Traffic with faults and crashes, then peace, then the audit."""
        async with asyncio.TaskGroup() as group:
            lives = group.create_task(self._lives())
            crew = [group.create_task(each.run()) for each in self.agents]
            crew.append(group.create_task(self.supervisor.run()))
            await self._traffic()
            self.steps.spare()
            self.faults.unavailable = self.faults.unknown = self.faults.delayed = 0.0
            self._sending = 0.0
            self.supervisor.calm = True
            for each in self.agents:
                each.calm = True
            await self._peace()
            self._audit()
            assert self.life is not None
            self.life.end()
            for task in (lives, *crew):
                task.cancel()
        return Report(
            seed=self.seed,
            crashes=sum(self.steps.crashed.values()),
            open_attempts=self.open_attempts_hit,
            repeated=self.outside.post.repeated,
            messages=len(self.tables.messages),
            first_seen=self.steps.first_seen,
            observed=self.steps.observed,
            crashed=self.steps.crashed,
            covered=self.covered,
        )

    async def _peace(self) -> None:
        """Until nothing moves any more; what then still waits waits for ever."""
        await self._windows_open()
        began = self.clock.monotonic()
        quiet = 0
        while quiet < 3 and self.clock.monotonic() - began < PATIENCE_SECONDS:
            await asyncio.sleep(2.0)
            quiet = quiet + 1 if self._is_quiet() else 0

    def _is_quiet(self) -> bool:
        node = self.node
        return (
            node is not None
            and not node.ledger.state.items
            and not node.ledger.uncommitted
            and not any(o.state is OutboundState.PENDING for o in node.ledger.state.outbox.values())
            and all(row.decided for row in self.tables.inbox.values())
            and not self.outside.unseen()
            and not any(v.unsent for v in self.outside.visitors.values())
            and all(t.acknowledged for t in self.outside.tasks.values())
            and all(each.idle for each in self.agents)
        )

    def _audit(self) -> None:
        need(self.node is not None, "there is no node in the end")
        assert self.node is not None
        need(all(each.idle for each in self.agents), "an agent waits for an answer for ever")
        state, now = self.node.ledger.state, self.node.ledger.context()
        need(self.node.reconciler.repaired == 0, "something had to be repaired")
        audit(self.tables, [state], self.outside, now)
        clocks_kept_count(self.tables)
        Questions(self.tables).audit()
        told_once(self.tables, self.outside)
        who_is_there_is_not_given_up(self.tables, self.outside, self.gone_after)
        owed = Owed(self.tables, self.outside)
        owed.audit()
        for each in self.agents:
            same_view(each.name, each.desktop, state, now)
            commands_had_one_effect(self.tables, each.name, each.asked, each.answers, owed.held)


def _figures(node: Node) -> Callable[[], list[NodeCapacity]]:
    """What a node that is alone says of itself."""
    tally = Tally(node.ledger.state)
    node.ledger.observe(tally.note)

    def figures() -> list[NodeCapacity]:
        tally.settle()
        capacity = tally.capacity(node.ledger.clock.now())
        return [NodeCapacity(node=NODE, region="here", age=0.0, capacity=capacity)]

    return figures


class _Everybody:
    """Implements ``ports.Auth``: the token is the name."""

    async def principal(self, token: str) -> Principal | None:
        return Principal(name=AgentName(token), role="agent", token=token)


def named(name: str) -> tuple[int, Cut | None]:
    """A run by its name: ``17``, or ``17@2:345`` for seed 17 with life 2 cut at step 345."""
    seed, _, cut = name.partition("@")
    if not cut:
        return int(seed), None
    life, _, at = cut.partition(":")
    return int(seed), Cut(int(life), int(at))


def simulate(seed: int, cut: Cut | None = None, *, tell: bool = False) -> Report:
    """One run. Raises ``Failure`` with what was broken, the seed and the way to replay it."""
    name = f"{seed}@{cut.life}:{cut.at}" if cut else str(seed)
    return play(name, lambda: World(seed, cut), tell=tell)
