"""What agents are worth just now: by what is asked for, and by how few are free for it."""

from collections.abc import Iterable

import pytest

from gateway.core.ids import AgentName, QueueName
from gateway.core.model import AgentProfile, ChannelKind
from gateway.core.routing.need import Need
from gateway.core.routing.prices import MEMORY, Prices
from gateway.core.routing.standing import BIT_OF, Standing, Words
from tests.support.builders import House, agent, needs

CHAT, CALL = ChannelKind.WEBCHAT, ChannelKind.VOICE
CALLS = QueueName("calls")
ANYTHING = -1


class Floor:
    """Prices, and agents who stand there; whoever has moved is entered again, as the pool does."""

    def __init__(self, *profiles: AgentProfile) -> None:
        self.words = Words()
        self.prices = Prices(self.words)
        self.standing = Standing()
        self.has = {one.name: self.words.of(one) for one in profiles}
        for one in profiles:
            self.come(one.name)

    def come(self, name: AgentName, room: int = ANYTHING) -> None:
        self.prices.enter(name, self.has[name], room)
        self.standing.enter(name, self.prices.of(name), room, self.has[name])

    def ask(self, times: int = 1, kind: ChannelKind = CALL, **skills: int) -> None:
        need = Need(kind, CALLS, tuple(sorted(skills.items())))  # type: ignore[arg-type]
        for _ in range(times):
            self.prices.ask(need)
            for name in self.prices.moved(self.standing):
                has, room = self.standing.what(name)
                self.standing.enter(name, self.prices.of(name), room, has)

    def worth(self) -> dict[str, int]:
        return {str(name): self.prices.of(name) for name in self.has}

    def in_order(self) -> list[AgentName]:
        asked = self.words.asked(Need(CALL, CALLS, ()))
        return list(self.standing.find(asked))


def crew(count: int, **skills: int) -> Iterable[AgentProfile]:
    return [agent(f"{'-'.join(skills) or 'plain'}-{n}", skills) for n in range(count)]


def test_where_plenty_are_free_nobody_is_kept_for_anything() -> None:
    floor = Floor(*crew(300), *crew(300, hu=1))
    floor.ask(500)
    floor.ask(500, hu=1)
    assert set(floor.worth().values()) == {0}
    assert floor.in_order()[0] == "plain-0", "who came first is first"


def test_whoever_few_can_do_what_many_ask_for_comes_last() -> None:
    floor = Floor(*crew(2, hu=1), *crew(40))
    floor.ask(50, hu=1)
    assert [str(name) for name in floor.in_order()[-2:]] == ["hu-0", "hu-1"]


def test_a_skill_becomes_dear_when_those_who_have_it_are_taken_and_cheap_when_they_are_back() -> (
    None
):
    floor = Floor(*crew(60, de=1), *crew(60))
    floor.ask(20)
    floor.ask(20, de=1)
    assert floor.worth()["de-59"] == 0
    gone = [AgentName(f"de-{n}") for n in range(58)]
    for name in gone:
        floor.standing.leave(name)
    floor.ask(20, de=1)
    assert floor.worth()["de-59"] > floor.worth()["plain-0"]
    for name in gone:
        floor.come(name)
    floor.ask(20, de=1)
    assert floor.worth()["de-59"] == 0


def test_a_level_that_nobody_asks_for_is_worth_nothing_in_the_end() -> None:
    floor = Floor(*crew(12, de=5), *crew(12, fr=1))
    floor.ask(1, de=1)
    fresh = floor.worth()
    assert fresh["de-0"] >= fresh["fr-0"], "before anybody has asked every level counts a little"
    for _ in range(int(MEMORY)):
        floor.ask(1, fr=1)
    assert floor.worth()["de-0"] < floor.worth()["fr-0"]


def test_a_skill_counts_only_for_what_there_is_room_for() -> None:
    floor = Floor(*crew(4, de=1))
    floor.come(AgentName("de-0"), BIT_OF[CHAT])
    floor.ask(60, de=1)
    assert floor.worth()["de-0"] < floor.worth()["de-1"], "who has a chat can take no call anyway"


def test_who_is_in_many_queues_is_kept_for_the_queue_that_has_few() -> None:
    both = [agent(f"both-{n}", queues=("calls", "sales")) for n in range(2)]
    one = [agent(f"one-{n}", queues=("calls",)) for n in range(30)]
    floor = Floor(*both, *one)
    sales = Need(CALL, QueueName("sales"), ())
    for _ in range(30):
        floor.ask()
        floor.prices.ask(sales)
    floor.ask()
    worth = floor.worth()
    assert worth["both-0"] > worth["one-0"]


def test_who_is_limited_to_no_queue_can_serve_each_and_is_worth_as_much() -> None:
    floor = Floor(agent("all"), *[agent(f"one-{n}", queues=("calls",)) for n in range(3)])
    floor.prices.ask(Need(CALL, QueueName("sales"), ()))
    floor.ask(40)
    assert floor.worth()["all"] > 0
    alone = Floor(*crew(3))
    alone.ask(40)
    assert set(alone.worth().values()) == {0}, "a queue that everybody can serve keeps nobody"


def test_whoever_leaves_the_directory_is_forgotten() -> None:
    floor = Floor(*crew(1, hu=1))
    floor.ask(5, hu=1)
    assert floor.prices.of(AgentName("hu-0")) > 0
    floor.prices.forget(AgentName("hu-0"))
    assert floor.prices.of(AgentName("hu-0")) == 0


@pytest.mark.parametrize("kind", [CALL, CHAT])
def test_the_only_one_with_a_skill_is_kept_for_it_in_the_routing_too(kind: ChannelKind) -> None:
    house = House(agent("ana", hu=1), agent("bob"), agent("cid"))
    house.sign_in("ana", "bob", "cid")
    easy = house.new_item(kind=kind)
    assert house.offered()[easy.id] == "bob"
    hard = house.new_item(kind=kind, requirement=needs(hu=1))
    assert house.offered()[hard.id] == "ana"
