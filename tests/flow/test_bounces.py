"""A delivery report on its way through a node."""

import asyncio

from gateway.core import commands as c
from gateway.core.ids import AgentName
from gateway.core.merging import Merge, merge
from gateway.core.model import AgentProfile, Delivery, ItemState, Message
from tests.flow.days import ANA, accept, story, take
from tests.support.builders import MAIL, mail
from tests.support.flownode import Rig


def answer(rig: Rig) -> Message:
    (found,) = [m for m in rig.tables.messages.values() if m.direction == "out"]
    return found


async def answered(rig: Rig) -> Message:
    """A customer's mail, answered, and the answer on its way; the item waits for the customer."""
    await take(rig, mail("m1"))
    item = await accept(rig)
    send = c.Send(id=rig.command(), item=item.id, body="Hello", then="wait")
    await rig.node.desk.act(ANA, send, maybe_repeated=False)
    await rig.sinks[MAIL].begun.wait()
    async with asyncio.timeout(60):
        while answer(rig).delivery is not Delivery.SENT:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.01)
    return answer(rig)


def test_a_bounce_marks_our_message_and_brings_the_item_back() -> None:
    async def tell(rig: Rig) -> None:
        message = await answered(rig)
        decided = await take(
            rig,
            mail(
                "dsn",
                identity=None,
                references=(f"<{message.id}@us>",),
                attributes={"bounce_action": "failed", "bounce_reason": "550 user unknown"},
                machine=True,
            ),
        )
        assert (decided.status, decided.case) == ("processed", message.case)
        await rig.caught_up()

    tables = story(tell)
    (item,) = tables.items.values()
    assert item.state in (ItemState.QUEUED, ItemState.OFFERED)
    (out,) = [m for m in tables.messages.values() if m.direction == "out"]
    assert (out.delivery, out.delivery_reason) == (Delivery.FAILED, "550 user unknown")
    assert [m.direction for m in tables.messages.values()] == ["in", "out", "note"]
    assert len(tables.cases) == 1


def test_a_bounce_finds_our_message_in_a_case_that_was_merged_since() -> None:
    async def tell(rig: Rig) -> None:
        message = await answered(rig)
        other = await take(rig, mail("m2", subject="More"))
        ledger, cases = rig.node.ledger, rig.tables.cases
        into = ledger.state.cases[other.case]
        boss = AgentProfile(name=AgentName("boss"), role="supervisor")
        case = ledger.state.adopt(cases[message.case])
        wish = Merge(case=case, into=into, by=boss, reason="one matter")
        await ledger.committed(ledger.record(merge(ledger.state, ledger.context(), wish)))
        attributes = {"bounce_action": "failed", "bounce_reason": "550 user unknown"}
        report = mail(
            "dsn",
            identity=None,
            references=(f"<{message.id}@us>",),
            attributes=attributes,
            machine=True,
        )
        assert (await take(rig, report)).case == other.case
        await rig.caught_up()

    tables = story(tell)
    (out,) = [m for m in tables.messages.values() if m.direction == "out"]
    assert (out.delivery, out.delivery_reason) == (Delivery.FAILED, "550 user unknown")


def test_a_report_on_a_mail_that_we_do_not_know_is_a_contact_like_any() -> None:
    async def tell(rig: Rig) -> None:
        decided = await take(
            rig,
            mail(
                "dsn",
                identity=None,
                references=("<0190a000-0000-7000-8000-0000000000ff@us>",),
                attributes={"bounce_action": "failed", "bounce_reason": "550 user unknown"},
                machine=True,
            ),
        )
        assert decided.item is not None

    tables = story(tell)
    assert len(tables.items) == 1


def test_reports_on_what_the_customer_said_change_nothing_of_it() -> None:
    async def tell(rig: Rig) -> None:
        first = await take(rig, mail("m1"))
        decided = await take(
            rig,
            mail(
                "dsn",
                references=(f"<{first.message}@us>",),
                attributes={"bounce_action": "failed", "bounce_reason": "550"},
            ),
        )
        assert decided.case == first.case

    tables = story(tell)
    assert [m.delivery for m in tables.messages.values()] == [None, None]
