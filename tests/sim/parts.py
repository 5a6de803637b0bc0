"""What a node of several does besides what every node does, each a *part*.

A part is a function that is given the ``Serving`` of this life, keeps there what others need of
it, and returns what has to run as long as the life lasts. To add one, write it and name it in
``PARTS``. They are the house's own, over tables in memory.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from msgspec import Struct

from gateway.cluster.afar import Afar
from gateway.cluster.asking import Asking
from gateway.cluster.bell import Bell
from gateway.cluster.capacity import Publication
from gateway.cluster.colleagues import Overhearing
from gateway.cluster.directory import Directory
from gateway.cluster.duties import Duties
from gateway.cluster.evacuation import Evacuation
from gateway.cluster.handover import Handover
from gateway.cluster.looking import Looking
from gateway.cluster.membership import Membership
from gateway.cluster.overflow import Overflow
from gateway.cluster.release import Releases
from gateway.cluster.seats import UnderDuty
from gateway.cluster.tail import Tail
from gateway.cluster.takeover import Takeover
from gateway.core import events as e
from gateway.core.election import Look, Peer, Verdict
from gateway.flow.node import Node
from gateway.flow.rollcall import RollCall
from gateway.ports import Prefer
from gateway.store.contract import Card
from push.server import AgentPush
from tests.sim.channels import ChatChannel, MailChannel
from tests.support.builders import MAIL
from tests.support.memory_capacity import MemoryCapacity
from tests.support.memory_cluster import MemoryCluster
from tests.support.memory_colleagues import MemoryColleagues
from tests.support.memory_contacts import MemoryContacts
from tests.support.memory_duties import MemoryDuties
from tests.support.memory_following import MemoryDirectory, MemoryTail
from tests.support.memory_handover import MemoryHandover
from tests.support.memory_homes import MemoryHomes
from tests.support.memory_relay import MemoryRelay
from tests.support.memory_store import MemoryStore
from tests.support.simworld import Life

if TYPE_CHECKING:
    from tests.sim.cluster import ClusterWorld
    from tests.sim.machine import Machine

UNRUNG_SECONDS = 2.5
DUTY_SECONDS = 5.0
"""Nodes look less often than in the house: whatever changes rings, and this bell loses nothing."""
FIGURES_SECONDS = 2.0
GIVING_UP_SECONDS = 2.0


def url_of(node: str) -> str:
    """Where desktops reach a node."""
    return f"ws://{node}/agent/v1"


class Serving(Struct, kw_only=True):
    """One life of a node that has come up, and what its parts have made of it."""

    world: "ClusterWorld"
    machine: "Machine"
    life: Life
    store: MemoryStore
    cluster: MemoryCluster
    node: Node
    push: AgentPush
    mail: MailChannel
    chat: ChatChannel
    takeover: Takeover | None = None
    bell: Bell | None = None
    tail: Tail | None = None
    directory: Directory | None = None
    member: Membership | None = None
    asking: Asking | None = None
    handover: Handover | None = None
    evacuation: Evacuation | None = None
    duties: Duties | None = None
    figures: Publication | None = None
    overflow: Overflow | None = None
    releases: Releases | None = None
    roll_call: RollCall | None = None
    leaving: bool = False


T = TypeVar("T")
Part = Callable[[Serving], Coroutine[Any, Any, object]]


def _takeover(here: Serving) -> Coroutine[Any, Any, object]:
    learn = known(here.directory).learn
    here.takeover = Takeover(here.node, here.cluster, learn=learn)
    return here.takeover.run()


def _membership(here: Serving) -> Coroutine[Any, Any, object]:
    name, takeover, duties = here.machine.name, known(here.takeover), known(here.duties)
    urls = {"agent": url_of(name)}

    def card() -> Card:
        state: Literal["leaving", "serving"] = "leaving" if here.leaving else "serving"
        return Card(state=state, urls=urls, place=f"life {here.life.number}")

    roll_call = known(here.roll_call)

    def look(seen: Look, verdicts: Sequence[Verdict]) -> None:
        takeover.note(seen, verdicts)
        roll_call.look(seen.peers)
        duties.note(seen.peers)

    member = here.member = Membership(
        here.store,
        here.node.writer,
        name,
        look,
        card=card,
        monotonic=here.world.clock.monotonic,
    )
    here.node.whose.alone = lambda: member.alone
    return member.run()


def _roll_call(here: Serving) -> Coroutine[Any, Any, object]:
    here.roll_call = RollCall(here.node.ledger)
    return here.roll_call.run()


def _bell(here: Serving) -> Coroutine[Any, Any, object]:
    bell = here.bell = Bell(here.world.tables.wires, here.machine.name)
    here.node.ledger.subscribe(lambda _committed: bell.ring("journal"))
    return bell.run()


def _tail(here: Serving) -> Coroutine[Any, Any, object]:
    source, ends = MemoryTail(here.store), here.node.ends
    tail = here.tail = Tail(
        source, here.machine.name, ends, lambda: _peers(here), every=UNRUNG_SECONDS
    )
    kinds = [e.MessageAdded, e.CustomerLeft]
    tail.subscribe(lambda _node, _entries: here.chat.look_all(), kinds)
    known(here.bell).on("journal", lambda _node, _payload: tail.wake())
    return tail.run()


def _peers(here: Serving) -> Sequence[Peer]:
    return here.member.peers if here.member is not None else ()


def _colleagues(here: Serving) -> Coroutine[Any, Any, object]:
    rows = MemoryColleagues(here.store)
    gate = here.node.ledger.gate
    return Overhearing(known(here.tail), rows, here.push.hub, gate).run()


def _directory(here: Serving) -> Coroutine[Any, Any, object]:
    rows = MemoryDirectory(here.store)
    here.directory = Directory(here.node.ledger, rows, known(here.tail))
    return here.directory.run()


def _contacts(here: Serving) -> Coroutine[Any, Any, object]:
    bell, intake = known(here.bell), here.node.intake
    looking = Looking("what others received for us", intake.look, every=UNRUNG_SECONDS)
    intake.ring = lambda to: bell.ring("inbox", to)
    bell.on("inbox", lambda _node, _whose: looking.wake())
    known(here.tail).subscribe(intake.heard, [e.InboundDecided])
    known(here.tail).subscribe(here.node.values.heard, [e.CustomerValued])
    return looking.run()


def _asking(here: Serving) -> Coroutine[Any, Any, object]:
    rows = MemoryRelay(here.store)
    here.asking = Asking(
        here.node.ledger, here.node.writer, rows, bell=here.bell, every=UNRUNG_SECONDS
    )
    return here.asking.run()


def _handover(here: Serving) -> Coroutine[Any, Any, object]:
    here.handover = Handover(
        here.node,
        MemoryHandover(here.store),
        known(here.asking),
        lambda: _peers(here),
        bell=here.bell,
    )
    here.handover.arriving = lambda: known(here.takeover).under_way
    return here.handover.run()


def _evacuation(here: Serving) -> Coroutine[Any, Any, object]:
    async def leave() -> None:
        here.leaving = True
        here.push.turn_away("the node is being evacuated")
        await known(here.duties).stand_down(GIVING_UP_SECONDS)

    async def come_back() -> None:
        here.leaving = False
        here.push.turn_away("")
        known(here.duties).stand_up()

    here.evacuation = Evacuation(
        here.node,
        MemoryHandover(here.store),
        known(here.handover),
        known(here.asking),
        lambda: _peers(here),
        "here",
        stop_taking=leave,
        take_again=come_back,
    )
    return here.evacuation.run()


def _capacity(here: Serving) -> Coroutine[Any, Any, object]:
    here.figures = Publication(
        here.node.ledger,
        MemoryCapacity(here.store),
        here.node.writer.current_term,
        lambda: _peers(here),
        "here",
        monotonic=here.world.clock.monotonic,
        every=FIGURES_SECONDS,
    )
    return here.figures.run()


def _overflow(here: Serving) -> Coroutine[Any, Any, object]:
    here.overflow = Overflow(
        here.node,
        known(here.figures),
        known(here.asking),
        known(here.handover),
        "here",
        accepts=lambda: not here.leaving,
        presences=MemoryHomes(here.store),
        monotonic=here.world.clock.monotonic,
    )
    return here.overflow.run()


def _afar(here: Serving) -> Coroutine[Any, Any, object]:
    here.node.desk.afar = Afar(
        here.node,
        known(here.asking),
        known(here.handover),
        known(here.overflow),
        MemoryHomes(here.store),
        MemoryContacts(here.store),
    )
    return _nothing_runs()


async def _nothing_runs() -> None:
    """It acts when it is called."""


def _duties(here: Serving) -> Coroutine[Any, Any, object]:
    """The mailbox is read by whoever has the duty."""
    world, node, bell = here.world, here.node, known(here.bell)
    duties = here.duties = Duties(
        MemoryDuties(here.store),
        node.writer.current_term,
        here.machine.name,
        "here",
        record=lambda event: node.ledger.record([e.Change(event)]),
        tell=lambda: bell.ring("duties"),
        monotonic=world.clock.monotonic,
        every=DUTY_SECONDS,
    )
    bell.on("duties", lambda _node, _payload: duties.wake())
    prefer = Prefer(node=world.preferred) if world.preferred else None
    seat = duties.seat(MAIL, here.mail.name, prefer=prefer)
    here.mail.sit(seat, UnderDuty(seat, node.intake, node.memory))
    return duties.run()


def _thresholds(here: Serving) -> Coroutine[Any, Any, object]:
    """One of the nodes watches the figures of all."""
    care, figures = here.node.care, known(here.figures)
    return known(here.duties).perform("thresholds", lambda _term: care.watch(figures.whole))


def _releases(here: Serving) -> Coroutine[Any, Any, object]:
    here.releases = Releases(here.node, known(here.asking), known(here.handover))
    return here.releases.run()


def known(part: T | None) -> T:
    assert part is not None
    return part


PARTS: Sequence[Part] = (
    _bell, _tail, _directory, _contacts, _duties, _takeover, _roll_call, _membership, _asking,
    _handover, _evacuation, _capacity, _overflow, _afar, _releases, _thresholds,
    _colleagues,
)  # fmt: skip
"""In this order: a part may use what an earlier one has put into ``Serving``."""
