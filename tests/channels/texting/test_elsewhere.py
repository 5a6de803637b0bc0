"""One customer, several channels: an answer may leave by another one, and its answer finds back."""

import pytest

from gateway.core import commands as c
from gateway.core.errors import Refused
from gateway.core.ids import ChannelName
from gateway.ports import Claim
from tests.support.builders import MAIL, mail
from tests.support.textworld import ADA, MOBILE, TextWorld, texting


async def mailed(world: TextWorld) -> None:
    """Ada writes a mail; her number is known from an earlier text."""
    await world.text("Hello?")
    await world.settled()
    customer = world.items[-1].customer
    assert customer is not None
    identity = Claim(kind="email", value="ada@example.org", verified=True)
    world.rig.tables.identities["email", "ada@example.org", True] = customer.id
    await world.rig.node.intake.receive([mail("m1", identity=identity, address="ada@example.org")])
    await world.settled()


async def test_a_mail_is_answered_by_text_once_and_goes_on_by_mail() -> None:
    async with texting() as world:
        await mailed(world)
        item = world.items[-1]
        assert item.channel == MAIL
        first = world.items[0]
        await world.answer("Done", then=None)
        said = await world.answer("Short answer: on Friday", via=MOBILE)
        await world.until(lambda: len(world.carrier.taken) == 1)
        assert (world.carrier.taken[0]["to"], said.case) == (ADA, item.case)
        assert (said.channel, said.kind.value) == (MOBILE, "sms")
        known = world.rig.node.ledger.state.items[item.id]
        assert (known.channel, known.address) == (MAIL, "ada@example.org")
        assert first.case != item.case


@pytest.mark.parametrize(("via", "field"), [("nowhere", "via"), ("site", "via"), ("office", "via")])
async def test_a_way_that_does_not_lead_to_the_customer_is_refused(via: str, field: str) -> None:
    async with texting() as world:
        await mailed(world)
        with pytest.raises(Refused) as refused:
            await world.answer("x", via=ChannelName(via))
        assert refused.value.field == field


async def test_who_wants_no_texts_gets_none_by_this_way_either() -> None:
    async with texting() as world:
        await mailed(world)
        await world.text("STOP", MessageSid="SMstop")
        with pytest.raises(Refused, match="no more messages"):
            await world.answer("x", via=MOBILE)


async def test_the_text_that_comes_back_joins_the_case_of_the_mail() -> None:
    async with texting() as world:
        identity = Claim(kind="phone", value=ADA, verified=True)
        await world.rig.node.intake.receive([mail("m1", identity=identity, address="ada@x.org")])
        await world.settled()
        item = await world.take()
        command = c.Send(id=world.rig.command(), item=item.id, body="On Friday", via=MOBILE)
        await world.act(command)
        await world.until(lambda: len(world.carrier.taken) == 1)
        await world.rig.caught_up()
        await world.text("Thank you")
        assert world.messages[-1].body == "Thank you"
        assert world.messages[-1].case == item.case
        assert len(world.items) == 1
