"""This node among the others: who is there, and what passes between them."""

from collections.abc import Coroutine, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, Literal, Protocol

from gateway.cluster.afar import Afar
from gateway.cluster.asking import Asking
from gateway.cluster.bell import Bell
from gateway.cluster.capacity import Publication
from gateway.cluster.conversing import Conversing
from gateway.cluster.directory import Directory
from gateway.cluster.duties import Duties
from gateway.cluster.editions import Editions
from gateway.cluster.evacuation import Evacuation
from gateway.cluster.gate import still_ours
from gateway.cluster.handover import Handover
from gateway.cluster.homes import addresses
from gateway.cluster.joining import this_place
from gateway.cluster.looking import Looking
from gateway.cluster.membership import Membership
from gateway.cluster.overflow import Overflow
from gateway.cluster.places import Places
from gateway.cluster.release import Releases
from gateway.cluster.seats import Seat, UnderDuty
from gateway.cluster.sending import Sending
from gateway.cluster.tail import Tail
from gateway.cluster.takeover import Takeover
from gateway.config import Settings
from gateway.core import events as e
from gateway.core.duties import DutyState
from gateway.core.election import Look, Verdict
from gateway.core.ids import NodeName
from gateway.flow.node import Node
from gateway.flow.rollcall import RollCall
from gateway.ports import ChannelSettings
from gateway.store.contract import Card
from gateway.store.opening import Store


@cache
def _release() -> str:
    """Which one of ours runs here: read from disk, and this is asked for each second."""
    return version("switchroom")


def card_of(settings: Settings, state: Literal["joining", "serving", "leaving"]) -> Card:
    """What other nodes, and desktops that ask them, learn of this one."""
    ws_url = settings.public_url.replace("http", "ws", 1)
    return Card(
        state=state,
        region=settings.node.region,
        urls={
            "http": settings.public_url,
            "agent": f"{ws_url}/agent/v1",
            "chat": f"{ws_url}/chat/v1",
        },
        version=_release(),
        place=this_place(),
    )


class Host(Protocol):
    """What the process that the node runs in can do for it."""

    draining: bool

    async def follow_rooms(self) -> None:
        """See which channels other nodes have opened or closed."""
        ...

    async def stop_taking(self) -> None:
        """Shut the doors; who is here is sent on with what is in hand."""
        ...

    async def take_again(self) -> None:
        """Open them: the evacuation was called off."""
        ...


class Among:
    """The parts that know of other nodes, joined to those that need not."""

    def __init__(self, settings: Settings, store: Store, node: Node, host: Host) -> None:
        self.settings = settings
        self._store = store
        self._node = node
        self._host = host
        self.bell = Bell(store.wires, settings.node_name, needed=lambda: self.lease.accompanied)
        node.ledger.subscribe(lambda _committed: self.bell.ring("journal"))
        self.tail = Tail(
            store.tail,
            settings.node_name,
            node.ends,
            lambda: self.lease.peers,
            gate=node.ledger.gate,
        )
        self.bell.on("journal", lambda _node, _payload: self.tail.wake())
        self.directory = Directory(node.ledger, store.directory, self.tail)
        self.editions = Editions(node.ledger, node.writer, store.cluster)
        self.takeover = Takeover(node, store.cluster, learn=self.directory.learn)
        self.roll_call = RollCall(node.ledger)
        self.lease = Membership(
            store.journal,
            node.writer,
            settings.node_name,
            self._looked,
            card=lambda: card_of(settings, "leaving" if self.is_leaving else "serving"),
        )
        self.looks = Looking(
            "other nodes' channels", host.follow_rooms, needed=lambda: self.lease.accompanied
        )
        self.bell.on("channels", lambda _node, _payload: self.looks.wake())
        node.intake.ring = lambda to: self.bell.ring("inbox", to)
        node.whose.alone = lambda: self.lease.alone
        self.contacts = Looking(
            "what others received for us", node.intake.look, needed=lambda: self.lease.accompanied
        )
        self.bell.on("inbox", self._has_contact)
        self.tail.subscribe(node.intake.heard, [e.InboundDecided])
        self.conversing = Conversing(node, self.tail, self.bell)
        self.places = Places(
            self.bell, node.conversations.waiting_here, needed=lambda: self.lease.accompanied
        )
        node.conversations.elsewhere = self.places.elsewhere
        self.tail.subscribe(node.values.heard, [e.CustomerValued])
        self.asking = Asking(node.ledger, node.writer, store.relay, bell=self.bell)
        self.duties = Duties(
            store.duties,
            node.writer.current_term,
            settings.node_name,
            settings.node.region,
            record=lambda event: node.ledger.record([e.Change(event)]),
            tell=lambda: self.bell.ring("duties"),
        )
        self.bell.on("duties", lambda _node, _payload: self.duties.wake())
        self.figures = Publication(
            node.ledger,
            store.capacity,
            node.writer.current_term,
            lambda: self.lease.peers,
            settings.node.region,
        )
        self.handover = Handover(
            node, store.handover, self.asking, lambda: self.lease.peers, bell=self.bell
        )
        self.handover.arriving = lambda: self.takeover.under_way
        self.sending = Sending(node, self.handover, store.homes)
        self.releases = Releases(node, self.asking, self.handover)
        self.overflow = Overflow(
            node,
            self.figures,
            self.asking,
            self.handover,
            settings.node.region,
            accepts=lambda: not self.is_leaving,
            presences=store.homes,
        )
        self.afar = Afar(
            node, self.asking, self.handover, self.overflow, store.homes, store.contacts
        )
        node.desk.afar = self.afar
        self.evacuation = Evacuation(
            node,
            store.handover,
            self.handover,
            self.asking,
            lambda: self.lease.peers,
            settings.node.region,
            stop_taking=host.stop_taking,
            take_again=host.take_again,
        )

    def _looked(self, look: Look, verdicts: Sequence[Verdict]) -> None:
        self.editions.note(look)
        self.takeover.note(look, verdicts)
        self.roll_call.look(look.peers)
        self.duties.note(look.peers)

    def seat_of(self, settings: ChannelSettings, duty: str) -> tuple[Seat, UnderDuty]:
        """Where a channel waits until this node has its duty, and how it stores what it brings."""
        seat = self.duties.seat(
            duty, settings.name, label=f"channel {settings.name}", prefer=settings.prefer
        )
        return seat, UnderDuty(seat, self._node.intake, self._node.memory)

    def peers(self, purpose: Literal["agent", "chat"]) -> tuple[str, ...]:
        """Where the other nodes that serve are reached; before the first look, as configured."""
        found = addresses(self.lease.peers, self.settings.node_name, purpose)
        return found or (self.settings.node.peers if purpose == "agent" else ())

    @property
    def is_leaving(self) -> bool:
        """Whether others are to take what would come here."""
        return self._host.draining or self.evacuation.leaving

    def _has_contact(self, _node: NodeName, whose: str) -> None:
        if whose == self.settings.node_name:
            self.contacts.wake()

    # -- vitals -----------------------------------------------------------------------------

    def duty_states(self) -> Sequence[DutyState]:
        """What only one node may do at a time, and who does."""
        return self.duties.states()

    def tallies(self) -> Mapping[str, int]:
        """How often since this life of the node began."""
        return {
            "switchroom_duties_taken": self.duties.taken,
            "switchroom_takeovers": self.takeover.taken,
            "switchroom_takeovers_resumed": self.takeover.resumed,
            "switchroom_adopted_rows": self.takeover.adopted,
            "switchroom_overflow_asked": self.overflow.asked,
            "switchroom_overflow_granted": self.overflow.granted,
            "switchroom_overflow_moved": self.overflow.moved,
            "switchroom_overflow_sought": self.overflow.sought,
            "switchroom_handed_over_rows": self.handover.handed,
            "switchroom_taken_in_rows": self.handover.taken,
            "switchroom_handovers_returned": self.handover.returned,
            "switchroom_evacuations": self.evacuation.begun,
            "switchroom_releases": self.releases.released,
            "switchroom_questions_asked": self.asking.asked,
            "switchroom_questions_answered": self.asking.answered,
            "switchroom_commands_done_elsewhere": self.afar.done,
            "switchroom_commands_brought_here": self.afar.brought,
            "switchroom_agents_followed_work": self.afar.followed,
        }

    def loops(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        """What runs as long as the node does, by name."""
        return {
            "lease": self.lease.run(),
            "editions": self.editions.run(),
            "takeover": self.takeover.run(),
            "roll call": self.roll_call.run(),
            "duties": self.duties.run(),
            "capacity": self.figures.run(),
            "overflow": self.overflow.run(),
            "bell": self.bell.run(),
            "tail": self.tail.run(),
            "directory": self.directory.run(),
            "rooms": self.looks.run(),
            "contacts": self.contacts.run(),
            "asking": self.asking.run(),
            "places": self.places.run(),
            "handover": self.handover.run(),
            "release": self.releases.run(),
            "sending": self.sending.run(),
            "evacuation": self.evacuation.run(),
            "gate": self._node.ledger.gate.watch(
                lambda: still_ours(self._store.journal, self._node.writer)
            ),
        }
