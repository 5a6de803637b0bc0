"""What every store promises of what comes in: once for each key, in order."""

import asyncio

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.ids import (
    SkillName,
)
from gateway.core.inbound import Claim, Decided, File
from gateway.ports import Memory
from tests.store.rows import (
    MAIL,
    SITE,
    Opens,
    a_case,
    a_file,
    a_message,
    an_inbound,
    an_item,
    begin,
    from_ann,
)


class InboxConformance:
    """The inbox commit and what a decision leaves."""

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

    async def test_a_channels_memory_is_swapped_only_over_what_was_read(self, opens: Opens) -> None:
        lookup = (await begin(opens)).lookup
        assert await lookup.swap_memory(MAIL, "token", None, b"1")
        assert not await lookup.swap_memory(MAIL, "token", None, b"x")
        tries = [lookup.swap_memory(MAIL, "token", b"1", b"%d" % n) for n in range(2, 6)]
        won = await asyncio.gather(*tries)
        assert sorted(won) == [False, False, False, True]
        assert await lookup.load_memory(MAIL, "token") == b"%d" % (2 + won.index(True))

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
