"""Small values for tests, and a house to try the core in.

``House`` is what is left of a node without loops, sockets and a database: the real ledger, the
real routing engine, deadlines, and the tables of the store in memory, which check every version.
Everything it records is on disk at once. Time stands still until ``pass_time``.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core import hands, intake
from gateway.core.arrival import Past
from gateway.core.bounces import Report, reported_id
from gateway.core.correlate import Candidates
from gateway.core.deadlines import Deadline, deadlines_of, expire
from gateway.core.desk import Desk, Resolved, decide
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    CommandId,
    ItemId,
    MessageId,
    NewId,
    NodeName,
    Position,
    QueueName,
    SkillName,
    TicketNumber,
)
from gateway.core.inbound import Claim, Decided, Inbound
from gateway.core.model import (
    AgentProfile,
    AgentStatus,
    Case,
    ChannelKind,
    CustomerBrief,
    Item,
    ItemState,
    Offer,
    Presence,
    Queue,
    Requirement,
)
from gateway.core.pretence import Stated, stated
from gateway.core.routing.choose import Match, Wait
from gateway.core.routing.engine import Engine, offer_for
from gateway.core.routing.rings import Widen
from gateway.core.state import NodeState
from gateway.flow.findings import cases_of, newest, subject_of
from gateway.flow.ledger import MOST, Ledger
from gateway.flow.pacing import count_inbound, count_mails, count_reply
from gateway.store.contract import Stored
from tests.support.memory_tables import Tables

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NODE = NodeName("n1")
GENERAL = QueueName("general")
MAIL, SITE, OFFICE = ChannelName("mail"), ChannelName("site"), ChannelName("office")
KINDS = {MAIL: ChannelKind.EMAIL, SITE: ChannelKind.WEBCHAT, OFFICE: ChannelKind.TASK}


class HandClock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def counted_ids() -> NewId:
    """UUIDs in order, the same in every run."""
    counter = itertools.count(1)
    return lambda: f"0190a000-0000-7000-8000-{next(counter):012x}"


def agent(
    name: str,
    levels: Mapping[str, int] | None = None,
    *,
    queues: Sequence[str] = (),
    **more: int,
) -> AgentProfile:
    """``agent("ana", de=2, billing=1)`` or ``agent("ana", {"de": 2})``."""
    return AgentProfile(
        name=AgentName(name),
        display_name=name.title(),
        skills={SkillName(s): level for s, level in ({**(levels or {}), **more}).items()},
        queues=tuple(QueueName(q) for q in queues),
    )


def queue(name: str = GENERAL, **policy: Any) -> Queue:
    return Queue(name=QueueName(name), **policy)


def item(state: ItemState = ItemState.NEW, **fields: Any) -> Item:
    """An item in any state, with what that state needs."""
    known: dict[str, Any] = {
        "id": ItemId("0190a000-0000-7000-8000-00000000aaaa"),
        "case": CaseId("0190a000-0000-7000-8000-00000000cccc"),
        "number": TicketNumber(7),
        "channel": MAIL,
        "kind": ChannelKind.EMAIL,
        "queue": GENERAL,
        "state": state,
        "version": 1,
        "owner": NODE,
        "created_at": START,
        "address": "eva@example.org",
    }
    if state is ItemState.OFFERED:
        known["offer"] = Offer(
            id=hands_id("0f"),
            agent=AgentName("ana"),
            made_at=START,
            deadline=START + timedelta(seconds=120),
            reason="because",
        )
    if state in (ItemState.ASSIGNED, ItemState.WRAPPING):
        known["agent"] = known["last_agent"] = AgentName("ana")
    return Item(**(known | fields))


def hands_id(tail: str) -> Any:
    return f"0190a000-0000-7000-8000-{tail:0>12}"


def case(**fields: Any) -> Case:
    known: dict[str, Any] = {
        "id": CaseId("0190a000-0000-7000-8000-00000000cccc"),
        "number": TicketNumber(7),
        "version": 1,
        "opened_at": START,
        "channel": MAIL,
        "kind": ChannelKind.EMAIL,
    }
    return Case(**(known | fields))


def mail(key: str, **fields: Any) -> Inbound:
    """A mail from one sender, unless ``identity`` says otherwise."""
    known: dict[str, Any] = {
        "channel": MAIL,
        "kind": ChannelKind.EMAIL,
        "key": key,
        "at": START,
        "identity": Claim(kind="email", value="eva@example.org", name="Eva", verified=True),
        "subject": f"About {key}",
        "body": "Good morning",
        "external_id": f"{key}@example.org",
        "address": "eva@example.org",
    }
    return Inbound(**(known | fields))


def chat(key: str, **fields: Any) -> Inbound:
    """A visitor's line."""
    known: dict[str, Any] = {
        "channel": SITE,
        "kind": ChannelKind.WEBCHAT,
        "key": key,
        "at": START,
        "identity": Claim(kind="visitor", value="v1", verified=True),
        "body": "Hello?",
        "client_id": key,
    }
    return Inbound(**(known | fields))


def task(key: str, **fields: Any) -> Inbound:
    """A back-office task."""
    known: dict[str, Any] = {
        "channel": OFFICE,
        "kind": ChannelKind.TASK,
        "key": key,
        "at": START,
        "subject": f"Check {key}",
    }
    return Inbound(**(known | fields))


class House:
    """See the module's docstring."""

    def __init__(
        self,
        *profiles: AgentProfile,
        queues: Sequence[Queue] = (),
        settles: bool = True,
        most: int = MOST,
    ) -> None:
        self.clock = HandClock()
        self.new_id = counted_ids()
        self.tables = Tables(self.new_id, self.clock.now)
        self.term = self.tables.begin(NODE)
        self.state = NodeState(NODE)
        self.state.channels.update(KINDS)
        self.ledger = Ledger(self.state, self.clock, self.new_id, self.term.epoch, most=most)
        self.engine = Engine(self.state)
        self.entries: list[e.Entry] = []
        self.offers: list[Match] = []
        self.waits: list[Wait] = []
        self.deadlines: set[Deadline] = set()
        self.settles = settles
        self._numbers = itertools.count(1)
        self._commands = itertools.count(1)
        self.ledger.observe(self._observe)
        for one in queues or (queue(),):
            self.record([e.Change(e.QueueDefined(queue=one, by="test"))])
        for profile in profiles:
            self.record([e.Change(e.AgentDefined(profile=profile, by="test"))])

    # -- recording --------------------------------------------------------------------------

    def _observe(self, entry: e.Entry) -> None:
        count_reply(self.state, entry)
        count_mails(self.state, entry)
        self.entries.append(entry)
        for row in entry.rows:
            self.engine.note(row)
            self.deadlines.update(deadlines_of(row))

    def record(self, changes: Sequence[e.Change]) -> Position:
        """Into the state and onto the disk."""
        position = self.ledger.record(changes)
        self.flush()
        if self.settles:
            self.settle()
        return position

    def flush(self) -> None:
        while self.ledger.waiting:
            entries = self.ledger.take().entries
            self.tables.commit(self.term, entries)
            self.ledger.landed(entries)

    def settle(self) -> list[Match]:
        """Offer until nothing more can be offered; what was offered now."""
        made: list[Match] = []
        while self.engine.pending:
            for found in self.engine.matches(self.clock.now()):
                if isinstance(found, Widen):
                    opened = e.RingOpened(item=found.item, ring=found.ring, reason=found.reason)
                    self.ledger.record([e.Change(opened)])
                if isinstance(found, Wait):
                    self.waits.append(found)
                if not isinstance(found, Match):
                    continue
                made.append(found)
                offer = offer_for(self.state, found, self.ledger.context())
                self.ledger.record([e.Change(e.OfferMade(item=found.item, offer=offer))])
        self.flush()
        self.offers += made
        return made

    # -- what happens -----------------------------------------------------------------------

    def sign_in(self, *names: str, ready: bool = True) -> None:
        for name in names:
            who = AgentName(name)
            known = self.tables.statuses.get(who)
            if known is not None and not self.state.is_home_of(who):
                self.record([e.Change(e.AgentClaimed(status=known))])
            self.record(hands.attach(self.state, who, "tab", self.ledger.context()))
            if ready:
                self.say(name, c.State(id=self.command(), state="ready"))

    def drop(self, name: str) -> None:
        self.record(hands.detach(self.state, AgentName(name), "tab", "gone"))

    def command(self) -> CommandId:
        return CommandId(f"command-{next(self._commands):06}")

    def say(self, name: str, command: c.Command, **resolved: Any) -> dict[str, Any]:
        """An agent's command, done. Raises ``Refused``."""
        who = hands.profile_of(self.state, AgentName(name))
        desk = Desk(
            state=self.state,
            agent=who,
            ctx=self.ledger.context(),
            resolved=Resolved(**({"number": TicketNumber(next(self._numbers))} | resolved)),
        )
        changes, body = decide(desk, command)
        self.record(changes)
        return body

    def accept(self, name: str) -> Item:
        """The agent takes the one offer that is out to it."""
        offered = self.offered_to(name)
        assert len(offered) == 1, f"{name} has {len(offered)} offers"
        self.say(name, c.Accept(id=self.command(), offer=_offer(offered[0]).id))
        return self.state.items[offered[0].id]

    def decline(self, name: str) -> None:
        (offered,) = self.offered_to(name)
        self.say(name, c.Decline(id=self.command(), offer=_offer(offered).id))

    def complete(self, name: str, item_id: ItemId) -> None:
        self.say(name, c.Wrapup(id=self.command(), item=item_id, code="done"))

    def arrive(self, inbound: Inbound, *, past: Past | None = None, **found: Any) -> Decided:
        """Something comes in; ``found`` is what was looked up (``Candidates``).

        ``past`` is what its customer did before, unless what is in the tables is.
        """
        (stored,) = self.tables.receive(self.term, [inbound], [])
        return self.take_in(inbound, stored, Candidates(**found), past)

    def take_in(
        self,
        inbound: Inbound,
        stored: Stored,
        found: Candidates,
        past: Past | None = None,
    ) -> Decided:
        for one in cases_of(found):
            self.state.adopt(one)
        found = newest(found, self.state.cases)
        known = intake.Known(
            report=self._report(inbound),
            inbound_id=stored.id,
            number=TicketNumber(next(self._numbers)),
            default_queue=next(iter(self.state.queues)),
            customer=stored.customer,
            found=found,
            attachments=stored.attachments,
            past=past if past is not None else self._past(inbound, stored),
            last=self._last(found),
        )
        changes, decided = intake.decide(self.state, self.ledger.context(), inbound, known)
        self.record(changes)
        count_inbound(self.state, inbound, changes, self.clock.now())
        for one in cases_of(found):
            self.ledger.release(one.id)
        return decided

    def _last(self, found: Candidates) -> Item | None:
        case = subject_of(found)
        if case is None or self.state.talks_of_case(case.id):
            return None
        items = [item for item in self.tables.items.values() if item.case == case.id]
        return max(items, key=lambda item: item.id, default=None)

    def _past(self, inbound: Inbound, stored: Stored) -> Past:
        known = {(one.kind, one.value): self._owner(one) for one in stated(inbound)}
        owners = {key: owner for key, owner in known.items() if owner is not None}
        if stored.customer is None:
            return Past(owners=owners)
        seconds = self.state.rules.looks_back("messages")
        since = self.clock.now() - timedelta(seconds=seconds)
        return Past(wrote=self.tables.wrote(stored.customer.id, since, stored.id), owners=owners)

    def _owner(self, one: Stated) -> CustomerBrief | None:
        who = self.tables.identities.get((one.kind, one.value, True))
        return self.tables.customers.get(who) if who is not None else None

    def _report(self, inbound: Inbound) -> Report | None:
        message = self.tables.messages.get(reported_id(inbound) or MessageId(""))
        if message is None:
            return None
        opened = self.state.adopt(self.tables.cases[message.case])
        items = [one for one in self.tables.items.values() if one.case == opened.id]
        return Report(message=message, case=opened, last=max(items, key=lambda one: one.id))

    def new_item(self, **fields: Any) -> Item:
        """A mail that waits, with these fields."""
        self.clock.seconds += 0.001
        made = item(
            id=ItemId(self.new_id()),
            case=CaseId(self.new_id()),
            number=TicketNumber(next(self._numbers)),
            created_at=self.clock.now(),
            **fields,
        )
        opened = case(
            id=made.case, number=made.number, channel=made.channel, kind=made.kind,
            customer=made.customer, last_agent=made.last_agent,
        )  # fmt: skip
        self.record(
            [
                e.Change(e.CaseOpened(case=opened)),
                e.Change(e.ItemCreated(item=made)),
                e.Change(e.ItemQueued(item=made.id, queue=made.queue, reason="arrived")),
            ]
        )
        return self.state.items[made.id]

    def pass_time(self, seconds: float) -> None:
        """Every deadline on the way has its effect at its time."""
        until = self.clock.seconds + seconds
        while (due := self._next(until)) is not None:
            self.clock.seconds = max(self.clock.seconds, due)
            self._fire()
        self.clock.seconds = until

    def _next(self, until: float) -> float | None:
        times = [d.at for d in self.deadlines] + [w.at for w in self.waits]
        first = min(times, default=None)
        if first is None:
            return None
        seconds = (first - START).total_seconds()
        return seconds if seconds <= until else None

    def _fire(self) -> None:
        now = self.clock.now()
        for deadline in sorted(d for d in self.deadlines if d.at <= now):
            self.deadlines.discard(deadline)
            changes = expire(self.state, deadline, self.ledger.context())
            if changes:
                self.record(changes)
        due = [w for w in self.waits if w.at <= now]
        self.waits = [w for w in self.waits if w.at > now]
        for wait in due:
            self.engine.look_again(wait.item)
        if self.settles:
            self.settle()

    # -- questions --------------------------------------------------------------------------

    def offered_to(self, name: str) -> list[Item]:
        return [i for i in self.state.in_hand(AgentName(name)) if i.offer is not None]

    def offered(self) -> dict[ItemId, AgentName]:
        return {i.id: i.offer.agent for i in self.state.items.values() if i.offer is not None}

    def status(self, name: str) -> AgentStatus:
        return self.state.statuses[AgentName(name)]

    def is_ready(self, name: str) -> bool:
        return self.status(name).presence is Presence.READY

    def events(self, kind: type[Any]) -> list[Any]:
        return [entry.event for entry in self.entries if isinstance(entry.event, kind)]

    def customer(self, name: str = "Eva", **fields: Any) -> CustomerBrief:
        return CustomerBrief(id=hands_id("c0"), name=name, **fields)


def needs(**skills: int) -> Requirement:
    return Requirement(skills={SkillName(s): level for s, level in skills.items()})


def with_queue(one: Item, name: str) -> Item:
    return replace(one, queue=QueueName(name))


def _offer(one: Item) -> Offer:
    assert one.offer is not None
    return one.offer
