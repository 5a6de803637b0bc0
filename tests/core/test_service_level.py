"""Service-level clocks: what each act does to them, and random lives against an oracle."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core import acts
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.calendars import WEEKDAYS, Calendar, Holiday, hours_of
from gateway.core.clocks import Clock, ServicePolicy
from gateway.core.ids import AgentName, CalendarName, ItemId, PolicyName, QueueName
from gateway.core.model import CaseStatus, Item, ItemState
from gateway.core.service_level import recounted, urgency, used
from tests.support.builders import START, House, agent, mail, queue
from tests.support.wallclock import MINUTE, TURNS, Oracle, calendar, spans

HOUR = 3600.0
ANA, SUE = AgentName("ana"), AgentName("sue")
GOLD = ServicePolicy(
    name=PolicyName("gold"), first_reply=HOUR, next_reply=2 * HOUR, resolution=8 * HOUR
)
OFFICE_HOURS = calendar(
    "Europe/Berlin", week=dict.fromkeys(WEEKDAYS[:5], ("09:00-12:30", "13:30-18:00"))
)


def house(policy: ServicePolicy = GOLD, *entries: Calendar | ServicePolicy, **fields: Any) -> House:
    """One queue with this policy, and one agent; nothing is offered by itself."""
    home = House(agent("ana"), queues=(queue(service_policy=policy.name, **fields),), settles=False)
    define(home, policy, *entries)
    home.sign_in("ana")
    return home


def define(home: House, *entries: Calendar | ServicePolicy) -> None:
    for entry in entries:
        event: e.Event
        if isinstance(entry, Calendar):
            event = e.CalendarDefined(calendar=entry, by="test")
        else:
            event = e.ServicePolicyDefined(policy=entry, by="test")
        home.record([e.Change(event)])


def arrives(home: House, key: str = "k1", **fields: Any) -> ItemId:
    decided = home.arrive(mail(key, **fields))
    assert decided.item is not None
    return decided.item


def item(home: House, key: ItemId) -> Item:
    return home.state.items.get(key) or home.tables.items[key]


def clock(home: House, key: ItemId, kind: Any) -> Clock:
    service = item(home, key).service
    assert service is not None
    found = service.clock(kind)
    assert found is not None, f"no clock {kind}"
    return found


def give(home: House, key: ItemId) -> None:
    home.record(acts.assign(home.state, key, ANA, SUE, ""))


def send(home: House, key: ItemId, then: Any = None) -> None:
    home.say("ana", c.Send(id=home.command(), item=key, body="Good day", then=then))


def writes_again(home: House, key: ItemId, text: str) -> ItemId:
    """The customer's next mail in the same case."""
    known = home.tables.cases[item(home, key).case]
    decided = home.arrive(mail(text), referenced=known, reference="our mail")
    assert decided.item is not None
    return decided.item


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


# -- beginning and meeting ------------------------------------------------------------------------


def test_a_mail_has_a_first_reply_and_a_resolution_to_come() -> None:
    home = house()
    key = arrives(home)
    assert clock(home, key, "first_reply").due_at == after(HOUR)
    assert clock(home, key, "resolution").due_at == after(8 * HOUR)
    assert item(home, key).due_at == after(HOUR)


def test_the_nearest_due_time_is_the_items() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    send(home, key)
    assert item(home, key).due_at == after(8 * HOUR)
    assert urgency(item(home, key), START) == 8 * HOUR


def test_a_reply_in_time_is_met_and_never_breached() -> None:
    home = house()
    key = arrives(home)
    home.pass_time(1800)
    give(home, key)
    send(home, key)
    home.pass_time(7200)
    first = clock(home, key, "first_reply")
    assert (first.met_at, first.used, first.breached_at) == (after(1800), 1800.0, None)
    assert not home.events(e.ServiceLevelBreached)


def test_each_question_after_a_reply_has_its_own_clock() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    send(home, key)
    home.pass_time(600)
    assert writes_again(home, key, "and then?") == key
    home.pass_time(300)
    writes_again(home, key, "hello?")
    assert clock(home, key, "next_reply").due_at == after(600 + 2 * HOUR)
    send(home, key)
    assert clock(home, key, "next_reply").used == 300.0
    home.pass_time(600)
    writes_again(home, key, "one more thing")
    assert clock(home, key, "next_reply").used == 0.0


def test_a_machine_waits_for_no_reply() -> None:
    home = house()
    service = item(home, arrives(home, machine=True)).service
    assert service is not None
    assert [one.kind for one in service.clocks] == ["resolution"]


def test_an_automatic_answer_is_no_reply() -> None:
    home = house()
    key = arrives(home)
    one = item(home, key)
    said = e.MessageAdded(
        message=home.new_id(),  # type: ignore[arg-type]
        case=one.case,
        seq=2,
        direction="out",
        item=key,
        automatic=True,
    )
    home.record([e.Change(said)])
    assert clock(home, key, "first_reply").met_at is None
    assert item(home, key).answered_at is None


def test_nothing_is_promised_where_a_queue_has_no_policy() -> None:
    home = House(agent("ana"), settles=False)
    assert item(home, arrives(home)).service is None
    assert not home.events(e.ClocksSet)


# -- standing and going on ------------------------------------------------------------------------


def test_the_clock_stands_while_the_customer_is_awaited() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    send(home, key, then="wait")
    home.pass_time(50_000)
    assert item(home, key).due_at is None
    writes_again(home, key, "here it is")
    resolution = clock(home, key, "resolution")
    assert resolution.due_at == after(50_000 + 8 * HOUR)


def test_what_is_put_aside_without_an_answer_goes_on_counting() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    home.pass_time(600)
    home.say("ana", c.Park(id=home.command(), item=key, until=after(50_000)))
    assert home.state.cases[item(home, key).case].status is CaseStatus.OPEN
    assert item(home, key).due_at == after(HOUR)
    home.pass_time(2 * HOUR)
    assert item(home, key).state is ItemState.HELD
    assert [b.clock for b in home.events(e.ServiceLevelBreached)] == ["first_reply"]
    assert clock(home, key, "resolution").since is not None


def test_what_is_put_aside_after_an_answer_waits_for_the_customer_until_its_time() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    send(home, key)
    home.say("ana", c.Park(id=home.command(), item=key, until=after(20 * HOUR)))
    assert home.state.cases[item(home, key).case].status is CaseStatus.WAITING
    assert item(home, key).due_at is None
    home.pass_time(20 * HOUR)
    assert item(home, key).state is ItemState.QUEUED
    assert item(home, key).due_at == after(28 * HOUR)
    assert home.state.cases[item(home, key).case].status is CaseStatus.OPEN


def test_a_requeue_changes_nothing() -> None:
    home = house()
    key = arrives(home)
    home.pass_time(600)
    before = item(home, key).service
    home.record(acts.requeue(home.state, key, None, SUE, "again"))
    give(home, key)
    home.record(acts.requeue(home.state, key, None, SUE, "and again"))
    assert item(home, key).service == before


def test_a_move_carries_what_was_used() -> None:
    home = house()
    slow = ServicePolicy(name=PolicyName("slow"), first_reply=4 * HOUR)
    define(home, slow)
    home.record([e.Change(e.QueueDefined(queue=queue("back", service_policy="slow"), by="test"))])
    key = arrives(home)
    home.pass_time(1200)
    home.record(acts.requeue(home.state, key, QueueName("back"), SUE, ""))
    assert clock(home, key, "first_reply").due_at == after(4 * HOUR)
    resolution = clock(home, key, "resolution")
    assert (resolution.since, resolution.used) == (None, 1200.0)
    home.pass_time(600)
    home.record(acts.requeue(home.state, key, QueueName("general"), SUE, ""))
    assert clock(home, key, "first_reply").due_at == after(HOUR)
    assert clock(home, key, "resolution").due_at == after(8 * HOUR + 600)


def test_a_clock_that_is_overdue_is_in_time_again_under_a_longer_promise() -> None:
    home = house()
    define(home, ServicePolicy(name=PolicyName("slow"), first_reply=4 * HOUR))
    home.record([e.Change(e.QueueDefined(queue=queue("back", service_policy="slow"), by="test"))])
    key = arrives(home)
    home.pass_time(2 * HOUR)
    assert clock(home, key, "first_reply").breached_at == after(HOUR)
    home.record(acts.requeue(home.state, key, QueueName("back"), SUE, ""))
    assert clock(home, key, "first_reply").breached_at is None
    assert item(home, key).due_at == after(4 * HOUR)


def test_a_case_that_is_opened_again_goes_on_where_its_clock_stood() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    send(home, key)
    home.pass_time(HOUR)
    home.complete("ana", key)
    assert home.tables.cases[item(home, key).case].status is CaseStatus.SOLVED
    (ended,) = home.events(e.ServiceLevelEnded)
    assert ended.service.clock("resolution").met_at == after(HOUR)
    home.pass_time(20 * HOUR)
    again = writes_again(home, key, "it is broken again")
    assert again != key
    resolution = clock(home, again, "resolution")
    assert (resolution.used, resolution.met_at) == (HOUR, None)
    assert resolution.due_at == after(21 * HOUR + 7 * HOUR)
    assert clock(home, again, "next_reply").due_at == after(21 * HOUR + 2 * HOUR)


def test_a_due_date_that_was_asked_for_stays_beside_the_clocks() -> None:
    home = house()
    early = arrives(home, "early", due_at=after(600))
    late = arrives(home, "late", due_at=after(100 * HOUR))
    assert item(home, early).due_at == after(600)
    assert item(home, late).due_at == after(HOUR)
    give(home, early)
    send(home, early)
    assert item(home, early).due_at == after(600)


def test_a_night_and_a_holiday_are_not_counted() -> None:
    closed = calendar(
        "Europe/Berlin",
        week=OFFICE_HOURS.week,
        holidays=(Holiday(date=(START + timedelta(days=1)).date(), label="Tuesday off"),),
    )
    home = house(GOLD, closed, hours="office")
    home.clock.seconds = 7.5 * HOUR  # half past five in Berlin, on a Monday
    key = arrives(home)
    assert item(home, key).due_at == datetime(2026, 3, 4, 8, 30, tzinfo=UTC)


# -- the directory changes ------------------------------------------------------------------------


def recount(home: House, key: ItemId) -> None:
    home.record(recounted(home.state, item(home, key), home.ledger.context(), "changed"))


def test_a_holiday_that_is_entered_late_counts_for_what_runs() -> None:
    home = house(GOLD, OFFICE_HOURS, hours="office")
    home.clock.seconds = 7.5 * HOUR
    key = arrives(home)
    holiday = Holiday(date=(START + timedelta(days=1)).date())
    define(home, calendar("Europe/Berlin", week=OFFICE_HOURS.week, holidays=(holiday,)))
    recount(home, key)
    assert item(home, key).due_at == datetime(2026, 3, 4, 8, 30, tzinfo=UTC)


def test_a_policy_that_changes_counts_from_then_on_for_what_waits() -> None:
    home = house()
    key = arrives(home)
    home.pass_time(600)
    define(home, ServicePolicy(name=GOLD.name, first_reply=900.0))
    recount(home, key)
    assert clock(home, key, "first_reply").due_at == after(900)
    home.pass_time(300)
    assert [b.clock for b in home.events(e.ServiceLevelBreached)] == ["first_reply"]


def test_a_directory_that_says_the_same_changes_nothing() -> None:
    home = house(GOLD, OFFICE_HOURS, hours="office")
    key = arrives(home)
    home.pass_time(1000)
    assert recounted(home.state, item(home, key), home.ledger.context(), "looked") == []


# -- ringing ---------------------------------------------------------------------------------------


def test_it_warns_then_breaches_then_raises_notifies_and_moves_up() -> None:
    strict = ServicePolicy(
        name=GOLD.name,
        first_reply=1000.0,
        notify_after=60.0,
        escalate_after=500.0,
        level_queues={"3": QueueName("third")},
    )
    home = house(strict)
    home.record([e.Change(e.QueueDefined(queue=queue("third"), by="test"))])
    key = arrives(home)

    def steps() -> list[str]:
        return [
            getattr(entry.event, "act", type(entry.event).__name__)
            for entry in home.entries
            if isinstance(
                entry.event, e.ServiceLevelWarned | e.ServiceLevelBreached | e.ServiceLevelEscalated
            )
        ]

    home.pass_time(799)
    assert steps() == []
    home.pass_time(1)
    assert steps() == ["ServiceLevelWarned"]
    home.pass_time(200)
    assert steps()[1:] == ["ServiceLevelBreached", "raise"]
    assert item(home, key).priority == 20
    home.pass_time(60)
    assert steps()[3:] == ["notify"]
    note = max(home.tables.messages.values(), key=lambda m: m.seq)
    assert note.direction == "note"
    assert "first reply was due at 2026-03-02 09:16 UTC" in note.body
    home.pass_time(440)
    assert home.state.cases[item(home, key).case].level == 2
    assert item(home, key).queue == "general"
    home.pass_time(500)
    assert home.state.cases[item(home, key).case].level == 3
    assert item(home, key).queue == "third"
    home.pass_time(100_000)
    assert home.state.cases[item(home, key).case].level == 3, "nothing is promised there"


def test_what_people_are_told_names_the_item_and_its_queue() -> None:
    home = house(ServicePolicy(name=GOLD.name, first_reply=60.0, raise_points=0))
    one = item(home, arrives(home))
    home.pass_time(60)
    (told,) = home.events(e.ServiceLevelEscalated)
    assert (told.act, told.item, told.number, told.queue) == (
        "notify",
        one.id,
        one.number,
        one.queue,
    )


def test_who_has_it_in_hand_keeps_it_when_the_level_rises() -> None:
    strict = ServicePolicy(
        name=GOLD.name,
        first_reply=60.0,
        escalate_after=60.0,
        level_queues={"2": QueueName("second")},
    )
    home = house(strict)
    home.record([e.Change(e.QueueDefined(queue=queue("second"), by="test"))])
    key = arrives(home)
    give(home, key)
    home.pass_time(10_000)
    one = item(home, key)
    assert (one.state, one.agent, one.queue) == (ItemState.ASSIGNED, ANA, "general")
    assert home.state.cases[one.case].level == 4


def test_what_rang_while_the_node_was_away_rings_once_and_in_order() -> None:
    home = house()
    key = arrives(home)
    home.clock.seconds += 5 * HOUR
    home.pass_time(0)
    home.pass_time(0)
    assert [type(ev).__name__ for ev in home.events(e.ServiceLevelWarned)] == ["ServiceLevelWarned"]
    (breach,) = home.events(e.ServiceLevelBreached)
    assert breach.due_at == after(HOUR)
    assert item(home, key).due_at == after(HOUR)


def test_an_answer_that_comes_before_the_timer_still_tells_of_the_breach() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    home.clock.seconds += 5 * HOUR
    send(home, key)
    (breach,) = home.events(e.ServiceLevelBreached)
    assert (breach.clock, breach.due_at) == ("first_reply", after(HOUR))
    first = clock(home, key, "first_reply")
    assert (first.met_at, first.breached_at) == (after(5 * HOUR), after(HOUR))


def test_an_alarm_of_a_policy_that_holds_no_more_tells_of_nothing() -> None:
    """The policy was changed while the node was away; the timer comes before the recount."""
    home = house()
    key = arrives(home)
    home.clock.seconds += 2 * HOUR
    define(home, ServicePolicy(name=GOLD.name, first_reply=9 * HOUR, raise_points=0))
    home.pass_time(0)
    assert not home.events(e.ServiceLevelWarned)
    assert not home.events(e.ServiceLevelBreached)
    assert item(home, key).due_at == after(9 * HOUR)
    home.pass_time(8 * HOUR)
    (breach,) = home.events(e.ServiceLevelBreached)
    assert breach.due_at == after(9 * HOUR)


def test_a_shorter_ladder_is_gone_from_where_an_overdue_item_stands() -> None:
    home = house(ServicePolicy(name=GOLD.name, first_reply=60.0, escalate_after=60.0))
    key = arrives(home)
    home.pass_time(125)
    home.clock.seconds += 600
    define(home, ServicePolicy(name=GOLD.name, first_reply=60.0, notify_after=None))
    home.pass_time(0)
    home.pass_time(10_000)
    assert home.state.cases[item(home, key).case].level == 2


# -- random lives ---------------------------------------------------------------------------

Act = tuple[str, int]
ACTS = ("answer", "answer and wait", "write", "requeue", "move", "give", "park", "close", "recount")


class Told:
    """What the clocks should have counted, said again minute by minute."""

    def __init__(self, oracles: dict[str, Oracle], policies: dict[str, ServicePolicy]) -> None:
        self.oracles = oracles
        self.policies = policies
        self.used: dict[str, float] = {"first_reply": 0.0, "resolution": 0.0}
        self.waits = {"first_reply", "resolution"}

    def runs(self, kind: str, one: Item) -> bool:
        policy = self.policies.get(one.queue)
        stands = one.state in (ItemState.WRAPPING, ItemState.COMPLETED)
        asked = bool(self.waits & {"first_reply", "next_reply"})
        return (
            kind in self.waits
            and not stands
            and (asked or one.state is not ItemState.HELD)
            and policy is not None
            and policy.target(kind) is not None  # type: ignore[arg-type]
        )

    def pass_minutes(self, one: Item, start: int, minutes: int) -> None:
        for kind in self.used:
            if self.runs(kind, one):
                self.used[kind] += self.oracles[one.queue].seconds(start, start + minutes)

    def due(self, kind: str, one: Item, minute: int) -> int | None:
        target = self.policies[one.queue].target(kind)  # type: ignore[arg-type]
        assert target is not None
        return self.oracles[one.queue].after(minute, round((target - self.used[kind]) / 60))


@st.composite
def houses(draw: st.DrawFn) -> tuple[list[Calendar], list[ServicePolicy], datetime]:
    zone = draw(st.sampled_from([z for z in sorted(TURNS) if z != "Pacific/Kwajalein"]))
    other = draw(st.sampled_from(sorted(TURNS)))
    turn = draw(st.sampled_from(TURNS[zone]))
    days = [turn.date() + timedelta(days=n) for n in range(-2, 6)]
    calendars = [
        Calendar(
            name=CalendarName(name),
            zone=where,
            week=draw(st.dictionaries(st.sampled_from(WEEKDAYS), spans(1), min_size=2)),
            holidays=tuple(
                Holiday(date=d, closed=part)
                for d, part in draw(st.lists(st.tuples(st.sampled_from(days), spans()), max_size=2))
            ),
        )
        for name, where in (("one", zone), ("two", other))
    ]
    targets = st.none() | st.integers(1, 900).map(lambda n: 60.0 * n)
    policies = [
        ServicePolicy(
            name=PolicyName(name),
            calendar=CalendarName(name),
            first_reply=draw(targets),
            next_reply=draw(targets),
            resolution=draw(targets),
            raise_points=0,
            notify_after=None,
        )
        for name in ("one", "two")
    ]
    return calendars, policies, turn - timedelta(days=2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    houses(),
    st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 1500)), min_size=1, max_size=14),
)
def test_clocks_equal_an_oracle_of_every_minute_whatever_happens(
    known: tuple[list[Calendar], list[ServicePolicy], datetime], plan: list[Act]
) -> None:
    calendars, policies, begin = known
    span = sum(wait for _, wait in plan) + 4 * 1440
    oracles = {one.name: Oracle(one, begin, span) for one in calendars}
    queues = [queue("one", service_policy="one"), queue("two", service_policy="two"), queue("none")]
    home = House(agent("ana"), queues=queues, settles=False)
    define(home, *calendars, *policies)
    home.clock.seconds = (begin - START).total_seconds()
    home.sign_in("ana")
    told = Told(
        {str(name): one for name, one in oracles.items()}, {one.name: one for one in policies}
    )
    key, minute = arrives(home), 0
    for n, (act, wait) in enumerate(plan):
        one = item(home, key)
        told.pass_minutes(one, minute, wait)
        home.pass_time(60.0 * wait)
        minute += wait
        compare(home, key, told, minute, begin)
        key = play(home, key, act, n, told)
        home.pass_time(0)
        compare(home, key, told, minute, begin)


def compare(home: House, key: ItemId, told: Told, minute: int, begin: datetime) -> None:
    one, now = item(home, key), begin + MINUTE * minute
    service = one.service
    assert service is not None
    if one.state is ItemState.COMPLETED:
        service = home.tables.cases[one.case].service
        assert service is not None
    hours = home.state.timetable.hours(service.calendar)
    running = []
    for kind in told.used:
        found = service.clock(kind)  # type: ignore[arg-type]
        assert found is not None, kind
        assert used(found, hours, now) == told.used[kind], kind
        assert (found.since is not None) == told.runs(kind, one), kind
        if found.since is None:
            continue
        target = told.policies[one.queue].target(found.kind)
        assert target is not None
        late = told.used[kind] >= target
        assert (found.breached_at is not None) == late, kind
        if late:
            running.append(found.breached_at)
            continue
        due = told.due(kind, one, minute)
        if due is not None:
            assert found.due_at == begin + MINUTE * due, kind
        running.append(found.due_at)
    if one.state is not ItemState.COMPLETED:
        assert one.due_at == min((at for at in running if at is not None), default=None)


def play(home: House, key: ItemId, act: str, n: int, told: Told) -> ItemId:
    """One act, if it can be done now; the item that the case goes on in."""
    one = item(home, key)
    mine = one.state is ItemState.ASSIGNED
    match act:
        case "answer" | "answer and wait" if mine:
            send(home, key, "wait" if act == "answer and wait" else None)
            told.waits -= {"first_reply", "next_reply"}
        case "write":
            if not told.waits & {"first_reply", "next_reply"}:
                told.waits.add("next_reply")
                told.used["next_reply"] = 0.0
            told.waits.add("resolution")
            return writes_again(home, key, f"mail {n}")
        case "requeue" if one.state in (ItemState.QUEUED, ItemState.ASSIGNED):
            home.record(acts.requeue(home.state, key, None, SUE, ""))
        case "move" if one.state in (ItemState.QUEUED, ItemState.ASSIGNED):
            to = QueueName(["one", "two", "none"][n % 3])
            home.record(acts.requeue(home.state, key, to, SUE, ""))
        case "give" if one.state is ItemState.QUEUED:
            give(home, key)
        case "park" if mine:
            home.say("ana", c.Park(id=home.command(), item=key))
        case "close" if mine:
            home.complete("ana", key)
            told.waits.discard("resolution")
        case "recount" if key in home.state.items:
            recount(home, key)
        case _:
            pass
    return key


@pytest.mark.parametrize("kind", ["first_reply", "next_reply", "resolution"])
def test_a_target_that_is_left_out_is_not_measured(kind: str) -> None:
    targets: dict[str, Any] = {"first_reply": 60.0, "next_reply": 60.0, "resolution": 60.0}
    policy = ServicePolicy(name=GOLD.name, **(targets | {kind: None}))
    home = house(policy)
    key = arrives(home)
    give(home, key)
    home.pass_time(10)
    send(home, key)
    writes_again(home, key, "more")
    home.pass_time(10_000)
    assert kind not in [breach.clock for breach in home.events(e.ServiceLevelBreached)]


def test_hours_are_made_ready_once() -> None:
    home = house(GOLD, OFFICE_HOURS, hours="office")
    ready = home.state.timetable.hours(CalendarName("office"))
    assert ready is home.state.timetable.hours(CalendarName("office"))
    assert ready.is_open(START) == hours_of(OFFICE_HOURS).is_open(START)
