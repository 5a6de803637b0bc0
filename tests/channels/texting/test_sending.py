"""What leaves: answers of the provider, doubt, reports in any order; lost 0, doubled 0."""

import asyncio
from typing import Any

import pytest

from channels.texting.settings import ProviderName
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.model import Delivery, ItemState, OutboundState
from tests.support.carrier import carrying
from tests.support.flownode import new_tables
from tests.support.textworld import ADA, OURS, TextWorld, texting

QUESTION = "Where is my parcel?"


async def left(world: TextWorld, count: int = 1) -> list[dict[str, Any]]:
    await world.until(lambda: len(world.carrier.taken) >= count)
    await world.rig.caught_up()
    return world.carrier.taken


async def tried(world: TextWorld) -> None:
    """The last attempt has come to an end."""
    await world.until(lambda: world.outbox[-1].attempts > 0)
    await world.until(lambda: world.outbox[-1].state is not OutboundState.ATTEMPTING)
    await world.rig.caught_up()


async def again(world: TextWorld) -> None:
    """Without waiting for its time."""
    order, before = world.outbox[-1], world.outbox[-1].attempts
    world.rig.node.dispatch.hurry(order.id)
    await world.until(lambda: world.outbox[-1].attempts > before)
    await tried(world)


@pytest.mark.parametrize("provider", ["twilio", "vonage", "telnyx", "generic"])
async def test_an_answer_leaves_by_the_provider_and_knows_its_id(provider: ProviderName) -> None:
    async with texting(provider) as world:
        match provider:
            case "twilio":
                await world.text(QUESTION)
            case "vonage":
                await world.vonage({"message_uuid": "m", "from": ADA[1:], "text": QUESTION})
            case "telnyx":
                told = {"id": "m", "from": {"phone_number": ADA}, "text": QUESTION}
                await world.telnyx({"data": {"event_type": "message.received", "payload": told}})
            case _:
                await world.generic({"id": "m", "from": ADA, "to": OURS, "text": QUESTION})
        await world.settled()
        message = await world.answer("It comes on Friday. Größe: €5")
        (sent,) = await left(world)
        await tried(world)
        assert (sent["to"].lstrip("+"), sent["sender"].lstrip("+")) == (ADA[1:], OURS[1:])
        assert sent["text"] == "It comes on Friday. Größe: €5"
        kept = world.rig.tables.messages[message.id]
        assert (kept.delivery, kept.external_id) == (Delivery.SENT, sent["id"])
        if provider == "twilio":
            assert sent["back"] == f"{world.url('/status')}?message={message.id}"
            return
        assert sent["reference"] == message.id
        await reports(world, provider, sent, "delivered")
        assert world.state_of(message) is Delivery.DELIVERED


async def reports(
    world: TextWorld, provider: ProviderName, sent: dict[str, Any], status: str
) -> None:
    """The others say it in the body."""
    reference = sent["reference"]
    if provider == "vonage":
        told = {"message_uuid": sent["id"], "status": status, "client_ref": reference}
        answer = await world.vonage(told, "/status")
    elif provider == "telnyx":
        payload = {"id": sent["id"], "to": [{"status": status}], "tags": [reference]}
        event = {"event_type": "message.finalized", "payload": payload}
        answer = await world.telnyx({"data": event}, "/status")
    else:
        said = {"id": sent["id"], "status": status, "reference": reference}
        answer = await world.generic(said, "/status")
    assert answer[0] == 200
    await world.settled()


async def test_reports_come_in_any_order_and_twice_and_the_furthest_stands() -> None:
    async with texting() as world:
        await world.text(QUESTION)
        message = await world.answer("On Friday")
        (sent,) = await left(world)
        await tried(world)
        for status in ("delivered", "sent", "read", "delivered", "queued", "read"):
            assert (await world.report(sent, status))[0] == 200
        assert world.state_of(message) is Delivery.READ
        told = [entry.event for entry in world.rig.tables.journal.values()]
        said = [one for one in told if isinstance(one, e.DeliveryChanged)]
        states = [one.state for one in said if one.message == message.id]
        assert states == [Delivery.SENT, Delivery.DELIVERED, Delivery.READ]


async def test_what_failed_goes_back_to_work_with_the_providers_words() -> None:
    async with texting() as world:
        await world.text(QUESTION)
        message = await world.answer("On Friday", then="wait")
        (sent,) = await left(world)
        await tried(world)
        await world.report(sent, "undelivered", ErrorCode="30005")
        kept = world.rig.tables.messages[message.id]
        assert kept.delivery is Delivery.FAILED
        assert "30005" in kept.delivery_reason
        item = world.rig.node.ledger.state.items[world.items[-1].id]
        assert item.state in (ItemState.QUEUED, ItemState.OFFERED)
        assert not item.undeliverable


async def test_a_report_before_the_answer_to_the_attempt_is_not_undone_by_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with texting() as world:
        await world.text(QUESTION)
        send, told = world.channel._provider.send, asyncio.Event()

        async def slowly(text: Any) -> str:
            sid: str = await send(text)
            told.set()
            await go.wait()
            return sid

        go = asyncio.Event()
        monkeypatch.setattr(world.channel._provider, "send", slowly)
        message = await world.answer("On Friday")
        await told.wait()
        await world.report(world.carrier.taken[0], "delivered")
        go.set()
        await tried(world)
        assert world.state_of(message) is Delivery.DELIVERED
        assert world.outbox[-1].state is OutboundState.SENT
        assert world.outbox[-1].receipt == world.carrier.taken[0]["id"]


@pytest.mark.parametrize(
    ("status", "body", "state", "unsettled"),
    [
        (429, {"code": 20429, "message": "Too Many Requests"}, OutboundState.PENDING, False),
        (503, {}, OutboundState.PENDING, False),
        (401, {"code": 20003, "message": "Authenticate"}, OutboundState.PENDING, False),
        (500, {}, OutboundState.PENDING, True),
        (400, {"code": 21211, "message": "Invalid 'To'"}, OutboundState.FAILED, False),
        (404, {}, OutboundState.FAILED, False),
    ],
)
async def test_what_the_provider_answers_decides(
    status: int, body: dict[str, Any], state: OutboundState, *, unsettled: bool
) -> None:
    async with texting() as world:
        await world.text(QUESTION)
        world.carrier.fail(status, body)
        await world.answer("On Friday")
        await tried(world)
        order = world.outbox[-1]
        assert (order.state, order.unsettled) == (state, unsettled)
        assert str(status) in order.reason or str(body.get("code")) in order.reason
        assert not world.carrier.taken


async def test_who_asks_for_patience_gets_it() -> None:
    async with texting("generic") as world:
        await world.generic({"id": "m", "from": ADA, "to": OURS, "text": QUESTION})
        await world.settled()
        world.carrier.fail(429, {}, Retry_After="120")
        before = world.now()
        await world.answer("On Friday")
        await tried(world)
        assert (world.outbox[-1].next_at - before).total_seconds() >= 120


async def test_the_customer_who_has_said_stop_at_the_provider_is_on_our_list_too() -> None:
    async with texting() as world:
        await world.text(QUESTION)
        world.carrier.fail(400, {"code": 21610, "message": "unsubscribed recipient"})
        await world.answer("On Friday")
        await tried(world)
        assert world.outbox[-1].state is OutboundState.FAILED
        assert len(world.rig.node.ledger.state.stops) == 1


# -- nobody knows whether it has left -----------------------------------------------------------


@pytest.mark.parametrize("provider", ["twilio", "generic"])
@pytest.mark.parametrize("fault", ["drop", "refuse"])
async def test_in_doubt_the_provider_is_asked_and_nothing_is_lost_or_doubled(
    provider: ProviderName, fault: str
) -> None:
    async with texting(provider) as world:
        if provider == "twilio":
            await world.text(QUESTION)
        else:
            await world.generic({"id": "m", "from": ADA, "to": OURS, "text": QUESTION})
            await world.settled()
        first = await world.answer("On Friday")
        await left(world)
        await tried(world)
        world.carrier.faults.append(fault)
        second = await world.answer("On Friday")
        await tried(world)
        assert world.outbox[-1].unsettled
        await again(world)
        assert [one["text"] for one in world.carrier.taken] == ["On Friday"] * 2
        ids = [world.rig.tables.messages[m.id].external_id for m in (first, second)]
        assert ids == [one["id"] for one in world.carrier.taken]
        assert world.state_of(second) is Delivery.SENT


async def test_a_report_settles_what_nobody_knew() -> None:
    async with texting("vonage") as world:
        await world.vonage({"message_uuid": "m", "from": ADA[1:], "text": QUESTION})
        await world.settled()
        world.carrier.faults.append("drop")
        message = await world.answer("On Friday")
        await tried(world)
        assert world.outbox[-1].unsettled
        await reports(world, "vonage", world.carrier.taken[0], "delivered")
        assert world.outbox[-1].state is OutboundState.SENT
        assert world.state_of(message) is Delivery.DELIVERED
        assert len(world.carrier.taken) == 1


@pytest.mark.parametrize("policy", ["resend", "hold"])
async def test_where_the_provider_cannot_be_asked_the_policy_decides(policy: str) -> None:
    async with texting("vonage", unsettled=policy) as world:
        await world.vonage({"message_uuid": "m", "from": ADA[1:], "text": QUESTION})
        await world.settled()
        world.carrier.faults.append("drop")
        message = await world.answer("On Friday")
        await tried(world)
        await again(world)
        order = world.outbox[-1]
        if policy == "resend":
            assert (order.state, order.repeats) == (OutboundState.SENT, 1)
            assert len(world.carrier.taken) == 2
        else:
            assert order.state is OutboundState.FAILED
            assert "nobody knows" in world.rig.tables.messages[message.id].delivery_reason
            assert len(world.carrier.taken) == 1


async def test_a_node_that_dies_while_it_sends_asks_before_it_sends_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = new_tables()
    async with carrying() as carrier:
        async with texting(tables=tables, carrier=carrier) as world:
            await world.text(QUESTION)
            never = asyncio.Event()
            send = world.channel._provider.send

            async def unanswered(text: Any) -> str:
                await send(text)
                await never.wait()
                return ""

            monkeypatch.setattr(world.channel._provider, "send", unanswered)
            message = await world.answer("On Friday")
            await left(world)
        async with texting(tables=tables, carrier=carrier) as world:
            await tried(world)
            await again(world)
            assert world.outbox[-1].state is OutboundState.SENT
            assert len(carrier.taken) == 1
            assert tables.messages[message.id].external_id == carrier.taken[0]["id"]


# -- from where, and how long -------------------------------------------------------------------


async def test_who_wrote_to_one_number_is_answered_from_it_and_others_by_country() -> None:
    german, british = "+4915123456789", "+447700900123"
    async with texting(numbers={"DE": german, "GB": british}) as world:
        await world.text(QUESTION, To=german)
        await world.answer("On Friday")
        assert (await left(world))[0]["sender"] == german
        for to, ours in (
            ("+4915112345678", german),
            ("+447911123457", british),
            ("+12015550123", OURS),
        ):
            said = c.Compose(id=world.rig.command(), channel=world.channel.name, to=to, body="Hi")
            await world.act(said)
            await left(world, len(world.carrier.taken) + 1)
            assert world.carrier.taken[-1]["sender"] == ours


async def test_what_is_typed_as_a_number_becomes_one_or_is_refused_in_words() -> None:
    async with texting() as world:
        name = world.channel.name
        said = c.Compose(id=world.rig.command(), channel=name, to="+44 (7911) 123-456", body="Hi")
        await world.act(said)
        assert (await left(world))[0]["to"] == ADA
        with pytest.raises(Refused, match="with its country") as refused:
            await world.act(c.Compose(id=world.rig.command(), channel=name, to="07911", body="x"))
        assert refused.value.field == "to"


async def test_more_texts_than_anybody_reads_are_not_sent() -> None:
    async with texting() as world:
        await world.text(QUESTION)
        message = await world.answer("x" * 1_600)
        await tried(world)
        failed = world.rig.tables.messages[message.id]
        assert failed.delivery is Delivery.FAILED
        assert "11 texts" in failed.delivery_reason
        assert not world.carrier.taken
