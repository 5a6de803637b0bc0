"""What people do by REST to what another node decides about: done once under its key.

Each act comes to one node about an item of the other one, and either node dies at any step of it;
then the same request, with its key, comes to a node that lives.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from gateway.api.acts import Acts
from gateway.api.cases import Cases
from gateway.api.errands import Errands
from gateway.api.idempotency import Idempotency
from gateway.api.items import Items
from gateway.api.once import Once
from gateway.cluster.sending import Sending
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import NodeName
from gateway.core.model import CommandRecord, ItemState
from gateway.flow.ticketlinks import TicketLinks
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute, Principal
from tests.cluster.afar import (
    ANA,
    A,
    B,
    Fall,
    at_work,
    either,
    filed,
    is_whole,
    the_tables,
    told,
)
from tests.support.apiworld import FakeKeys, FakeListing
from tests.support.clusternodes import Running, running, until
from tests.support.memory_tables import Tables
from tests.support.virtual import run

SUE = Principal(name="sue", role="supervisor", token="t")  # type: ignore[arg-type]


class Act(Struct, frozen=True):
    """A request, and how often it took effect in the whole journal."""

    method: str
    path: str
    body: dict[str, Any]
    count: Callable[[Tables], int]


ACTS = {
    "priority": Act(
        "POST",
        "/api/v1/items/{id}/priority",
        {"priority": 7},
        lambda t: len(told(t, e.ItemReprioritised)),
    ),
    "requeue": Act(
        "POST",
        "/api/v1/items/{id}/requeue",
        {"reason": "again"},
        lambda t: sum(x.reason == "requeued by sue: again" for x in told(t, e.ItemQueued)),
    ),
    "close": Act(
        "POST",
        "/api/v1/items/{id}/close",
        {"code": "done"},
        lambda t: len(told(t, e.ItemCompleted)),
    ),
    "cancel": Act("POST", "/api/v1/items/{id}/cancel", {}, lambda t: len(told(t, e.ItemCanceled))),
    "assign": Act(
        "POST",
        "/api/v1/items/{id}/assign",
        {"agent": "ana", "reason": "knows it"},
        lambda t: len(told(t, e.ItemAssigned)),
    ),
}


class Rest:
    """The API of one node, as far as these acts go."""

    def __init__(self, one: Running, keys: FakeKeys) -> None:
        ledger = one.node.ledger
        listing: Any = FakeListing(one.tables)
        once = Once(ledger, one.node.lookup)
        items = Items(ledger, listing, one.overflow)
        sends = Sending(one.node, one.handover, one.homes)
        errands = Errands(one.asking, ledger.new_id)
        keyed = Idempotency(ledger.clock, keys, ledger.new_id)
        resources: list[Acts | Cases] = [
            Acts(one.node, items, listing, sends, once),
            Cases(one.node, listing, items, once, TicketLinks([b"secret"], "")),
        ]
        self._one = one
        self._routes: dict[str, HttpRoute] = {
            f"{route.method} {route.path}": keyed.wrap(errands.wrap(route))
            for resource in resources
            for route in resource.routes()
        }

    async def ask(self, act: Act, subject: str, key: str | None = "the-key") -> Any:
        """The answer as JSON. Raises ``Refused``."""
        (name,) = {part[1:-1] for part in act.path.split("/") if part.startswith("{")}
        request = HttpRequest(
            method=act.method,
            path=act.path.replace(f"{{{name}}}", subject),
            params={name: subject},
            query={},
            headers={"idempotency-key": key} if key else {},
            body=msgspec.json.encode(act.body),
            remote="here",
            principal=SUE,
        )
        answer: HttpAnswer = await self._routes[f"{act.method} {act.path}"].handle(request)
        raw = answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body)
        return msgspec.json.decode(raw)

    async def ask_on(self, act: Act, subject: str) -> Any:
        """As a client does it that repeats what it got 503 for."""
        async with asyncio.timeout(120):
            while True:
                try:
                    return await self.ask(act, subject)
                except Refused as refused:
                    if refused.code != "unavailable":
                        raise
                    await asyncio.sleep(0.3)


async def fallen(n: int, act: Act, falls: NodeName) -> bool:
    """A is asked about an item of B, and one dies at its n-th step; false: it was done before."""
    tables, fall, keys, said = the_tables(), Fall(n), FakeKeys(), []
    steps = {falls: fall.step}
    async with AsyncExitStack() as stack:
        nodes = {
            name: await stack.enter_async_context(
                running(tables, name, **({"step": steps[name]} if name in steps else {}))  # type: ignore[arg-type]
            )
            for name in (A, B)
        }
        one, two = nodes[A], nodes[B]
        await until(lambda: one.handover.peer(B) and two.handover.peer(A))
        rest = {name: Rest(node, keys) for name, node in nodes.items()}
        await at_work(one, two)
        item = (await filed(two, "t")).id
        fall.armed = True

        async def ask() -> None:
            said.append(await rest[A].ask(act, item))

        await either(ask(), fall, nodes[falls])
        left = nodes[B if falls == A else A]
        await until(lambda: tables.peer(falls).fenced and not tables.heirs)
        if falls == A and act is ACTS["assign"]:
            await until(lambda: left.node.ledger.state.is_home_of(ANA))
            left.node.desk.attach(ANA, "tab")
        answer = await rest[left.name].ask_on(act, item)
        assert await rest[left.name].ask(act, item) == answer
        if said:
            assert said == [answer], "the same answer"
        await left.caught_up()
        assert act.count(tables) == 1
        is_whole(tables, left)
    return fall.reached.is_set()


@pytest.mark.parametrize("falls", [A, B])
@pytest.mark.parametrize("name", ACTS)
def test_an_act_is_done_once_and_answered_the_same_whichever_node_dies_at_any_step(
    name: str, falls: NodeName
) -> None:
    async def every_step() -> None:
        n = 1
        while await fallen(n, ACTS[name], falls):
            n += 1
        assert n > 3, "it takes some steps"

    run(every_step())


Story = Callable[[Tables, Running, Running, Rest, Rest], Awaitable[None]]


def play(story: Story) -> None:
    async def two_nodes() -> None:
        tables, keys = the_tables(), FakeKeys()
        async with running(tables, A) as one, running(tables, B) as two:
            await until(lambda: one.handover.peer(B) and two.handover.peer(A))
            await story(tables, one, two, Rest(one, keys), Rest(two, keys))

    run(two_nodes())


def test_an_item_assigned_to_somebody_elsewhere_is_answered_as_it_is_there() -> None:
    async def story(tables: Tables, one: Running, two: Running, here: Rest, there: Rest) -> None:
        await at_work(one, two)
        item = await filed(two, "t")
        # Asked at its own node, of which ana is not.
        answer = await there.ask(ACTS["assign"], item.id)
        assert (answer["state"], answer["agent"]) == ("assigned", "ana")
        assert one.items["t"].state is ItemState.ASSIGNED
        again = await here.ask(ACTS["assign"], item.id, None)
        assert (again["state"], again["agent"]) == ("assigned", "ana")
        assert len(told(tables, e.ItemAssigned)) == 1, "who has it has it"

    play(story)


def test_without_a_key_an_errand_is_done_once_and_another_one_is_another_act() -> None:
    async def story(tables: Tables, one: Running, two: Running, here: Rest, _: Rest) -> None:
        await at_work(one, two)
        item = await filed(two, "t")
        for _time in range(2):
            await here.ask(ACTS["priority"], item.id, None)
        assert ACTS["priority"].count(tables) == 2
        kept = [r for x in tables.journal.values() for r in x.rows if type(r) is CommandRecord]
        named = {r.id for r in kept if r.agent == "sue"}
        assert len(named) == 2
        assert all(name.startswith("errand:") for name in named)

    play(story)


def test_a_case_is_changed_at_the_node_that_decides_about_it_once() -> None:
    patch = Act(
        "PATCH",
        "/api/v1/cases/{number}",
        {"tags": ["seen"]},
        lambda t: sum(x.tags == ("seen",) for x in told(t, e.CaseChanged)),
    )

    async def story(tables: Tables, one: Running, two: Running, here: Rest, _: Rest) -> None:
        await at_work(one, two)
        item = await filed(two, "t")
        answer = await here.ask(patch, str(item.number))
        assert answer["tags"] == ["seen"]
        assert patch.count(tables) == 1

    play(story)
