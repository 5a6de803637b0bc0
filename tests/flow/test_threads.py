"""Mails that belong together, on their way through a node."""

import asyncio
from typing import Any

from gateway.api.trace import words
from gateway.core import events as e
from gateway.core.ids import ChannelName
from gateway.core.inbound import Claim, Inbound
from gateway.core.model import ChannelKind, Message
from gateway.core.replytoken import ReplyTokens
from gateway.store.views import Traced
from tests.flow.days import ANA, accept, story, take
from tests.flow.test_bounces import answered
from tests.support.builders import MAIL, START, mail
from tests.support.flownode import Rig

SALES = ChannelName("sales")
EVA, BOB, THIEF = "eva@example.org", "bob@example.org", "kim@evil.example"


def from_(sender: str, key: str, *, verified: bool = False, **fields: Any) -> Inbound:
    identity = Claim(kind="email", value=sender, verified=verified)
    return mail(key, **({"identity": identity, "address": sender} | fields))


def two_boxes(rig: Rig) -> None:
    state = rig.node.ledger.state
    state.channels[SALES] = ChannelKind.EMAIL
    state.ours = {"help@us.example": MAIL, "sales@us.example": SALES}


def test_a_claimed_customer_who_answers_our_mail_reaches_the_ticket_and_a_stranger_does_not() -> (
    None
):
    async def tell(rig: Rig) -> None:
        ours = await answered(rig)
        reference = (f"<{ours.id}@us>",)
        reply = await take(rig, from_(EVA, "m2", references=reference))
        assert reply.case == ours.case
        forwarded = await take(rig, from_(THIEF, "m3", references=reference))
        assert forwarded.case != ours.case
        state = rig.node.ledger.state
        assert state.cases[forwarded.case].follows == ours.case
        assert state.items[forwarded.item].attributes["refers_to"] == f"#{reply.number}"
        assert (state.items[reply.item].address, state.items[reply.item].copies) == (EVA, ())

    story(tell)


def test_a_token_alone_finds_the_ticket() -> None:
    async def tell(rig: Rig) -> None:
        rig.node.ledger.tokens = ReplyTokens([b"k" * 32])
        ours = await answered(rig)
        (sent,) = rig.sinks[MAIL].sent
        assert rig.node.ledger.tokens.read(sent.token) == sent.number
        joined = await take(rig, from_(EVA, "m2", tokens=("1-aaaaaaaaaaaa", sent.token)))
        assert joined.case == ours.case
        forged = await take(rig, from_(EVA, "m3", tokens=(f"{sent.number}-aaaaaaaaaaaa",)))
        assert forged.case != ours.case

    story(tell)


def test_a_verified_customer_joins_the_newest_of_their_tickets_about_the_same() -> None:
    async def tell(rig: Rig) -> None:
        first = await take(rig, mail("m1", subject="Lamp"))
        await take(rig, mail("m2", subject="Chair"))
        again = await take(rig, mail("m3", subject="Re: lamp"))
        named = await take(rig, mail("m4", subject="?", attributes={"ticket": first.number}))
        other = mail("m5", subject="?", attributes={"ticket": first.number})
        stranger = Claim(kind="email", value=THIEF, verified=True)
        foreign = await take(rig, from_(THIEF, "m5", attributes=other.attributes))
        verified = await take(rig, mail("m6", identity=stranger, attributes=other.attributes))
        assert again.case == named.case == first.case
        assert first.case not in (foreign.case, verified.case)

    story(tell)


def test_an_answer_in_the_same_batch_finds_the_mail_that_it_answers() -> None:
    """The customer writes to us and to Bob, who answers all: both lie in the mailbox."""

    async def tell(rig: Rig) -> None:
        rig.store.faults.delayed, rig.store.faults.slow = 0.5, 3.0
        batch = [
            from_(EVA, "a", copies=(BOB,)),
            from_(BOB, "b", references=("a@example.org",), copies=(EVA,)),
            from_(EVA, "c", references=("b@example.org", "a@example.org")),
        ]
        accepted = await rig.node.intake.receive(batch)
        decided = await asyncio.gather(*map(rig.node.intake.decided, accepted))
        assert len({one.case for one in decided}) == 1
        assert [one.seq for one in decided] == [1, 2, 3]

    for _ in range(3):
        story(tell)


def both(key: str, channel: ChannelName, **fields: Any) -> Inbound:
    return mail(key, channel=channel, external_id="<one@id>", mark="same", **fields)


def test_one_mail_in_two_mailboxes_is_one_item_also_when_both_come_at_once() -> None:
    async def tell(rig: Rig) -> None:
        two_boxes(rig)
        rig.store.faults.delayed, rig.store.faults.slow = 0.5, 3.0
        # One mailbox vouches for its senders, the other does not.
        plain = Claim(kind="email", value=EVA)
        parcels = ([both("s", SALES, identity=plain)], [both("m", MAIL), both("m2", MAIL)])
        rows = await asyncio.gather(*map(rig.node.intake.receive, parcels))
        decided = [await rig.node.intake.decided(one) for parcel in rows for one in parcel]
        assert len({one.message for one in decided}) == 2, "two in one mailbox are two"
        assert sum("the same mail came to" in one.reason for one in decided) == 1

    tables = story(tell)
    assert len(tables.items) == len(tables.messages) == 2
    came = [x.event for x in tables.journal.values() if isinstance(x.event, e.CopyCame)]
    assert len(came) == 1
    told = words(Traced(at=START, kind="copy_came", data={"to": "sales@us.example"}))
    assert told == "The same mail came to sales@us.example too"


def test_a_copy_that_comes_when_the_mail_was_answered_wakes_nobody() -> None:
    async def tell(rig: Rig) -> None:
        two_boxes(rig)
        await take(rig, both("m", MAIL))
        item = await accept(rig)
        await take(rig, both("s", SALES))
        assert rig.node.ledger.state.items[item.id].agent == ANA
        assert len(rig.node.ledger.state.items) == 1

    tables = story(tell)
    (message,) = tables.messages.values()
    assert isinstance(message, Message)
