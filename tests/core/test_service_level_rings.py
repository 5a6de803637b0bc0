"""Service-level clocks that ring: warn, breach, tell people, move up."""

from gateway.core import events as e
from gateway.core.clocks import ServicePolicy
from gateway.core.ids import QueueName
from gateway.core.model import ItemState
from tests.core.promised import (
    ANA,
    GOLD,
    HOUR,
    after,
    arrives,
    clock,
    define,
    give,
    house,
    item,
    send,
)
from tests.support.builders import queue

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
