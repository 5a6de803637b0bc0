"""Who writes how often is known at every node, and after a restart."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from gateway.core import events as e
from gateway.core.ids import AgentName, NodeName, RuleName
from gateway.core.paces import Step, keys_of
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.velocity import Velocity
from gateway.core.rules.when import When
from gateway.core.scrutiny import IN
from gateway.flow.pacing import Pacing
from gateway.store.contract import Unavailable
from tests.support.builders import MAIL, House, agent

FAST = Velocity(contacts=3, seconds=600, by="domain")
KEYS = keys_of("email", "eva@example.org")


class Table:
    """The rows that all nodes share; ``away``: there is no database just now."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str, int], tuple[int, Step]] = {}
        self.change = 0
        self.away = False
        self.forgotten: list[datetime] = []

    async def store(self, steps: Sequence[Step]) -> None:
        if self.away:
            raise Unavailable("no database")
        for step in steps:
            self.change += 1
            self.rows[step.what, step.key, step.node, step.start] = (self.change, step)

    async def read(self, position: int, since: datetime) -> tuple[int, Sequence[Step]]:
        if self.away:
            raise Unavailable("no database")
        found = [one for one in self.rows.values() if one[0] > position]
        found = [one for one in found if one[1].start >= since.timestamp()]
        return self.change, [step for _, step in found]

    async def forget(self, before: datetime) -> None:
        self.forgotten.append(before)


def a_house() -> House:
    house = House(agent("ana"))
    rule = Rule(name=RuleName("fast"), when=When(velocity=FAST), then=Then(tags=("odd",)))
    house.record([e.Change(e.RuleDefined(rule=rule, by=AgentName("boss")))])
    return house


def write(house: House) -> None:
    paced = house.state.rules.paced(*IN)
    house.state.paces.count(paced, "in", "messages", KEYS, house.clock.now())


def counted(house: House) -> int:
    """With the one that is just looked at."""
    (found,) = house.state.paces.counted([FAST], "in", KEYS, house.clock.now()).values()
    return found


async def test_two_nodes_know_what_both_have_counted() -> None:
    table, one, two = Table(), a_house(), a_house()
    two.state.paces = type(two.state.paces)(NodeName("n2"))
    first, second = Pacing(one.ledger, table), Pacing(two.ledger, table)
    for _ in range(2):
        write(one)
    write(two)
    for _ in range(2):
        await first.exchange(table)
        await second.exchange(table)
    assert (counted(one), counted(two)) == (4, 4)


async def test_a_node_that_begins_anew_knows_what_it_had_stored_and_counts_on() -> None:
    table, before = Table(), a_house()
    for _ in range(2):
        write(before)
    await Pacing(before.ledger, table).exchange(table)
    after = a_house()
    pacing = Pacing(after.ledger, table)
    await pacing.exchange(table)
    write(after)
    await pacing.exchange(table)
    await pacing.exchange(table)
    assert counted(after) == 4


async def test_what_could_not_be_stored_is_stored_later() -> None:
    table, house = Table(), a_house()
    pacing = Pacing(house.ledger, table)
    write(house)
    table.away = True
    with pytest.raises(Unavailable):
        await pacing.exchange(table)
    table.away = False
    await pacing.exchange(table)
    assert [step.count for _, step in table.rows.values()] == [1]


async def test_without_such_a_rule_and_without_mail_nothing_is_asked_of_the_database() -> None:
    table = Table()
    table.away = True
    house = House(agent("ana"))
    del house.state.channels[MAIL]
    await Pacing(house.ledger, table).exchange(table)
    assert table.forgotten == []
