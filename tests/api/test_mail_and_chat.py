"""A matter that was begun by mail, went on in a chat, and comes back by mail."""

from typing import Any

from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core.ids import AgentName
from gateway.core.inbound import Claim, Decided
from gateway.core.model import ChannelKind, Item, ItemState
from tests.support.apiworld import ApiWorld, api_world
from tests.support.builders import agent, chat, mail

ANA = AgentName("ana")
EVA = Claim(kind="email", value="eva@example.org", name="Eva", verified=True)


async def do(world: ApiWorld, command: Any) -> dict[str, Any]:
    return (await world.rig.node.desk.act(ANA, command, maybe_repeated=False)).body


async def arrives(world: ApiWorld, inbound: Any) -> Decided:
    (accepted,) = await world.rig.node.intake.receive([inbound])
    return await world.rig.node.intake.decided(accepted)


async def taken(world: ApiWorld, decided: Decided) -> Item:
    """The work that came of it, in hand."""
    items, item = world.rig.tables.items, decided.item
    assert item is not None
    await world.until(lambda: items[item].state is ItemState.OFFERED)
    offer = items[item].offer
    assert offer is not None
    await do(world, c.Accept(id=world.rig.command(), offer=offer.id))
    return items[item]


async def sends(world: ApiWorld, item: Item, body: str, **more: Any) -> str:
    """The outside id of what has left."""
    said = world.rig.tables.messages
    command = c.Send(id=world.rig.command(), item=item.id, body=body, **more)
    message = (await do(world, command))["message"]
    await world.until(lambda: said[message].delivery == "sent")
    return said[message].external_id


async def test_an_answer_after_the_chat_has_ended_goes_on_in_the_thread_of_the_mails() -> None:
    wide = replace(agent("ana"), capacity={ChannelKind.EMAIL: 3, ChannelKind.WEBCHAT: 3})
    async with api_world(wide, ready=True) as world:
        rule = {"on": ["contact"], "when": {"kinds": ["webchat"]}, "then": {"join": True}}
        assert (await world.call("PUT", "/api/v1/rules/open", rule))[0] in (200, 201)
        mailed = await arrives(world, mail("lamp", copies=("bob@example.net",)))
        item = await taken(world, mailed)
        ours = await sends(world, item, "It left. Follow it: {ticket_url}", cc=())
        chatted = await arrives(world, chat("hello", identity=EVA))
        assert chatted.case == mailed.case
        talk = await taken(world, chatted)
        assert talk.kind is ChannelKind.WEBCHAT
        ended = chat("end", body="", conversation=mailed.case, attributes={"chat": "ended"})
        await arrives(world, ended)
        for one in (talk, item):
            await do(world, c.Wrapup(id=world.rig.command(), item=one.id, code="done"))

        reply = mail("thanks", references=(ours, "lamp@example.org"), copies=("kim@example.net",))
        again = await arrives(world, reply)
        assert again.case == mailed.case
        item = await taken(world, again)
        assert (item.kind, item.address) == (ChannelKind.EMAIL, "eva@example.org")
        assert item.copies == ("kim@example.net",), "nobody is copied who was taken off"
        await sends(world, item, "A pleasure. See {ticket_url}")
        first, last = (world.rig.sinks[item.channel].sent[at] for at in (0, -1))
        assert last.thread == ("lamp@example.org", ours, "thanks@example.org")
        assert (first.message is not None, last.message is not None) == (True, True)
        if first.message is not None and last.message is not None:
            assert "/t/" in first.message.body
            assert last.message.body == "A pleasure.", "who is copied gets no link"
            assert last.message.cc == ("kim@example.net",)
