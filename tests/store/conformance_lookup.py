"""What every store promises of what is looked up: cases, messages, files, answers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.errors import Refused
from gateway.core.ids import (
    AttachmentId,
    ChannelName,
    CustomerId,
    QueueName,
)
from gateway.core.inbound import File, Inbound, owner_of
from gateway.core.ties import CasePlace, ItemPlace, MessagePlace
from tests.store.rows import (
    BOB,
    EVA,
    MAIL,
    NOW,
    SITE,
    Opens,
    a_case,
    a_file,
    a_message,
    an_inbound,
    an_item,
    begin,
    from_ann,
    uid,
)


class LookupConformance:
    """Committed facts by their keys."""

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

    async def test_who_takes_part_in_a_case(self, opens: Opens) -> None:
        pen = await begin(opens)
        case, other = a_case(), a_case()
        wrote = m.Author(kind="customer", id="Ann@Example.com")
        await pen.rows(
            case,
            other,
            a_message(case, 1, author=wrote, to=("us@us.example",), cc=("bob@example.com",)),
            a_message(case, 2, direction="note", to=("chief@us.example",)),
            a_message(case, 3, direction="out", to=("Eva <eva@example.com>",)),
            a_message(other, to=("kim@example.com",)),
        )
        assert await pen.lookup.participants(case.id) == {
            "ann@example.com",
            "us@us.example",
            "bob@example.com",
            "eva@example.com",
        }
        assert await pen.lookup.participants(uid()) == frozenset()

    async def test_the_same_mail_in_another_mailbox_is_found(self, opens: Opens) -> None:
        pen = await begin(opens)
        case = a_case()
        said = {"external_id": "<a@mail.example>", "mark": "0011"}
        first, second = a_message(case, 1, **said), a_message(case, 2, **said)
        ours = a_message(case, 3, direction="out", **said)
        other = a_message(case, 4, external_id="<a@mail.example>", mark="other")
        await pen.rows(case, other, second, ours, first)
        assert await pen.lookup.alike("<a@mail.example>", "0011") == [first, second]
        assert await pen.lookup.alike("<a@mail.example>", "none") == []
        assert await pen.lookup.alike("<b@mail.example>", "0011") == []

    async def test_which_messages_a_mailbox_has_brought(self, opens: Opens) -> None:
        pen = await begin(opens)
        case = a_case()
        first, second = a_message(case, 1), a_message(case, 2)
        claims = [an_inbound(identity=from_ann(verified=True))]
        [stored] = await pen.journal.receive(pen.term, claims, [])
        done = m.InboundDone(id=stored.id, status="processed", case=case.id, message=first.id)
        await pen.rows(case, first, second, done)
        assert stored.customer is not None
        who, asked = stored.customer.id, [first.id, second.id]
        assert await pen.lookup.brought(who, MAIL, asked) == {first.id}
        assert await pen.lookup.brought(who, SITE, asked) == frozenset()
        assert await pen.lookup.brought(uid(), MAIL, asked) == frozenset()
        assert await pen.lookup.brought(who, MAIL, []) == frozenset()

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

    async def test_a_case_shows_what_was_merged_into_it_and_the_place_of_what_was_split(
        self, opens: Opens
    ) -> None:
        pen = await begin(opens)
        case, other, new = a_case(), a_case(), a_case()
        said = [a_message(case, 1), a_message(other, 1), a_message(case, 2), a_message(other, 2)]
        await pen.rows(case, other, new, *said)
        await pen.rows(CasePlace(case=other.id, into=case.id))
        read, choose = pen.lookup.conversation, pen.lookup.chosen

        assert await read(case.id, 0, 10) == list(enumerate(said, 1))
        assert await read(case.id, 1, 2) == [(2, said[1]), (3, said[2])]
        assert await read(other.id, 0, 10) == [(1, said[1]), (2, said[3])]
        assert await choose(case.id, [said[3].id, uid()]) == ([said[3]], 3)
        assert await choose(other.id, [said[0].id]) == ([], 0)

        gone = said[1]
        await pen.rows(
            MessagePlace(message=gone.id, case=gone.case, seq=gone.seq, to=new.id, to_seq=1)
        )
        moved = replace(gone, case=new.id, seq=1)
        assert await read(new.id, 0, 10) == [(1, moved)]
        assert await pen.lookup.messages(new.id, 0, 10, customer_view=False) == [moved]
        shown = [message for _, message in await read(case.id, 0, 10)]
        assert [m.moved_to or 0 for m in shown] == [0, new.number, 0, 0]
        assert shown[1].body == ""
        stranger = CustomerId(uid())
        assert len(await read(case.id, 0, 10, customer=stranger)) == 3
        assert await pen.lookup.length(case.id, customer=stranger) == 3

        await pen.rows(CasePlace(case=other.id, into=None))
        assert [m.id for _, m in await read(case.id, 0, 10)] == [said[0].id, said[2].id]

    async def test_an_item_that_went_to_another_case_is_of_that(self, opens: Opens) -> None:
        pen = await begin(opens)
        case, other = a_case(), a_case()
        item = an_item(case)
        await pen.rows(case, other, item)
        there = replace(item, case=other.id, number=other.number, version=item.version + 1)
        await pen.rows(there, ItemPlace(item=item.id, case=other.id))
        assert await pen.lookup.last_item(case.id) is None
        assert await pen.lookup.last_item(other.id) == there

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
        assert await pen.lookup.recent_cases(ann.id, MAIL) == [middle, oldest]
        assert await pen.lookup.recent_cases(uid(), MAIL) == []
        await pen.rows(a_message(elsewhere, direction="out"))
        assert await pen.lookup.written_case(ann.id, MAIL) == elsewhere
        assert await pen.lookup.written_case(ann.id, SITE) is None
        assert await pen.lookup.written_case(uid(), MAIL) is None
        assert await pen.lookup.open_case_of("email", "ann@example.com", MAIL) == middle
        owner = await pen.lookup.customer_of("email", "ann@example.com")
        assert owner is not None
        assert middle.customer is not None
        assert owner.id == middle.customer.id
        assert await pen.lookup.customer_of("email", "ann@example.com", verified=False) is None
        assert await pen.lookup.open_case_of("email", "bob@example.com", MAIL) is None
        assert await pen.lookup.recent_case(uid(), MAIL) is None

    async def test_when_a_customer_began_other_matters(self, opens: Opens) -> None:
        pen = await begin(opens)
        [stored] = await pen.journal.receive(
            pen.term, [an_inbound(identity=from_ann(verified=True))], []
        )
        ann = stored.customer
        assert ann is not None
        times = [NOW - timedelta(minutes=ago) for ago in (90, 30, 0)]
        await pen.rows(*(a_case(customer=ann, opened_at=at) for at in times), a_case(opened_at=NOW))

        since = NOW - timedelta(hours=1)
        assert await pen.lookup.opened_since(ann.id, since) == (NOW, times[1])
        assert await pen.lookup.opened_since(uid(), since) == ()

    async def test_what_customers_are_worth(self, opens: Opens) -> None:
        pen = await begin(opens)
        claims = [an_inbound(identity=from_ann(verified=True))]
        [stored] = await pen.journal.receive(pen.term, claims, [])
        ann = stored.customer
        assert ann is not None
        nobody: Any = "x"
        assert await pen.lookup.values([ann.id, uid(), nobody]) == {ann.id: 0}
        assert await pen.lookup.values([]) == {}

    async def test_what_a_customer_is_known_as(self, opens: Opens) -> None:
        pen = await begin(opens)
        [stored] = await pen.journal.receive(
            pen.term, [an_inbound("k1", identity=from_ann(verified=True))], []
        )
        assert stored.customer is not None
        assert await pen.lookup.known_as(stored.customer.id) == {"ann@example.com"}
        assert await pen.lookup.known_as(CustomerId(uid())) == frozenset()

    async def test_when_a_customer_wrote(self, opens: Opens) -> None:
        pen = await begin(opens)
        ann = from_ann(verified=True)
        [first] = await pen.journal.receive(pen.term, [an_inbound("k1", identity=ann)], [])
        [second] = await pen.journal.receive(pen.term, [an_inbound("k2", identity=ann)], [])
        await pen.journal.receive(pen.term, [an_inbound("k3")], [])
        assert first.customer is not None

        long_ago, soon = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)
        wrote = pen.lookup.wrote_since
        assert len(await wrote(first.customer.id, long_ago, second.id)) == 1
        assert len(await wrote(first.customer.id, long_ago, uid())) == 2
        assert await wrote(first.customer.id, soon, second.id) == ()

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
            assert await lookup.opened_since(odd, NOW) == ()
            assert await lookup.wrote_since(odd, NOW, uid()) == ()
            assert await lookup.address_of(odd, "email") is None
            assert await lookup.known_as(odd) == frozenset()
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

    async def test_an_upload_that_an_inbound_names_becomes_its_own(self, opens: Opens) -> None:
        pen = await begin(opens)
        ann = from_ann(verified=True)
        owner = owner_of(SITE, ann)
        one = await pen.lookup.save_file(a_file(), owner)
        two = await pen.lookup.save_file(a_file(), owner)
        strange = await pen.lookup.save_file(a_file(), owner_of(MAIL, ann))

        def names(key: str, *ids: str) -> Inbound:
            wanted = tuple(map(AttachmentId, ids))
            return an_inbound(key, channel=SITE, identity=ann, attachments=wanted)

        first = names("first", two.id, "no-id", one.id, strange.id, uid())
        both = [first, names("second", one.id)]
        stored = await pen.journal.receive(pen.term, both, [])
        assert [s.attachments for s in stored] == [(two, one), ()]
        [again] = await pen.journal.receive(pen.term, [first], [])
        assert (again.fresh, again.attachments) == (False, (two, one))
        [third] = await pen.journal.receive(pen.term, [names("third", two.id)], [])
        assert third.attachments == ()

    async def test_a_message_says_what_its_writer_says_last(self, opens: Opens) -> None:
        pen = await begin(opens)
        case = a_case()
        first = a_message(case)
        edited = replace(first, body="new", edited_at=NOW)
        await pen.rows(case, first, m.Amended(message=edited))
        assert await pen.lookup.message(first.id) == edited
        deleted = replace(edited, body="", deleted_at=NOW)
        await pen.rows(m.Amended(message=deleted))
        assert await pen.lookup.message(first.id) == deleted

    async def test_a_file_is_for_who_sent_or_was_sent_it(self, opens: Opens) -> None:
        pen = await begin(opens)
        ann = from_ann(verified=True)
        [stored] = await pen.journal.receive(pen.term, [an_inbound(identity=ann)], [])
        sent = await pen.lookup.save_file(a_file(), "eva")
        noted = await pen.lookup.save_file(a_file(), "eva")
        case = a_case(customer=stored.customer)
        out = a_message(case, direction="out", attachments=(sent,))
        note = a_message(case, seq=2, direction="note", attachments=(noted,))
        await pen.rows(case, out, note)

        find = pen.lookup.file_of_identity
        assert await find(sent.id, ann.kind, ann.value, out.channel) == (sent, b"%PDF")
        assert await find(sent.id, ann.kind, "bob@example.com", out.channel) is None
        assert await find(sent.id, ann.kind, ann.value, ChannelName("other")) is None
        assert await find(noted.id, ann.kind, ann.value, out.channel) is None

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
