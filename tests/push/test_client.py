"""The Python client and the real endpoint on loopback: the whole way, and how it breaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from gateway.core import commands as c
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ItemId
from gateway.core.model import ItemState, Presence
from gateway.ports import Elsewhere
from push.client import AgentClient, SignedOut, Stopped
from push.protocol import (
    SUBPROTOCOL,
    MessageFrame,
    OfferFrame,
    ServerFrame,
    Snapshot,
    TypingFrame,
    Welcome,
)
from tests.support.pushworld import Loopback, World, agrees, until

pytestmark = pytest.mark.integration


@pytest.fixture
async def node() -> AsyncIterator[Loopback]:
    async with Loopback(World("ana", "ben"), retry_seconds=0.05) as node:
        yield node


def client(node: Loopback, agent: str = "ana", **options: float) -> AgentClient:
    return AgentClient([node.url], f"agent-{agent}", first_delay=0.02, **options)  # type: ignore[arg-type]


async def test_an_agent_takes_a_contact_from_offer_to_wrapup(node: Loopback) -> None:
    world = node.world
    async with client(node) as ana:
        await ana.ready()
        assert ana.desktop.state is not None
        assert ana.desktop.state.state is Presence.READY
        item = world.arrive()
        offer = world.offer(item, "ana")
        await ana.until(lambda d: offer in d.offers)
        await ana.accept(offer)
        assert ana.desktop.items[item.id].state is ItemState.ASSIGNED, "ok comes after its frames"
        said = await ana.send(item.id, "Here it is.", then="close")
        assert said.body["message"]
        await ana.wrapup(item.id, "done")
        assert item.id not in ana.desktop.items
        assert agrees(ana.desktop, world, "ana")


async def test_a_second_tab_of_the_same_agent_sees_the_same(node: Loopback) -> None:
    async with client(node) as first, client(node) as second:
        await first.in_sync()
        await second.in_sync()
        item = node.world.give("ana")
        await first.until(lambda d: item.id in d.items)
        await second.until(lambda d: item.id in d.items)
        await first.note(item.id, "rang twice")
        await second.until(lambda d: len(d.messages.get(item.id, ())) == 1)
        assert agrees(first.desktop, node.world, "ana")
        assert agrees(second.desktop, node.world, "ana")


async def test_an_answer_goes_only_to_the_tab_that_asked(node: Loopback) -> None:
    async with client(node) as first, client(node) as second:
        await second.in_sync()
        heard = second.events()
        await first.ready()
        await second.until(lambda d: d.state is not None and d.state.state is Presence.READY)
        await second.not_ready("lunch")
        kinds = [type(await anext(heard)).__name__ for _ in range(3)]
        assert kinds == ["StateFrame", "StateFrame", "Ok"]


async def test_a_broken_connection_is_resumed_with_what_was_missed(node: Loopback) -> None:
    async with client(node) as ana:
        await ana.in_sync()
        heard = ana.events()
        item = node.world.give("ana")
        node.cut()
        node.world.hear(item, "Anybody there?")
        await ana.until(lambda d: d.messages.get(item.id))
        assert node.push.hub.replays == 1
        frames: list[ServerFrame] = []
        while not (frames and isinstance(frames[-1], MessageFrame)):
            frames.append(await anext(heard))
        assert not any(isinstance(f, Snapshot) for f in frames)
        assert any(isinstance(f, Welcome) for f in frames)
        assert agrees(ana.desktop, node.world, "ana")


async def test_a_command_cut_off_is_repeated_and_takes_effect_once(node: Loopback) -> None:
    world = node.world
    async with client(node) as ana:
        await ana.ready()
        item = world.give("ana")
        reached = asyncio.Event()
        go_on = asyncio.Event()

        async def hold() -> None:
            reached.set()
            await go_on.wait()

        world.before_act = hold
        async with asyncio.TaskGroup() as group:
            note = group.create_task(ana.note(item.id, "once"))
            await reached.wait()
            node.cut()
            await until(lambda: len(world.acted) >= 3, "repeated on the next socket")
            go_on.set()
        assert note.result().body["seq"] == 2
        repeated = [flag for _, command, flag in world.acted if isinstance(command, c.Note)]
        assert repeated == [False, True], "the hello named it as pending"
        assert world.state.cases[item.case].last_seq == 2, "the customer's message and one note"


async def test_an_unanswered_command_is_repeated_on_another_socket(node: Loopback) -> None:
    release = asyncio.Event()
    node.world.before_act = release.wait  # type: ignore[assignment]
    async with client(node, command_seconds=0.1) as ana, asyncio.TaskGroup() as group:
        asked = group.create_task(ana.ready())
        await until(lambda: len(node.world.acted) >= 2, "repeated")
        release.set()
        await asked
        assert ana.connects >= 2
        assert len({command.id for _, command, _ in node.world.acted}) == 1


async def test_a_refusal_names_code_and_field(node: Loopback) -> None:
    async with client(node) as ana:
        with pytest.raises(Refused, match="no such open work item") as refused:
            await ana.note(ItemId("nowhere"), "hello?")
    assert (refused.value.code, refused.value.field) == ("not_found", "item")


async def test_a_wrong_token_ends_the_client_with_its_reason(node: Loopback) -> None:
    with pytest.raises(SignedOut, match="token") as signed_out:
        async with AgentClient([node.url], "nobody") as nobody:
            await nobody.ready()
    assert signed_out.value.code == 4401


async def test_a_revoked_token_closes_the_open_socket(node: Loopback) -> None:
    async def stay(ana: AgentClient) -> None:
        async with ana:
            await ana.in_sync()
            node.push.drop_token("agent-ana")
            await ana.until(lambda d: d.offers)

    async with client(node, "ben") as ben:
        await ben.in_sync()
        with pytest.raises(SignedOut, match="revoked"):
            await stay(client(node))
        await ben.ready()


async def test_a_node_that_restarts_is_found_again_under_a_new_claim(node: Loopback) -> None:
    world = node.world
    async with client(node) as ana:
        await ana.in_sync()
        item = world.give("ana")
        await ana.until(lambda d: item.id in d.items)
        before = ana.desktop.epoch
        await node.close()
        world.commit()
        world.state.claimed.clear()
        world.hear(item, "Still there?")
        world.commit()
        await node.open()
        await ana.until(lambda d: d.epoch > before and d.seq >= 0)
        assert agrees(ana.desktop, world, "ana")


async def test_a_drained_node_sends_everybody_to_its_peer(node: Loopback) -> None:
    async with Loopback(World("ana"), node="there") as there, client(node) as ana:
        await ana.in_sync()
        node.push._peers = lambda: (there.url,)
        node.push._host = node.push._make_host()
        await node.push.drain("upgrade", seconds=0)
        await ana.until(lambda d: d.welcome is not None and d.welcome.node == "there")
        assert ana.why == ""
        assert node.push.connected == 0


async def test_a_blip_leads_back_to_the_same_node(node: Loopback) -> None:
    async with Loopback(World("ana"), node="there") as there:
        node.peers = (there.url,)
        async with client(node) as ana:
            await ana.in_sync()
            node.cut()
            await ana.ready()
            assert ana.desktop.welcome is not None
            assert (ana.desktop.welcome.node, ana.connects) == ("here", 2)


async def test_a_node_that_is_gone_is_named_to_its_peer(node: Loopback) -> None:
    async with Loopback(World("ana"), node="there") as there:
        node.peers = (there.url,)
        async with client(node) as ana:
            await ana.in_sync()
            await node.close()
            await ana.until(lambda d: d.welcome is not None and d.welcome.node == "there")
            assert there.homes.asked == [(AgentName("ana"), (node.url,))]
        await node.open()


async def test_who_is_at_home_elsewhere_follows(node: Loopback) -> None:
    async with Loopback(World("ana"), node="there") as there:
        node.homes.answers[AgentName("ana")] = [Elsewhere(there.url)]
        async with client(node) as ana:
            await ana.in_sync()
            assert ana.desktop.welcome is not None
            assert (ana.desktop.welcome.node, ana.connects) == ("there", 2)


async def test_while_the_journal_is_down_the_desktop_waits_and_then_comes_in(
    node: Loopback,
) -> None:
    node.world.closed = True
    async with client(node) as ana:
        await ana.until(lambda d: "journal" in d.waiting)
        assert not ana.online
        node.world.closed = False
        await ana.in_sync()
        assert ana.connects == 1


async def test_the_customers_typing_is_shown_to_whoever_holds_the_case(node: Loopback) -> None:
    async with client(node) as ana, client(node, "ben") as ben:
        await ana.in_sync()
        await ben.in_sync()
        others = ben.events()
        item = node.world.give("ana")
        await ana.until(lambda d: item.id in d.items)
        node.signals.typing(item.case, "Ana", on=True, by_customer=True)
        await ana.until(lambda d: d.typing.get(item.id) == ["Ana"])
        await ben.ready()
        assert not isinstance(await anext(others), TypingFrame)


async def test_a_client_that_is_closed_tells_who_still_waits(node: Loopback) -> None:
    ana = client(node)
    await ana.__aenter__()
    await ana.in_sync()
    waiting = asyncio.get_running_loop().create_task(ana.until(lambda d: d.offers))
    await asyncio.sleep(0)
    await ana.__aexit__(None, None, None)
    with pytest.raises(Stopped):
        await waiting
    with pytest.raises(Stopped):
        await ana.ready()


async def test_cancelling_a_command_leaves_the_client_working(node: Loopback) -> None:
    async with client(node) as ana:
        await ana.in_sync()
        blocked = asyncio.Event()

        async def block() -> None:
            blocked.set()
            await asyncio.Event().wait()

        node.world.before_act = block
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ana.ready()
        assert ana._book == {}
        node.world.before_act = None
        node.cut()
        await ana.ready()


async def test_a_page_of_another_origin_is_turned_away(node: Loopback) -> None:
    page = Origin("https://evil.test")
    async with connect(node.url, origin=page, subprotocols=[Subprotocol(SUBPROTOCOL)]) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


async def test_hundred_agents_at_once_are_each_shown_their_own(node: Loopback) -> None:
    names = [f"agent{n}" for n in range(100)]
    async with Loopback(World(*names)) as crowd, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client(crowd, name)) for name in names]
        for one in clients:
            await one.in_sync()
        items = {name: crowd.world.give(name).id for name in names}
        for name, one in zip(names, clients, strict=True):
            await one.until(lambda d: d.items)
            assert set(one.desktop.items) == {items[name]}
        crowd.cut()
        for one in clients:
            await one.ready()
        assert crowd.push.hub.resyncs == 0


async def test_following_gives_offers_as_they_come(node: Loopback) -> None:
    async with client(node) as ana:
        await ana.ready()
        frames = ana.events()
        node.world.offer(node.world.arrive(), "ana")
        first = await anext(frames)
        assert isinstance(first, OfferFrame)
        assert first.reason == "longest idle"
