"""Two gateways and three machines that answer mail, pointed at each other for an hour.

The gateways are the real flow on virtual time; what one of them sends is composed to the bytes of a
mail, and what reaches one is parsed from them. Everything that writes by itself is switched on.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from channels.email.addresses import Address
from channels.email.compose import compose
from channels.email.parse import Envelope
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.calendars import WEEKDAYS, Calendar
from gateway.core.clocks import ServicePolicy
from gateway.core.courtesy import Courtesy
from gateway.core.ids import AgentName, CalendarName, NewId, PolicyName, RuleName
from gateway.core.model import Delivery, ItemState
from gateway.core.rules.rule import Rule, Status, Then
from gateway.ports import Outbound, Receipt
from tests.support.builders import MAIL, agent, queue
from tests.support.flownode import Rig, running
from tests.support.mailworld import UNDERSTANDING
from tests.support.memory_tables import Tables
from tests.support.virtual import START, run

HOUR = 3600.0
TRAVELS = 0.3
"""Seconds that a mail is on its way."""
POLICY = ServicePolicy(name=PolicyName("soon"), first_reply=900.0, next_reply=900.0)
CLOSED = Calendar(
    name=CalendarName("office"),
    zone="Europe/Berlin",
    week=dict.fromkeys(WEEKDAYS, ("22:00-23:00",)),
    closed_replies={"email": {"": "We are closed until {opens}."}},
)
SPEAKING = (
    Rule(name=RuleName("told"), on=("contact", "message"), then=Then(status=Status())),
    Rule(name=RuleName("wait"), on=("waiting",), after=1800.0, then=Then(reply="Please wait.")),
    Rule(name=RuleName("again"), on=("reopened",), then=Then(reply="It is open again.")),
)
Answer = Callable[[Message, "Internet"], EmailMessage | None]


class Internet:
    """Brings mails to who has the address; remembers what machines of ours have sent."""

    def __init__(self, strip: bool) -> None:
        self.reads: dict[str, Callable[[bytes], None]] = {}
        self.automatic: list[tuple[str, str, str]] = []
        self.carried = 0
        self._strip = strip
        self._count = itertools.count(1)

    def number(self) -> int:
        return next(self._count)

    def post(self, to: str, raw: bytes, after: float = TRAVELS) -> None:
        self.carried += 1
        read = self.reads.get(to.lower())
        if read is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(after, read, self._stripped(raw) if self._strip else raw)

    def _stripped(self, raw: bytes) -> bytes:
        """Some relays take away what says that a machine wrote it."""
        mail = message_from_bytes(raw, policy=policy.SMTP)
        for name in ("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence"):
            del mail[name]
        return mail.as_bytes()


class Machine:
    """Answers every mail by its own manner, a second later."""

    def __init__(self, address: str, net: Internet, manner: Answer) -> None:
        self.address = address
        self._net = net
        self._manner = manner
        net.reads[address] = self._read

    def begin(self, to: str) -> None:
        """The person behind it writes first."""
        mail = EmailMessage()
        mail["Subject"], mail["To"] = "My order has not come", to
        mail.set_content(f"Good morning, this is {self.address}. Where is what I have ordered?")
        self._send(mail)

    def _read(self, raw: bytes) -> None:
        mail = message_from_bytes(raw, policy=policy.default)
        answer = self._manner(mail, self._net)
        if answer is not None:
            answer["To"] = str(mail["From"])
            self._send(answer)

    def _send(self, mail: EmailMessage) -> None:
        mail["From"] = self.address
        mail["Message-ID"] = f"<{self._net.number()}@{self.address.partition('@')[2]}>"
        to = mail["To"].addresses[0].addr_spec
        self._net.post(to, mail.as_bytes(policy=policy.SMTP), 1.0)


def well_behaved() -> Answer:
    """RFC 3834: says what it is, answers no machine, and each sender once."""
    known: set[str] = set()

    def answer(mail: Message, _net: Internet) -> EmailMessage | None:
        sender = str(mail["From"])
        if mail.get("Auto-Submitted", "no") != "no" or sender in known:
            return None
        known.add(sender)
        made = EmailMessage()
        made["Subject"], made["Auto-Submitted"] = f"Auto: {mail['Subject']}", "auto-replied"
        made["In-Reply-To"], made["Return-Path"] = mail["Message-ID"], "<>"
        made.set_content("I am on holiday until the end of the month.")
        return made

    return answer


def without_headers(subject: str) -> Answer:
    """Says nothing of itself but in its subject, in whatever language; answers everything."""

    def answer(mail: Message, _net: Internet) -> EmailMessage | None:
        made = EmailMessage()
        made["Subject"] = f"{subject}: {mail['Subject']}"
        made["In-Reply-To"] = mail["Message-ID"]
        made.set_content("Jag är inte på kontoret och svarar när jag är tillbaka på måndag.")
        return made

    return answer


def nasty(refers: bool) -> Answer:
    """Quotes and answers everything at once, says nothing of itself, and never the same."""

    def answer(mail: Message, net: Internet) -> EmailMessage | None:
        made = EmailMessage()
        said = mail.get_body(("plain",)) if isinstance(mail, EmailMessage) else None
        words = said.get_content() if said is not None else ""
        made["Subject"] = f"Re: {mail['Subject']}"
        if refers:
            made["References"] = mail["Message-ID"]
        quoted = "".join(f"> {line}\n" for line in words.splitlines()[:40])
        made.set_content(f"We take note of number {net.number()}.\n\n{quoted}")
        return made

    return answer


def ids(house: int) -> NewId:
    counter = itertools.count(1)
    return lambda: f"0190a00{house}-0000-7000-8000-{next(counter):012x}"


@asynccontextmanager
async def gateway(number: int, net: Internet, *, closed: bool) -> AsyncIterator[Rig]:
    """One whose mailbox is at ``house{number}.example``, with all that speaks switched on."""
    own = Address(f"help@house{number}.example", "Help")
    house = queue(
        service_policy=POLICY.name,
        hours=CLOSED.name if closed else "",
        courtesy=Courtesy(acknowledge=True, grace_seconds=30.0, closing=True),
    )
    async with running(Tables(ids(number)), agent("ana"), queues=[house], ready=False) as rig:
        ledger = rig.node.ledger
        ledger.link = lambda case, _customer, _renewed: f"https://house{number}.example/t/{case}"
        ledger.state.addresses[MAIL] = own.address
        ledger.record([e.Change(e.ServicePolicyDefined(policy=POLICY, by="test"))])
        ledger.record([e.Change(e.CalendarDefined(calendar=CLOSED, by="test"))])
        ledger.record([e.Change(e.RuleDefined(rule=one, by="test")) for one in SPEAKING])
        rig.sinks[MAIL].send = _sending(own, net)  # type: ignore[method-assign,assignment]
        async with asyncio.TaskGroup() as reading:
            net.reads[own.address] = _reading(rig, own, net, reading)
            yield rig
            net.reads.clear()


def _sending(own: Address, net: Internet) -> Callable[[Outbound], Coroutine[Any, Any, Receipt]]:
    async def send(out: Outbound) -> Receipt:
        mail = compose(out, own)
        if out.message is not None and out.message.author.kind == "system":
            first = out.message.body.partition("\n")[0]
            net.automatic.append((own.address, mail.recipients[0], first))
        for to in mail.recipients:
            net.post(to, mail.data)
        await asyncio.sleep(0)
        return Receipt(external_id=mail.message_id, delivery=Delivery.SENT)

    return send


def _reading(
    rig: Rig, own: Address, net: Internet, group: asyncio.TaskGroup
) -> Callable[[bytes], None]:
    async def take(raw: bytes) -> None:
        envelope = Envelope(
            channel=MAIL,
            key=f"INBOX:1:{net.number()}",
            at=rig.node.ledger.clock.now(),
            own=frozenset({own.address}),
            size=len(raw),
        )
        inbound = replace(UNDERSTANDING.parser(raw, envelope), raw=None)
        await rig.node.intake.receive([inbound])

    def read(raw: bytes) -> None:
        group.create_task(take(raw))

    return read


async def works(rig: Rig, pause: float) -> None:
    """An agent who answers whatever waits, now and then, and closes it."""
    ana = AgentName("ana")
    attached = rig.node.desk.attach(ana, "tab")
    await rig.node.ledger.committed(attached.position)
    while True:
        await asyncio.sleep(pause)
        state = rig.node.ledger.state
        status = state.statuses.get(ana)
        waiting = [i for i in state.items.values() if i.state is ItemState.QUEUED and i.address]
        if status is None or not waiting:
            continue
        one = waiting[0]
        taken = e.ItemAssigned(item=one.id, agent=ana, by="test", reason="next")
        await rig.node.ledger.committed(rig.node.ledger.record([e.Change(taken)]))
        sends = c.Send(id=rig.command(), item=one.id, body="It is on its way.", then="close")
        await rig.node.desk.act(ana, sends, maybe_repeated=False)
        wraps = c.Wrapup(id=rig.command(), item=one.id, code="done")
        await rig.node.desk.act(ana, wraps, maybe_repeated=False)


async def hour(
    subject: str, *, refers: bool, strip: bool, closed: tuple[bool, bool], pause: float
) -> Internet:
    """All pointed at each other."""
    net = Internet(strip)
    machines = [
        Machine("eva@vacation.example", net, well_behaved()),
        Machine("kim@quiet.example", net, without_headers(subject)),
        Machine("max@nasty.example", net, nasty(refers)),
    ]
    houses = gateway(1, net, closed=closed[0]), gateway(2, net, closed=closed[1])
    async with houses[0] as one, houses[1] as two, asyncio.TaskGroup() as group:
        people = [group.create_task(works(rig, pause)) for rig in (one, two)]
        for machine in machines:
            machine.begin("help@house1.example")
            machine.begin("help@house2.example")
        for rig, other in ((one, "help@house2.example"), (two, "help@house1.example")):
            await asyncio.sleep(5)
            composed = c.Compose(id=rig.command(), channel=MAIL, to=other, body="Hello?")
            await rig.node.desk.act(AgentName("ana"), composed, maybe_repeated=False)
        await asyncio.sleep(HOUR)
        for each in people:
            each.cancel()
    assert START + timedelta(seconds=HOUR) <= one.node.ledger.clock.now()
    for rig in (one, two):
        assert all(row.decided for row in rig.tables.inbox.values())
        assert len(rig.tables.inbox) >= len(machines)
    return net


def test_two_gateways_and_three_autoresponders_send_less_than_ten_automatic_mails_in_an_hour() -> (
    None
):
    net = run(
        hour("Frånvaromeddelande", refers=True, strip=False, closed=(True, False), pause=1200.0)
    )
    assert 0 < len(net.automatic) < 10, net.automatic


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    subject=st.sampled_from(["Automatische Antwort", "Borte fra kontoret", "不在", "Hello", "Re"]),
    refers=st.booleans(),
    strip=st.booleans(),
    closed=st.tuples(st.booleans(), st.booleans()),
    pause=st.sampled_from([45.0, 400.0, 5000.0]),
)
def test_whatever_they_say_and_whoever_strips_their_marks_it_ends(
    subject: str, refers: bool, strip: bool, closed: tuple[bool, bool], pause: float
) -> None:
    net = run(hour(subject, refers=refers, strip=strip, closed=closed, pause=pause))
    # What is said to the person who wrote first is meant; the machines get one mail each.
    machines = [one for one in net.automatic if "vacation" not in one[1]]
    assert len(machines) < 10, machines
    assert len(net.automatic) <= 10, net.automatic
