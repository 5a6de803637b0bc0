"""What a run of entries becomes before it is sent."""

import gc
import weakref
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.bad_addresses import BadAddress
from gateway.core.calendars import Calendar
from gateway.core.clocks import ServicePolicy
from gateway.core.colleagues import ColleagueMark, ColleagueMessage
from gateway.core.ids import (
    AlarmName,
    CalendarName,
    CannedName,
    LetterName,
    MacroName,
    PolicyName,
    Position,
    RuleName,
    SiteName,
)
from gateway.core.macros import Macro
from gateway.core.rules.rule import Rule
from gateway.core.stops import Stop
from gateway.core.thresholds import Alarm
from gateway.core.ties import CasePlace, ItemPlace, MessagePlace
from gateway.core.wordings import Canned, Letter
from gateway.store.batch import PgBatch
from tests.store.rows import (
    BOB,
    EVA,
    NOW,
    SITE,
    a_case,
    a_message,
    an_event,
    an_item,
    an_outgoing,
    uid,
)

PLACES = [
    *("events", "new_cases", "cases", "new_items", "items", "messages", "files", "deliveries"),
    *("new_outgoing", "outgoing", "new_statuses", "statuses", "agents", "queues"),
    *("commands", "done", "sites", "entries", "said", "marks"),
    *("case_places", "message_places", "item_places"),
]


def batch(*changes: tuple[e.Event, tuple[e.Row, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    entries = [
        e.Entry(Position(3, offset), NOW, event, rows)
        for offset, (event, rows) in enumerate(changes, start=1)
    ]
    made = PgBatch()
    for entry in entries:
        made.add(entry)
    return dict(zip(PLACES, made.arguments(), strict=True))


def test_a_row_changed_three_times_is_written_once_as_it_ends() -> None:
    item = an_item(a_case(), version=7)
    last = replace(item, version=9, priority=4)
    made = batch(
        (an_event(), (item,)),
        (an_event(), (replace(item, version=8),)),
        (an_event(), (last,)),
    )
    [row] = made["items"]
    assert row[0] == 6  # the version that must be there
    assert msgspec.json.decode(row[-1], type=m.Item) == last
    assert len(made["events"]) == 3


def test_a_new_row_expects_nothing_to_be_there() -> None:
    made = batch((an_event(), (an_outgoing(), a_case())))
    assert [row[0] for row in made["new_outgoing"] + made["new_cases"]] == [0, 0]
    assert made["outgoing"] == made["cases"] == []


def test_every_event_stands_at_its_place_with_its_kind() -> None:
    made = batch(
        (e.ItemRepaired(item=uid(), problem="x"), ()),
        (e.AgentStateChanged(agent=EVA, presence=m.Presence.READY), ()),
    )
    assert [(row[0], row[1], row[3]) for row in made["events"]] == [
        (3, 1, "item_repaired"),
        (3, 2, "agent_state_changed"),
    ]
    payload = msgspec.json.decode(made["events"][1][-1])
    assert payload["kind"] == "agent_state_changed"


CASE = a_case()
ITEM = an_item(CASE)
MESSAGE = a_message(CASE, item=ITEM.id)


@pytest.mark.parametrize(
    ("event", "rows", "about"),
    [
        (e.CaseOpened(case=CASE), (CASE,), (CASE.id, None)),
        (e.ItemCreated(item=ITEM), (ITEM,), (CASE.id, ITEM.id)),
        (
            e.MessageAdded(message=MESSAGE.id, case=CASE.id, seq=1, direction="in", item=ITEM.id),
            (MESSAGE, CASE),
            (CASE.id, ITEM.id),
        ),
        (e.ItemQueued(item=ITEM.id, queue=ITEM.queue, reason="x"), (ITEM,), (CASE.id, ITEM.id)),
        (
            e.OutboundAttempted(outbound=uid(), attempt=1),
            (an_outgoing(case=CASE.id, item=ITEM.id),),
            (CASE.id, ITEM.id),
        ),
        (an_event(), (), (None, None)),
        (e.ChannelHealthChanged(channel=SITE, health="up"), (), (None, None)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, msgspec.Struct) else "",
)
def test_the_trace_knows_what_an_event_is_about(
    event: e.Event, rows: tuple[e.Row, ...], about: tuple[Any, Any]
) -> None:
    [row] = batch((event, rows))["events"]
    assert (row[4], row[5]) == about


def test_no_event_carries_a_message_body() -> None:
    body = "secret " * 100
    message = a_message(CASE, body=body, html=f"<p>{body}</p>")
    added = e.MessageAdded(message=message.id, case=CASE.id, seq=1, direction="in")
    made = batch((added, (message,)))
    assert b"secret" not in made["events"][0][-1]
    assert body in msgspec.json.decode(made["messages"][0][-1])["body"]


def test_deliveries_of_one_message_become_one_and_keep_its_outside_id() -> None:
    sent = m.DeliveryUpdate(message=MESSAGE.id, delivery=m.Delivery.SENT, external_id="x@y")
    read = m.DeliveryUpdate(message=MESSAGE.id, delivery=m.Delivery.READ)
    [(message, external, patch)] = batch((an_event(), (sent, read)))["deliveries"]
    assert (message, external) == (MESSAGE.id, "x@y")
    assert msgspec.json.decode(patch) == {
        "delivery": "read",
        "delivery_reason": "",
        "external_id": "x@y",
    }


def test_a_command_keeps_its_first_answer() -> None:
    first = m.CommandRecord(agent=EVA, id=uid(), at=NOW, answer=b"1")
    [row] = batch((an_event(), (first, replace(first, answer=b"2"))))["commands"]
    assert row[-1] == b"1"


def test_every_kind_of_row_has_its_place() -> None:
    file = m.Attachment(id=uid(), name="a", type="b", size=1, sha256="c")
    rows: tuple[e.Row, ...] = (
        CASE,
        ITEM,
        replace(MESSAGE, attachments=(file,)),
        m.Amended(message=MESSAGE),
        m.DeliveryUpdate(message=MESSAGE.id, delivery=m.Delivery.SENT),
        an_outgoing(),
        m.AgentStatus(name=EVA, since=NOW, idle_since=NOW, version=1),
        m.AgentProfile(name=EVA),
        m.Queue(name=ITEM.queue),
        m.Site(name=SiteName("port"), open_percent=40, reason="storm"),
        Calendar(name=CalendarName("office")),
        ServicePolicy(name=PolicyName("gold")),
        Rule(name=RuleName("door")),
        Macro(name=MacroName("sorry")),
        Alarm(name=AlarmName("general/full")),
        BadAddress(name="0af3"),
        Stop(name="0af4"),
        Canned(name=CannedName("thanks")),
        Letter(name=LetterName("house")),
        m.CommandRecord(agent=EVA, id=uid(), at=NOW, answer=b""),
        m.InboundDone(id=uid(), status="ignored"),
        ColleagueMessage(id=uid(), by=EVA, at=NOW, body="psst", agent=BOB),
        ColleagueMark(reader=BOB, chat="eva and bob", message=uid()),
        CasePlace(case=uid(), into=uid()),
        MessagePlace(message=uid(), case=uid(), seq=3, to=uid(), to_seq=1),
        ItemPlace(item=uid(), case=uid()),
    )
    assert {type(row) for row in rows} == set(e.Row.__args__)
    made = batch((an_event(), rows))
    changed = {"cases", "items", "outgoing", "statuses"}
    assert {place: len(made[place]) for place in PLACES} == {
        place: 0 if place in changed else 9 if place == "entries" else 1 for place in PLACES
    }


def test_a_batch_is_gone_when_nobody_holds_it_without_waiting_for_the_collector() -> None:
    made = PgBatch()
    made.add(e.Entry(Position(3, 1), NOW, an_event(), (an_item(a_case()),)))
    last = weakref.ref(made)
    gc.disable()
    try:
        del made
        assert last() is None
    finally:
        gc.enable()
