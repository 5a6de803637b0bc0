"""An agent's mail from the composer to the outbox: as it leaves, as it fails, tried once more."""

from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core.errors import Refused, Undeliverable
from gateway.core.ids import AgentName
from gateway.core.model import ItemState
from tests.support.apiworld import ApiWorld, api_world
from tests.support.builders import mail

ANA = AgentName("ana")


async def in_hand(world: ApiWorld) -> Any:
    (accepted,) = await world.rig.node.intake.receive([mail("lamp", body="Where is my lamp?")])
    decided = await world.rig.node.intake.decided(accepted)
    item, items = decided.item, world.rig.tables.items
    assert item is not None
    await world.until(lambda: items[item].state is ItemState.OFFERED)
    offer = items[item].offer
    assert offer is not None
    await do(world, c.Accept(id=world.rig.command(), offer=offer.id))
    return items[item]


async def do(world: ApiWorld, command: Any) -> dict[str, Any]:
    return (await world.rig.node.desk.act(ANA, command, maybe_repeated=False)).body


async def test_a_mail_leaves_in_its_letter_above_what_it_answers_and_is_tried_again() -> None:
    async with api_world(ready=True) as world:
        letter = {"opening": "Dear {customer},", "signature": "{agent}"}
        assert (await world.call("PUT", "/api/v1/letters/house", letter))[0] == 200
        item = await in_hand(world)
        sink = world.rig.sinks[item.channel]
        sink.errors = [Undeliverable("550 no such mailbox")]
        said = world.rig.tables.messages
        first = next(one for one in said.values() if one.direction == "in")
        send = c.Send(id=world.rig.command(), item=item.id, body="On its way.", quote=first.id)
        message = (await do(world, send))["message"]
        await world.until(lambda: said[message].delivery_reason == "550 no such mailbox")
        ana = await world.token_for("ana")
        status, _ = await world.call("POST", f"/api/v1/messages/{message}/retry", token=ana)
        assert status == 200
        await world.until(lambda: said[message].delivery == "sent")
        sent = sink.sent[-1].message
        assert sent is not None
        assert sent.body == said[message].body
        lines = sent.body.split("\n")
        assert lines[2 : sent.fold_from] == ["On its way."]
        assert lines[sent.fold_from + 1 : sent.fold_from + 2] == ["-- "]
        assert lines[-1] == "> Where is my lamp?"
        retried = await world.call("POST", f"/api/v1/messages/{message}/retry", token=ana)
        assert retried[0] == 409
        status, _ = await world.call("POST", f"/api/v1/messages/{first.id}/retry", token=ana)
        assert status == 404


async def test_only_a_mail_of_the_same_case_can_be_quoted() -> None:
    async with api_world(ready=True) as world:
        item = await in_hand(world)
        note = await do(world, c.Note(id=world.rig.command(), item=item.id, body="secret"))
        said = world.rig.tables.messages
        send = c.Send(id=world.rig.command(), item=item.id, body="x", quote=note["message"])
        before = len(said)
        with pytest.raises(Refused, match="no such mail") as refused:
            await do(world, send)
        assert refused.value.field == "quote"
        assert len(said) == before


async def test_a_mail_of_a_case_that_was_merged_into_this_one_can_be_quoted_as_well() -> None:
    async with api_world(ready=True) as world:
        item = await in_hand(world)
        (accepted,) = await world.rig.node.intake.receive([mail("chair", body="And my chair?")])
        other = world.rig.tables.items[(await world.rig.node.intake.decided(accepted)).item or ""]
        said = world.rig.tables.messages
        asked = next(one for one in said.values() if one.case == other.case)

        def send() -> c.Send:
            return c.Send(id=world.rig.command(), item=item.id, body="Both.", quote=asked.id)

        with pytest.raises(Refused, match="no such mail"):
            await do(world, send())
        wish = {"into": item.number, "reason": "one matter", "other_customer": True}
        merged = await world.call("POST", f"/api/v1/cases/{other.number}/merge", wish)
        assert merged[0] == 200
        message = (await do(world, send()))["message"]
        assert said[message].body.endswith("> And my chair?")
