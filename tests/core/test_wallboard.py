"""The wallboard's figures, kept along with the state, equal those counted from nothing."""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.calendars import Calendar
from gateway.core.ids import AgentName, CalendarName, ItemId, QueueName, SkillName
from gateway.core.model import ChannelKind, Item, ItemState
from gateway.core.owed import Abandoned, Callback
from gateway.core.routing.need import need_of
from gateway.core.wallboard import OTHER, WAITING, WORKED, Wallboard, agent_state
from gateway.core.wallboard_days import NONE, Counts, QueueDay
from gateway.core.wallboard_share import BoardShare, QueueShare
from tests.support.builders import GENERAL, House, agent, needs, queue

CREW = ("ana", "bob", "cid")
SALES = QueueName("sales")
_STEPS = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 99)), max_size=40)


def open_house(**policy: Any) -> tuple[House, Wallboard]:
    house = House(
        *(agent(name, de=2) for name in CREW),
        queues=[queue(service_level_seconds=20.0, **policy), queue("sales")],
    )
    board = Wallboard(house.state)
    house.ledger.observe(board.note)
    return house, board


def told(house: House, board: Wallboard) -> BoardShare:
    board.settle()
    return board.share(house.clock.now())


def of(house: House, board: Wallboard, name: QueueName = GENERAL) -> QueueShare:
    return next(one for one in told(house, board).queues if one.name == name)


def step(house: House, what: int, which: int) -> None:
    """One thing that may happen; what is not possible just now does not."""
    if what < 4:
        comes(house, what, which)
    elif what < 7:
        works(house, what, CREW[which % len(CREW)])
    elif what == 10:
        house.pass_time(which)
    else:
        happens(house, what, which)


def comes(house: House, what: int, which: int) -> None:
    """A contact or an agent."""
    name, now = CREW[which % len(CREW)], house.clock.now()
    if what < 2:
        house.new_item(
            kind=(ChannelKind.EMAIL, ChannelKind.WEBCHAT, ChannelKind.VOICE)[which % 3],
            queue=(GENERAL, SALES)[which % 2],
            due_at=now + timedelta(seconds=60 * (which - 10)) if which % 2 else None,
            requirement=needs(**({"de": which % 5} if which % 4 else {})),
        )
    elif what == 2:
        house.sign_in(name, ready=bool(which % 4))
    elif house.state.is_home_of(AgentName(name)):
        house.say(name, c.State(id=house.command(), state="not_ready", reason=f"r{which % 3}"))


def works(house: House, what: int, name: str) -> None:
    """An agent takes what is offered, or ends what is in hand."""
    if what < 6:
        for offered in house.offered_to(name)[:1]:
            assert offered.offer is not None
            house.say(name, c.Accept(id=house.command(), offer=offered.offer.id))
        return
    for held in house.state.in_hand(AgentName(name))[:1]:
        if held.state in WORKED:
            house.complete(name, held.id)


def happens(house: House, what: int, which: int) -> None:
    """The customer leaves, a supervisor moves it, an admin changes a queue."""
    if what == 9:
        changed = queue("sales", skills={SkillName("de"): which % 4} if which % 2 else {})
        house.record([e.Change(e.QueueDefined(queue=changed, by="sue"))])
        return
    waiting = [i for i in house.state.items.values() if i.state is ItemState.QUEUED]
    if not waiting:
        return
    one = waiting[which % len(waiting)]
    to = SALES if one.queue == GENERAL else GENERAL
    moved = e.ItemQueued(item=one.id, queue=to, reason="moved")
    left = e.ItemAbandoned(item=one.id, reason="left")
    house.record([e.Change(left if what == 7 else moved)])


def counted(house: House) -> dict[QueueName, Counts]:
    """What has happened to who waited, from the journal alone."""
    totals: dict[QueueName, Counts] = {}
    seen: dict[ItemId, Item] = {}
    for entry in house.entries:
        for row in entry.rows:
            if isinstance(row, Item):
                what = counts(entry, row, seen.get(row.id))
                totals[row.queue] = totals.get(row.queue, NONE).plus(what)
                seen[row.id] = row
    return totals


def counts(entry: e.Entry, item: Item, before: Item | None) -> Counts:
    waited = before is not None and before.state in WAITING
    timed = item.queue == GENERAL
    wait = (entry.at - (item.queued_at or item.created_at)).total_seconds()
    match entry.event:
        case e.OfferAccepted():
            return Counts(answered=1, timed=int(timed), in_time=int(timed and wait <= 20))
        case e.ItemAbandoned():
            return Counts(abandoned=1, timed=int(timed and wait >= 5))
        case e.ItemQueued(queue=queue):
            if not waited or (before is not None and before.queue != queue):
                return Counts(offered=1)
        case _:
            pass
    return NONE


@settings(max_examples=60, deadline=None)
@given(_STEPS)
def test_what_is_kept_along_equals_what_is_counted_from_nothing(steps: list[Any]) -> None:
    house, board = open_house()
    house.sign_in("ana")
    for what, which in steps:
        step(house, what, which)
        if which % 3 == 0:
            board.settle(2)
    share, now = told(house, board), house.clock.now()
    afresh = Wallboard(house.state)
    afresh.settle()
    afresh.days = board.days
    assert share == afresh.share(now)

    items = list(house.state.items.values())
    waiting = [i for i in items if i.state in WAITING]
    for one in share.queues:
        mine = [i for i in items if i.queue == one.name]
        dues = [(i.due_at - now).total_seconds() for i in mine if i.due_at is not None]
        since = [i.queued_at or i.created_at for i in mine if i.state in WAITING]
        assert one.oldest == (min(since).timestamp() if since else None)
        assert one.wrapping == sum(i.state is ItemState.WRAPPING for i in mine)
        assert one.overdue == sum(left <= 0 for left in dues)
        assert one.due_soon == sum(0 < left <= 1800 for left in dues)
        assert one.today == counted(house).get(one.name, NONE)
    assert {k: v.waiting for k, v in share.kinds.items() if v.waiting} == Counter(
        i.kind for i in waiting
    )
    assert {w.need: w.waiting for w in share.wanted} == Counter(
        need_of(house.state, i) for i in waiting
    )
    states = [agent_state(house.state, AgentName(name)) for name in CREW]
    assert share.agents == Counter(s[0] for s in states if s)
    assert share.listed == len(CREW)
    assert share.crew == sum(s is not None for s in states)
    assert share.reasons == Counter(s[1] for s in states if s and s[0] == "not_ready")


def test_the_service_level_of_now_forgets_what_lies_half_an_hour_back() -> None:
    house, board = open_house()
    house.new_item()
    house.pass_time(5)
    house.sign_in("ana")
    house.accept("ana")
    house.say("ana", c.State(id=house.command(), state="not_ready", reason="lunch"))
    house.new_item()
    house.pass_time(25)
    (late,) = [i for i in house.state.items.values() if i.state in WAITING]
    house.record([e.Change(e.ItemAbandoned(item=late.id, reason="left"))])
    one = of(house, board)
    assert one.last_15 == one.last_30 == one.today
    assert one.today == Counts(offered=2, answered=1, abandoned=1, timed=2, in_time=1)
    assert one.today.service_level == 0.5
    house.pass_time(16 * 60)
    one = of(house, board)
    assert (one.last_15, one.last_30) == (NONE, one.today)
    house.pass_time(15 * 60)
    assert of(house, board).last_30 == NONE


def test_who_leaves_at_once_does_not_count_against_the_service_level() -> None:
    house, board = open_house(abandoned=Abandoned(after=5.0))
    for seconds in (4.0, 6.0):
        made = house.new_item()
        house.pass_time(seconds)
        house.record([e.Change(e.ItemAbandoned(item=made.id, reason="left"))])
    assert of(house, board).today == Counts(offered=2, abandoned=2, timed=1)


def test_a_queue_without_a_service_level_has_none() -> None:
    house, board = open_house()
    house.sign_in("ana")
    house.new_item(queue=SALES)
    house.accept("ana")
    assert of(house, board, SALES).today.answered == 1
    assert of(house, board, SALES).today.service_level is None


def test_a_day_ends_at_midnight_where_the_queue_is_at_home() -> None:
    """It is 09:00 in UTC: 18:00 in Tokyo, so the day there has six more hours."""
    house, board = open_house(hours=CalendarName("tokyo"))
    tokyo = Calendar(name=CalendarName("tokyo"), zone="Asia/Tokyo")
    house.record([e.Change(e.CalendarDefined(calendar=tokyo, by="sue"))])
    house.new_item()
    assert of(house, board).day == "2026-03-02"
    house.pass_time(6 * 3600 - 60)
    assert of(house, board).today.offered == 1
    house.pass_time(120)
    assert of(house, board).day == "2026-03-03"
    assert of(house, board).today == NONE


def test_a_node_that_begins_again_goes_on_counting_the_same_day() -> None:
    house, board = open_house()
    house.new_item()
    kept = board.days.whole(house.clock.now())
    again = Wallboard(house.state)
    again.days.restore(kept, house.clock.now())
    assert of(house, again) == of(house, board)
    house.pass_time(86_400)
    tomorrow = Wallboard(house.state)
    tomorrow.days.restore(kept, house.clock.now())
    assert of(house, tomorrow).today == NONE


def test_what_is_counted_of_no_queue_of_ours_is_kept_all_the_same() -> None:
    gone = QueueDay(name=QueueName("gone"), day="2026-03-02", today=Counts(offered=3))
    house, board = open_house()
    board.days.restore([gone], house.clock.now())
    assert gone in board.days.whole(house.clock.now())


def test_an_item_from_another_node_was_offered_there() -> None:
    house, board = open_house()
    made = house.new_item()
    found = house.state.cases[made.case]
    given = e.ItemHandedOver(item=made.id, case=made.case, to=made.owner, reason="evacuated")
    house.ledger.record([e.Change(given)])
    assert of(house, board).oldest is None
    back = e.ItemAdopted(item=made, case=found, from_node=made.owner, reason="back")
    house.ledger.record([e.Change(back)])
    one = of(house, board)
    assert one.oldest is not None
    assert one.today.offered == 1


def test_call_backs_and_promises_count_until_their_day_is_over() -> None:
    house, board = open_house()
    now = house.clock.now()
    for hours in (1, 20):
        made = house.new_item(callback=Callback(via=ChannelKind.VOICE, since=now, asked_by="x"))
        until = now + timedelta(hours=hours)
        house.record([e.Change(e.ItemScheduled(item=made.id, until=until, reason="asked"))])
    one = of(house, board)
    assert (one.callbacks, one.callbacks_late) == (1, 0)
    house.clock.seconds += 3700
    assert of(house, board).callbacks_late == 1


def test_reasons_beyond_thirty_are_told_as_one() -> None:
    names = [f"a{n}" for n in range(33)]
    house = House(*(agent(name) for name in names))
    board = Wallboard(house.state)
    house.ledger.observe(board.note)
    for n, name in enumerate(names):
        house.sign_in(name, ready=False)
        house.say(name, c.State(id=house.command(), state="not_ready", reason=f"reason {n:02}"))
    share = told(house, board)
    assert len(share.reasons) == 31
    assert share.reasons[OTHER] == 3
    assert share.agents == {"not_ready": 33}
