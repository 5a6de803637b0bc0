"""Service-level clocks in random lives, against an oracle of every minute."""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core import acts
from gateway.core import commands as c
from gateway.core.calendars import WEEKDAYS, Calendar, Holiday
from gateway.core.clocks import ServicePolicy
from gateway.core.ids import CalendarName, ItemId, PolicyName, QueueName
from gateway.core.model import Item, ItemState
from gateway.core.service_level import used
from tests.core.promised import SUE, arrives, define, give, item, recount, send, writes_again
from tests.support.builders import START, House, agent, queue
from tests.support.wallclock import MINUTE, TURNS, Oracle, spans

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
