"""Two real nodes over one PostgreSQL: one is gone without a farewell, the other takes over."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.clock import SystemClock
from gateway.cluster.joining import WATCH_SECONDS, Joining, NameTaken
from gateway.cluster.membership import Membership
from gateway.cluster.takeover import Takeover
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.election import LEASE_SECONDS, ROUND_SECONDS
from gateway.core.ids import AgentName, CommandId, NodeName
from gateway.core.model import ChannelKind, Item, ItemState, OutboundState
from gateway.flow.node import Node
from gateway.store.contract import Card, Fenced
from gateway.store.opening import Store, new_id, open_store
from push.client import AgentClient
from tests.support.builders import GENERAL, KINDS, agent, queue, task
from tests.support.process import NodeProcess
from tests.support.saying import Say

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

A, B = NodeName("n1"), NodeName("n2")
ANA, BOB = AgentName("ana"), AgentName("bob")


class Running:
    """A node of the flow on a real database, without sockets."""

    def __init__(self, store: Store, node: Node, takeover: Takeover, member: Membership) -> None:
        self.store = store
        self.node = node
        self.takeover = takeover
        self.member = member
        self.tasks: list[asyncio.Task[None]] = []
        self._commands = 0

    @property
    def items(self) -> dict[str, Item]:
        """By the title of the task."""
        return {item.subject: item for item in self.node.ledger.state.items.values()}

    async def act(self, agent: AgentName, make: Callable[..., Any]) -> None:
        self._commands += 1
        command = make(id=CommandId(f"{self.node.ledger.state.node}-{self._commands:06}"))
        await self.node.desk.act(agent, command, maybe_repeated=False)

    async def sign_in(self, agent: AgentName) -> None:
        attached = self.node.desk.attach(agent, "tab")
        await self.node.ledger.committed(attached.position)
        await self.act(agent, partial(c.State, state="ready"))

    async def vanish(self) -> None:
        """As by kill -9: nothing of it runs any more, and it has said nothing."""
        for one in self.tasks:
            one.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@asynccontextmanager
async def running(dsn: str, name: NodeName) -> AsyncIterator[Running]:
    async with open_store(dsn=dsn) as store:
        card = Card(state="joining", place=f"{name} in a test {new_id()}")
        node = await Node.start(
            name=name,
            region="here",
            clock=SystemClock(),
            new_id=new_id,
            journal=store.journal,
            lookup=store.lookup,
            channels={},
            queue_of=lambda _: GENERAL,
            term=await Joining(store.journal, store.cluster, name, card).join(),
        )
        node.ledger.state.channels.update(KINDS)
        takeover = Takeover(node, store.cluster)
        shown = replace(card, state="serving")
        member = Membership(store.journal, node.writer, name, takeover.note, card=lambda: shown)
        one = Running(store, node, takeover, member)
        async with asyncio.TaskGroup() as group:
            for work in (node.run(), takeover.run(), member.run()):
                one.tasks.append(group.create_task(work))
            yield one
            await one.vanish()


async def until(holds: Callable[[], object], seconds: float = 60.0) -> float:
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)
    return time.monotonic() - began


async def directory(dsn: str) -> None:
    """Who works here, written before the nodes of the test begin."""
    async with running(dsn, A) as one:
        ledger = one.node.ledger
        ledger.record([e.Change(e.QueueDefined(queue=queue(), by="test"))])
        for name in (ANA, BOB):
            profile = replace(agent(name), capacity={ChannelKind.TASK: 3})
            ledger.record([e.Change(e.AgentDefined(profile=profile, by="test"))])
        await ledger.committed(ledger.position)
        await one.store.cluster.leave(one.node.writer.term)


async def filled(one: Running) -> None:
    """A task in each state: wrapping, assigned, offered, queued; orders; one undecided."""
    state = one.node.ledger.state
    await one.sign_in(ANA)
    for title in ("wrapping", "assigned", "offered", "queued"):
        await one.node.intake.receive([task(title, subject=title, address="http://127.0.0.1:1/")])
        if title == "queued":
            break
        await until(lambda: any(i.offer is not None for i in state.in_hand(ANA)))
        (offered,) = [i for i in state.in_hand(ANA) if i.offer is not None]
        assert offered.offer is not None
        if title in ("wrapping", "assigned"):
            await one.act(ANA, partial(c.Accept, offer=offered.offer.id))
        if title == "wrapping":
            await one.act(ANA, partial(c.Send, item=offered.id, body="Done.", then="close"))
    await until(lambda: len(one.items) == 4)
    await one.store.journal.receive(one.node.writer.term, [task("late", subject="late")], [])
    await until(lambda: not one.node.ledger.uncommitted)


def is_taken_over(two: Running, node: NodeName) -> bool:
    """To the last row, as the peers' last look has it."""
    return any(p.node == node and p.fenced and p.heir is None for p in two.member.peers)


async def test_all_that_a_dead_node_had_is_served_on_by_the_other(database: str, say: Say) -> None:
    await directory(database)
    async with running(database, B) as two, AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(database, A))
        await filled(one)
        before = one.items
        orders = dict(one.node.ledger.state.outbox)
        assert {title: item.state.value for title, item in before.items()} == {
            "wrapping": "wrapping",
            "assigned": "assigned",
            "offered": "offered",
            "queued": "queued",
        }
        assert orders
        await until(lambda: any(peer.node == A for peer in two.member.peers))

        await one.vanish()
        died = time.monotonic()
        await two.sign_in(BOB)
        await until(lambda: len(two.items) == 5 and "late" in two.items)
        seconds = time.monotonic() - died
        assert seconds >= LEASE_SECONDS - ROUND_SECONDS, "nobody may judge earlier"
        say(f"all of it is in the other's hands after {seconds:.1f} s")

        after = two.items
        for title, item in before.items():
            assert after[title].id == item.id
            assert after[title].owner == B
            assert after[title].queued_at == item.queued_at
        for title in ("assigned", "wrapping"):
            assert (after[title].state, after[title].agent) == (before[title].state, ANA)
        # What was offered is offered anew, in the order in which it came.
        await until(lambda: two.items["offered"].offer is not None)
        assert {o.offer.agent for o in two.items.values() if o.offer is not None} == {BOB}
        assert set(orders) <= set(two.node.ledger.state.outbox)
        assert two.node.ledger.state.outbox[next(iter(orders))].state is not OutboundState.FAILED

        await two.sign_in(ANA)
        hand = {i.subject for i in two.node.ledger.state.in_hand(ANA)}
        assert {"assigned", "wrapping"} <= hand
        await two.act(ANA, partial(c.Wrapup, item=two.items["assigned"].id, code="done"))
        assert "assigned" not in two.items

        events = await two.store.pool.fetch(
            "SELECT payload FROM journal WHERE node = 'n2' AND kind = 'node_taken_over'"
        )
        assert len(events) == 1
        assert b"the lease counter of n1 stood at" in events[0]["payload"]


async def test_who_was_taken_over_begins_again_with_nothing_and_works_on(database: str) -> None:
    await directory(database)
    async with running(database, B) as two:
        async with running(database, A) as one:
            await filled(one)
            await one.vanish()
            await until(lambda: is_taken_over(two, A))
            with pytest.raises(Fenced):
                await one.store.journal.renew(one.node.writer.term)
        async with running(database, A) as again:
            assert not again.items
            assert not again.node.ledger.state.outbox
            assert not again.node.ledger.state.statuses
            accepted = await again.node.intake.receive([task("new", subject="new")])
            decided = await again.node.intake.decided(accepted[0])
            assert decided.status == "processed"
            assert again.items["new"].state is ItemState.QUEUED
            assert "new" not in two.items


async def test_what_comes_twice_to_two_nodes_is_one_item(database: str) -> None:
    await directory(database)
    async with running(database, A) as one, running(database, B) as two:
        same = task("same", subject="same")
        accepted = await asyncio.gather(
            one.node.intake.receive([same]), two.node.intake.receive([same])
        )
        assert sorted(one.fresh for (one,) in accepted) == [False, True]
        decided = await asyncio.gather(
            one.node.intake.decided(accepted[0][0]), two.node.intake.decided(accepted[1][0])
        )
        assert decided[0].item == decided[1].item is not None
        assert len(one.items) + len(two.items) == 1


async def test_a_takeover_that_stopped_half_way_is_ended_by_the_heirs_next_life(
    database: str,
) -> None:
    await directory(database)
    async with running(database, A) as one:
        await filled(one)
        await one.vanish()
    async with open_store(dsn=database) as store:
        term = await store.journal.begin(B, "here")
        seen = await store.journal.renew(term)
        dead = next(peer for peer in seen.peers if peer.node == A)
        assert await store.cluster.fence(term, dead)
        part = await store.cluster.estate(A)
        await store.cluster.adopt(term, A, part)  # and dies here: agents adopted, nothing told
    async with running(database, B) as two:
        await until(lambda: two.takeover.resumed == 1 and len(two.items) == 5)
        assert two.node.ledger.state.statuses[ANA].home == B
        assert two.items["assigned"].agent == ANA
        assert two.items["offered"].state is ItemState.QUEUED


async def test_a_name_that_moves_is_taken_and_says_whose_it_is(database: str) -> None:
    async with running(database, A), open_store(dsn=database) as store:
        card = Card(state="joining", place="somewhere else")
        with pytest.raises(NameTaken, match=r"n1.*running already.*in a test"):
            await Joining(store.journal, store.cluster, A, card).join()


@pytest.mark.parametrize("farewell", [True, False], ids=["stopped", "killed"])
async def test_who_said_farewell_need_not_wait(database: str, farewell: bool) -> None:
    async with running(database, A) as one:
        await one.vanish()
        if farewell:
            await one.store.cluster.leave(one.node.writer.term)
    began = time.monotonic()
    async with open_store(dsn=database) as store:
        term = await Joining(store.journal, store.cluster, A, Card(place="here")).join()
    waited = time.monotonic() - began
    assert term.epoch == 2
    if farewell:
        assert waited < WATCH_SECONDS
    else:
        assert waited >= WATCH_SECONDS


async def test_kill_9_of_a_process_is_noticed_and_its_work_goes_on(
    tmp_path: Path, database: str, say: Say
) -> None:
    """The whole program, twice: work filed at one, offered at the other."""
    nodes = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        sections = {"store": {"dsn": database}, "node": {"name": name}}
        office = [{"kind": "task", "name": "office", "callback_private": True}]
        nodes.append(NodeProcess(tmp_path / name, office, sections=sections))
    first, second = nodes
    async with AsyncExitStack() as stack:
        for node in nodes:
            stack.push_async_callback(node.clean_up)
        await first.start()
        await first.call("PUT", "/api/v1/directory", {"agents": [{"name": "bob"}]})
        await second.start()
        filed = []
        for n in range(3):
            body = {"title": f"task {n}", "body": "please"}
            key = {"Idempotency-Key": f"key-{n}"}
            filed.append(await first.call("POST", "/api/v1/tasks", body, **key))
        token = await second.token_for("bob")
        client = AgentClient([f"{second.ws}/agent/v1"], token)
        bob = await stack.enter_async_context(client)
        await bob.ready()
        await first.kill()
        died = time.monotonic()
        offers = await bob.until(lambda desktop: list(desktop.offers.values()))
        seconds = time.monotonic() - died
        say(f"kill -9: the first orphan is offered again after {seconds:.1f} s")
        assert offers[0].item.id in {item["id"] for item in filed}

        # The same request again, elsewhere: the same item.
        again = await second.call(
            "POST", "/api/v1/tasks", {"title": "task 0", "body": "please"},
            **{"Idempotency-Key": "key-0"},
        )  # fmt: skip
        assert again["id"] == filed[0]["id"]
        # Back again it holds nothing, and takes what comes.
        await first.start()
        late = await first.call("POST", "/api/v1/tasks", {"title": "late", "body": "please"})
        assert late["id"] not in {item["id"] for item in filed}
