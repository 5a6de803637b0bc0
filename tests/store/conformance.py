"""What every ``Journal`` with its ``Lookup`` must do, whatever it is made of.

Subclass ``StoreConformance`` and give a fixture ``opens``: a function that opens a new incarnation
of a node over the same data, as a restarted process would.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.errors import Refused
from gateway.core.ids import (
    AgentName,
    ChannelName,
    NodeName,
    Position,
    QueueName,
    SkillName,
    TicketNumber,
)
from gateway.core.inbound import Claim, Decided, File, Inbound
from gateway.ports import Memory
from gateway.store.contract import (
    BadBatch,
    Batch,
    Fenced,
    Journal,
    Loaded,
    Lookup,
    Term,
    VersionConflict,
)
from gateway.store.opening import new_id

NODE, MAIL, SITE = NodeName("n1"), ChannelName("mail"), ChannelName("site")
EVA, BOB = AgentName("eva"), AgentName("bob")
NOW = datetime.now(UTC).replace(microsecond=123000)
EMAIL = m.ChannelKind.EMAIL


class Opened(Struct):
    """One incarnation's way to the data."""

    journal: Journal
    lookup: Lookup


Opens = Callable[[], Awaitable[Opened]]


class Pen:
    """Writes entries under a term, each at the next position."""

    def __init__(self, opened: Opened, term: Term) -> None:
        self.journal, self.lookup, self.term = opened.journal, opened.lookup, term
        self.offset = 0

    def entry(self, event: e.Event, *rows: e.Row) -> e.Entry:
        self.offset += 1
        return e.Entry(Position(self.term.epoch, self.offset), NOW, event, rows)

    def batch(self, *entries: e.Entry) -> Batch:
        """What ``Journal.commit`` takes."""
        batch = self.journal.batch()
        for entry in entries:
            batch.add(entry)
        return batch

    async def write(self, *entries: e.Entry) -> None:
        await self.journal.commit(self.term, self.batch(*entries))

    async def rows(self, *rows: e.Row) -> None:
        """Commit rows under an event that does not matter."""
        await self.write(self.entry(an_event(), *rows))

    async def loaded(self) -> Loaded:
        return await self.journal.load(self.term)


async def begin(opens: Opens) -> Pen:
    opened = await opens()
    return Pen(opened, await opened.journal.begin(NODE, "eu"))


def uid() -> Any:
    """A fresh id of whatever kind is asked for."""
    return new_id()


def an_event() -> e.Event:
    return e.NodeStarted(node=NODE, region="eu", items=0)


def a_case(**changes: Any) -> m.Case:
    number = TicketNumber(int(new_id().replace("-", "")[10:24], 16))
    case = m.Case(id=uid(), number=number, version=1, opened_at=NOW, channel=MAIL, kind=EMAIL)
    return replace(case, **changes)


def an_item(case: m.Case, **changes: Any) -> m.Item:
    item = m.Item(
        id=uid(),
        case=case.id,
        number=case.number,
        channel=MAIL,
        kind=EMAIL,
        queue=QueueName("general"),
        state=m.ItemState.QUEUED,
        version=1,
        owner=NODE,
        created_at=NOW,
        queued_at=NOW,
    )
    return replace(item, **changes)


def a_message(case: m.Case, seq: int = 1, **changes: Any) -> m.Message:
    message = m.Message(
        id=uid(),
        case=case.id,
        seq=seq,
        direction="in",
        author=m.Author(kind="customer", name="Ann"),
        at=NOW,
        channel=MAIL,
        kind=EMAIL,
        body="Where is my parcel?",
    )
    return replace(message, **changes)


def an_outgoing(**changes: Any) -> m.Outgoing:
    outgoing = m.Outgoing(
        id=uid(),
        channel=MAIL,
        kind=EMAIL,
        purpose="message",
        state=m.OutboundState.PENDING,
        version=1,
        created_at=NOW,
        next_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    return replace(outgoing, **changes)


def an_inbound(key: str = "k1", **changes: Any) -> Inbound:
    return replace(Inbound(channel=MAIL, kind=EMAIL, key=key, at=NOW), **changes)


def from_ann(*, verified: bool) -> Claim:
    return Claim(kind="email", value="ann@example.com", name="Ann", verified=verified)


class StoreConformance:
    """The suite; see the module's docstring."""

    # -- rows come back as they were -------------------------------------------------------

    async def test_what_was_committed_is_there_after_a_restart(self, opens: Opens) -> None:
        pen = await begin(opens)
        customer = m.CustomerBrief(id=uid(), name="Ann", language="de", verified=True, value=3)
        case = a_case(customer=customer, tags=("vip", "late"), subject="Päckchen 📦")
        offer = m.Offer(id=uid(), agent=EVA, made_at=NOW, deadline=NOW, reason="speaks de")
        item = an_item(
            case,
            state=m.ItemState.OFFERED,
            offer=offer,
            customer=customer,
            passed=(m.Passed(agent=BOB, how="missed", at=NOW),),
            attributes={"amount": 1.5, "vip": True, "note": None},
            requirement=m.Requirement(skills={SkillName("de"): 4}),
        )
        outgoing = an_outgoing(case=case.id, payload={"event": "x"})
        status = m.AgentStatus(
            name=EVA, since=NOW, idle_since=NOW, home=NODE, epoch=2, version=1, tabs=1
        )
        profile = m.AgentProfile(name=EVA, skills={SkillName("de"): 5}, capacity={EMAIL: 3})
        queue = m.Queue(name=QueueName("general"), offer_seconds={EMAIL: 60.0})
        await pen.rows(case, item, outgoing, status, profile, queue)

        loaded = await (await begin(opens)).loaded()

        assert loaded.cases == (case,)
        assert loaded.items == (item,)
        assert loaded.outbox == (outgoing,)
        assert loaded.statuses == (status,)
        assert loaded.profiles == (profile,)
        assert loaded.queues == (queue,)
        assert loaded.received == ()

    async def test_what_has_ended_is_not_loaded_but_still_found(self, opens: Opens) -> None:
        pen = await begin(opens)
        case = a_case()
        item = an_item(case, state=m.ItemState.COMPLETED, ended_at=NOW)
        sent = an_outgoing(state=m.OutboundState.SENT)
        await pen.rows(case, item, sent)

        loaded = await (await begin(opens)).loaded()

        assert (loaded.items, loaded.cases, loaded.outbox) == ((), (), ())
        assert await pen.lookup.case(case.id) == case
        assert await pen.lookup.case_by_number(case.number) == case
        assert await pen.lookup.last_item(case.id) == item

    async def test_several_changes_of_a_row_in_one_batch_end_in_the_last(
        self, opens: Opens
    ) -> None:
        pen = await begin(opens)
        case = a_case()
        item = an_item(case)
        second = replace(item, version=2, priority=5)
        third = replace(item, version=3, priority=9)
        await pen.write(
            pen.entry(an_event(), case, item),
            pen.entry(an_event(), second),
            pen.entry(an_event(), third),
        )
        fourth = replace(third, version=4, priority=1)
        fifth = replace(fourth, version=5, priority=2)
        await pen.write(pen.entry(an_event(), fourth), pen.entry(an_event(), fifth))

        assert (await pen.loaded()).items == (fifth,)

    async def test_an_item_of_another_node_is_not_loaded(self, opens: Opens) -> None:
        pen = await begin(opens)
        case = a_case()
        await pen.rows(case, an_item(case))
        other = await opens()
        term = await other.journal.begin(NodeName("n2"), "us")

        assert (await other.journal.load(term)).items == ()

    # -- fence and versions ----------------------------------------------------------------

    async def test_an_earlier_incarnation_is_fenced(self, opens: Opens) -> None:
        old = await begin(opens)
        new = await begin(opens)
        assert new.term.epoch > old.term.epoch
        case = a_case()

        with pytest.raises(Fenced):
            await old.rows(case)
        with pytest.raises(Fenced):
            await old.journal.receive(old.term, [an_inbound()], [])
        with pytest.raises(Fenced):
            await old.journal.renew(old.term)

        assert await new.lookup.case(case.id) is None
        assert (await new.loaded()).received == ()
        await new.journal.renew(new.term)
        await new.rows(case)

    async def test_two_nodes_do_not_fence_each_other(self, opens: Opens) -> None:
        one = await begin(opens)
        other = await opens()
        term = await other.journal.begin(NodeName("n2"), "us")
        await one.rows(a_case())
        await other.journal.receive(term, [an_inbound()], [])
        await one.journal.renew(one.term)

    async def test_a_row_at_another_version_makes_the_whole_batch_fail(self, opens: Opens) -> None:
        pen = await begin(opens)
        case, other = a_case(), a_case()
        item = an_item(case)
        await pen.rows(case, item)

        for wrong in (
            replace(item, version=3),
            replace(case, version=5),
            an_outgoing(version=2),
            m.AgentStatus(name=EVA, since=NOW, idle_since=NOW, version=2),
        ):
            with pytest.raises(VersionConflict):
                await pen.rows(other, wrong)

        assert await pen.lookup.case(other.id) is None
        assert (await pen.loaded()).items == (item,)

    async def test_a_row_of_another_owner_makes_the_whole_batch_fail(self, opens: Opens) -> None:
        pen = await begin(opens)
        case = a_case()
        await pen.rows(case, an_item(case))
        other = await opens()
        term = await other.journal.begin(NodeName("n2"), "us")
        [item] = (await pen.loaded()).items
        stolen = Pen(other, term)

        with pytest.raises(VersionConflict):
            await stolen.rows(replace(item, version=2))

        assert (await pen.loaded()).items == (item,)

    async def test_the_same_batch_again_is_refused(self, opens: Opens) -> None:
        pen = await begin(opens)
        entry = pen.entry(an_event())
        await pen.write(entry)
        with pytest.raises((VersionConflict, BadBatch)):
            await pen.write(entry)

    async def test_resolve_tells_whether_a_batch_landed(self, opens: Opens) -> None:
        pen = await begin(opens)
        landed = pen.entry(an_event())
        await pen.write(landed)
        never = pen.entry(an_event())
        old = pen.term

        pen.term, there = await pen.journal.resolve(old, landed.position)
        assert there
        assert pen.term.epoch > old.epoch
        pen.term, there = await pen.journal.resolve(pen.term, never.position)
        assert not there

        await pen.write(never)  # the same entries, under the new term
        with pytest.raises(Fenced):
            await pen.journal.commit(old, pen.batch(pen.entry(an_event())))

    async def test_resolve_of_a_fenced_node_says_so(self, opens: Opens) -> None:
        old = await begin(opens)
        await begin(opens)
        with pytest.raises(Fenced):
            await old.journal.resolve(old.term, Position(old.term.epoch, 1))

    # -- the inbox -------------------------------------------------------------------------

    async def test_the_same_key_again_is_the_same_thing(self, opens: Opens) -> None:
        pen = await begin(opens)
        mail = an_inbound(identity=from_ann(verified=True), files=(a_file(),), raw=b"raw")
        [first] = await pen.journal.receive(pen.term, [mail], [])
        [again] = await pen.journal.receive(pen.term, [mail], [])

        assert first.fresh
        assert not again.fresh
        assert replace(again, fresh=True) == first
        assert first.customer is not None
        assert first.customer.name == "Ann"
        assert [file.name for file in first.attachments] == ["plan.pdf"]

    async def test_one_call_may_hold_a_key_twice_and_keeps_the_order(self, opens: Opens) -> None:
        pen = await begin(opens)
        keys = ["b", "a", "b", "c"]
        stored = await pen.journal.receive(pen.term, [an_inbound(k) for k in keys], [])

        assert [s.fresh for s in stored] == [True, True, False, True]
        assert stored[0].id == stored[2].id
        assert len({s.id for s in stored}) == 3

    async def test_the_same_key_in_another_channel_is_another_thing(self, opens: Opens) -> None:
        pen = await begin(opens)
        stored = await pen.journal.receive(pen.term, [an_inbound(), an_inbound(channel=SITE)], [])
        assert [s.fresh for s in stored] == [True, True]

    async def test_a_claimed_identity_is_another_person_than_the_verified(
        self, opens: Opens
    ) -> None:
        pen = await begin(opens)
        inbounds = [
            an_inbound("1", identity=from_ann(verified=True)),
            an_inbound("2", identity=from_ann(verified=False)),
            an_inbound("3", identity=from_ann(verified=True)),
            an_inbound("4"),
        ]
        one, claimed, same, nobody = await pen.journal.receive(pen.term, inbounds, [])

        assert one.customer is not None
        assert claimed.customer is not None
        assert one.customer == same.customer
        assert one.customer.id != claimed.customer.id
        assert one.customer.verified
        assert not claimed.customer.verified
        assert nobody.customer is None
        assert await pen.lookup.customer(one.customer.id) == one.customer
        assert await pen.lookup.address_of(one.customer.id, "email") == "ann@example.com"

    async def test_what_is_undecided_comes_back_after_a_restart(self, opens: Opens) -> None:
        pen = await begin(opens)
        mails = [
            an_inbound("1", subject="One", files=(a_file(),), identity=from_ann(verified=True)),
            an_inbound("2", subject="Two", attributes={"x": 1}, skills={SkillName("de"): 2}),
        ]
        first, second = await pen.journal.receive(pen.term, mails, [])
        done = m.InboundDone(id=first.id, status="ignored", reason="a machine")
        await pen.write(pen.entry(e.InboundDecided(inbound=first.id, status="ignored"), done))

        [row] = (await (await begin(opens)).loaded()).received

        assert row.stored.id == second.id
        assert row.inbound == mails[1]

    async def test_what_is_undecided_comes_back_in_the_order_in_which_it_came(
        self, opens: Opens
    ) -> None:
        pen = await begin(opens)
        for keys in (["uid9", "uid10", "b", "a"], ["uid11", "uid10", "A", "uid1"]):
            await pen.journal.receive(pen.term, [an_inbound(key) for key in keys], [])

        received = (await (await begin(opens)).loaded()).received

        came = ["uid9", "uid10", "b", "a", "uid11", "A", "uid1"]
        assert [row.inbound.key for row in received] == came

    async def test_a_repeat_of_something_decided_gets_the_decision(self, opens: Opens) -> None:
        pen = await begin(opens)
        [stored] = await pen.journal.receive(pen.term, [an_inbound()], [])
        assert await pen.lookup.decided(stored.id) is None
        case = a_case()
        message = a_message(case)
        done = m.InboundDone(
            id=stored.id,
            status="processed",
            case=case.id,
            number=case.number,
            message=message.id,
            seq=1,
        )
        await pen.rows(case, message, done)
        decided = Decided(
            status="processed", case=case.id, number=case.number, message=message.id, seq=1
        )

        [again] = await pen.journal.receive(pen.term, [an_inbound()], [])

        assert again.decided == decided
        assert await pen.lookup.decided(stored.id) == decided

    async def test_a_channels_memory_is_written_with_its_inbounds(self, opens: Opens) -> None:
        pen = await begin(opens)
        await pen.journal.receive(pen.term, [an_inbound()], [(MAIL, Memory(key="c", value=b"7"))])
        both = [(MAIL, Memory(key="c", value=b"8")), (MAIL, Memory(key="c", value=b"9"))]
        await pen.journal.receive(pen.term, [], both)
        await pen.lookup.save_memory(MAIL, Memory(key="d", value=b"1"))

        lookup = (await begin(opens)).lookup

        assert await lookup.load_memory(MAIL, "c") == b"9"
        assert await lookup.load_memory(MAIL, "d") == b"1"
        assert await lookup.load_memory(SITE, "c") is None

    async def test_what_no_database_likes_is_stored_all_the_same(self, opens: Opens) -> None:
        pen = await begin(opens)
        claim = Claim(kind="email", value="x" * 5_000 + "\x00", name="\ud83d\x00 half")
        nasty = an_inbound(
            "k" * 9_000 + "\x00",
            subject="\x00\ud800\\u0000",
            body="a\x00b",
            external_id="<" + "i" * 4_000 + ">",
            identity=claim,
            files=(File(name="\x00", type="\udcff", data=b""),),
        )
        [first] = await pen.journal.receive(pen.term, [nasty], [])
        [again] = await pen.journal.receive(pen.term, [nasty], [])
        assert (first.fresh, again.fresh) == (True, False)

        case = a_case(subject="\x00\udfff")
        message = a_message(case, body="\x00\\u0000\ud800", external_id=nasty.external_id)
        await pen.rows(case, an_item(case, subject="\x00"), message)
        found = await pen.lookup.case_of_reference([nasty.external_id])

        assert found is not None
        assert found[0].id == case.id
        assert len((await (await begin(opens)).loaded()).received) == 1

    # -- look-ups --------------------------------------------------------------------------

    async def test_a_reference_is_found_by_our_id_or_an_outside_id(self, opens: Opens) -> None:
        pen = await begin(opens)
        case, other = a_case(), a_case()
        ours = a_message(case, direction="out")
        theirs = a_message(other, external_id="abc@mail.example")
        await pen.rows(case, other, ours, theirs)
        find = pen.lookup.case_of_reference

        assert await find([f"<{ours.id}@us.example>"]) == (case, f"<{ours.id}@us.example>")
        assert await find([ours.id]) == (case, ours.id)
        assert await find(["abc@mail.example"]) == (other, "abc@mail.example")
        assert await find(["nobody@knows", "abc@mail.example", ours.id]) == (
            other,
            "abc@mail.example",
        )
        assert await find(["nobody@knows", uid()]) is None
        assert await find([]) is None

    async def test_a_delivered_message_shows_how_far_it_came(self, opens: Opens) -> None:
        pen = await begin(opens)
        case = a_case()
        message = a_message(case, direction="out", delivery=m.Delivery.QUEUED)
        await pen.rows(case, message)
        update = m.DeliveryUpdate(
            message=message.id, delivery=m.Delivery.SENT, external_id="out-1@us"
        )
        await pen.rows(update)
        failed = m.DeliveryUpdate(
            message=message.id, delivery=m.Delivery.FAILED, reason="no such mailbox"
        )
        await pen.rows(failed)

        assert await pen.lookup.message(message.id) == replace(
            message,
            delivery=m.Delivery.FAILED,
            delivery_reason="no such mailbox",
            external_id="out-1@us",
        )
        assert await pen.lookup.case_of_reference(["out-1@us"]) == (case, "out-1@us")

    async def test_messages_come_in_order_and_without_notes_for_the_customer(
        self, opens: Opens
    ) -> None:
        pen = await begin(opens)
        case = a_case()
        messages = [
            a_message(case, seq, direction="note" if seq == 2 else "in") for seq in (1, 2, 3, 4)
        ]
        await pen.rows(case, *reversed(messages))
        read = pen.lookup.messages

        assert await read(case.id, 0, 10, customer_view=False) == messages
        assert await read(case.id, 1, 2, customer_view=False) == messages[1:3]
        assert await read(case.id, 0, 10, customer_view=True) == [messages[i] for i in (0, 2, 3)]
        assert await read(uid(), 0, 10, customer_view=False) == []

    async def test_the_newest_case_of_a_customer_that_is_not_closed(self, opens: Opens) -> None:
        pen = await begin(opens)
        claims = [an_inbound(identity=from_ann(verified=True))]
        [stored] = await pen.journal.receive(pen.term, claims, [])
        ann = stored.customer
        assert ann is not None
        oldest = a_case(customer=ann)
        middle = a_case(customer=ann)
        newest = a_case(customer=ann, status=m.CaseStatus.CLOSED)
        elsewhere = a_case(customer=ann, channel=SITE)
        await pen.rows(oldest, middle, newest, elsewhere)

        assert await pen.lookup.recent_case(ann.id, MAIL) == middle
        assert await pen.lookup.open_case_of("email", "ann@example.com", MAIL) == middle
        assert await pen.lookup.open_case_of("email", "bob@example.com", MAIL) is None
        assert await pen.lookup.recent_case(uid(), MAIL) is None

    async def test_answers_of_commands_are_remembered(self, opens: Opens) -> None:
        pen = await begin(opens)
        known, unknown = uid(), uid()
        first = m.CommandRecord(agent=EVA, id=known, at=NOW, answer=b'{"ok":1}')
        again = replace(first, answer=b'{"ok":2}')
        await pen.rows(first)
        await pen.rows(again)

        answers = await (await begin(opens)).lookup.answers(EVA, [known, unknown])

        assert answers == {known: b'{"ok":1}'}
        assert await pen.lookup.answers(BOB, [known]) == {}

    async def test_ids_that_are_no_ids_are_simply_not_there(self, opens: Opens) -> None:
        lookup = (await begin(opens)).lookup
        odd: Any
        for odd in ("", "x", "'; DROP TABLE item", "\x00", "0" * 500):
            assert await lookup.case(odd) is None
            assert await lookup.last_item(odd) is None
            assert await lookup.message(odd) is None
            assert await lookup.customer(odd) is None
            assert await lookup.recent_case(odd, MAIL) is None
            assert await lookup.address_of(odd, "email") is None
            assert await lookup.file(odd) is None
            assert await lookup.decided(odd) is None
            assert await lookup.messages(odd, 0, 10, customer_view=True) == []
            assert await lookup.case_of_reference([odd]) is None
        assert await lookup.case_by_number(2**70) is None

    async def test_a_queue_that_was_removed_is_not_there_after_a_restart(
        self, opens: Opens
    ) -> None:
        pen = await begin(opens)
        old, kept = m.Queue(name=QueueName("old")), m.Queue(name=QueueName("kept"))
        await pen.rows(old, kept)
        gone = replace(old, active=False)
        await pen.write(pen.entry(e.QueueRemoved(queue=old.name, by="sue"), gone))
        assert (await (await begin(opens)).loaded()).queues == (kept,)
        pen = await begin(opens)
        await pen.rows(old)
        queues = (await (await begin(opens)).loaded()).queues
        assert sorted(queue.name for queue in queues) == ["kept", "old"]

    # -- files -----------------------------------------------------------------------------

    async def test_an_uploaded_file_is_good_for_one_message_of_its_owner(
        self, opens: Opens
    ) -> None:
        pen = await begin(opens)
        lookup = pen.lookup
        one = await lookup.save_file(a_file(), "eva")
        two = await lookup.save_file(a_file(), "eva")
        assert one.id != two.id
        assert await lookup.file(one.id) == (one, b"%PDF")

        unknown: Any = "x"
        for ids, owner in (([one.id], "bob"), ([one.id, uid()], "eva"), ([unknown], "eva")):
            with pytest.raises(Refused) as refused:
                await lookup.claim_files(ids, owner, uid())
            assert (refused.value.code, refused.value.field) == ("not_found", "attachments")

        command = uid()
        assert await lookup.claim_files([two.id, one.id], "eva", command) == (two, one)
        with pytest.raises(Refused):
            await lookup.claim_files([one.id], "eva", uid())
        case = a_case()
        await pen.rows(case, a_message(case, attachments=(one, two)))
        for asked in (uid(), command):
            with pytest.raises(Refused):
                await lookup.claim_files([one.id], "eva", asked)
        assert await lookup.claim_files([], "eva", uid()) == ()

    async def test_a_command_that_died_before_its_message_claims_its_files_again(
        self, opens: Opens
    ) -> None:
        command = uid()
        dead = await begin(opens)
        file = await dead.lookup.save_file(a_file(), "eva")
        assert await dead.lookup.claim_files([file.id], "eva", command) == (file,)

        again = (await begin(opens)).lookup

        assert await again.claim_files([file.id], "eva", command) == (file,)
        with pytest.raises(Refused):
            await again.claim_files([file.id], "eva", uid())
        with pytest.raises(Refused):
            await again.claim_files([file.id], "bob", command)

    async def test_the_files_of_a_refused_command_are_good_for_the_next_one(
        self, opens: Opens
    ) -> None:
        pen = await begin(opens)
        refused = uid()
        file = await pen.lookup.save_file(a_file(), EVA)
        assert await pen.lookup.claim_files([file.id], EVA, refused) == (file,)
        await pen.rows(m.CommandRecord(agent=EVA, id=refused, at=NOW, answer=b"{}"))

        assert await pen.lookup.claim_files([file.id], EVA, uid()) == (file,)

    async def test_a_file_that_came_with_a_contact_can_be_read(self, opens: Opens) -> None:
        pen = await begin(opens)
        files = (a_file(), File(name="b.png", type="image/png", data=b"\x89", inline_id="cid-1"))
        [stored] = await pen.journal.receive(pen.term, [an_inbound(files=files)], [])

        for file, attachment in zip(files, stored.attachments, strict=True):
            found = await pen.lookup.file(attachment.id)
            assert found == (attachment, file.data)
            assert (attachment.name, attachment.inline_id) == (file.name, file.inline_id)

    # -- numbers ---------------------------------------------------------------------------

    async def test_no_ticket_number_is_given_twice(self, opens: Opens) -> None:
        one, two = await begin(opens), await begin(opens)
        blocks: Sequence[range] = [
            await pen.journal.reserve_numbers(count)
            for pen, count in ((one, 10), (two, 5), (one, 1), (two, 100))
        ]
        numbers = [n for block in blocks for n in block]
        assert [len(block) for block in blocks] == [10, 5, 1, 100]
        assert len(set(numbers)) == 116


def a_file() -> File:
    return File(name="plan.pdf", type="application/pdf", data=b"%PDF")
