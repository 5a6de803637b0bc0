"""What every store promises of the journal: terms, commits, fences."""

from datetime import date

import pytest
from msgspec.structs import replace

from gateway.core import model as m
from gateway.core.calendars import Calendar, Holiday
from gateway.core.clocks import ServicePolicy
from gateway.core.ids import (
    CalendarName,
    CannedName,
    LetterName,
    MacroName,
    NodeName,
    PolicyName,
    Position,
    QueueName,
    RuleName,
    SiteName,
    SkillName,
)
from gateway.core.macros import Macro
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.when import When
from gateway.core.wordings import Canned, Letter
from gateway.store.contract import (
    BadBatch,
    Fenced,
    VersionConflict,
)
from tests.store.rows import (
    BOB,
    EMAIL,
    EVA,
    NODE,
    NOW,
    Opens,
    Pen,
    a_case,
    an_event,
    an_inbound,
    an_item,
    an_outgoing,
    begin,
    uid,
)


class JournalConformance:
    """Commits, what they refuse, and what is there after a restart."""

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
        site = m.Site(name=SiteName("port"), open_percent=40, reason="Sturm 🌪", since=NOW)
        await pen.rows(case, item, outgoing, status, profile, queue)
        await pen.rows(m.Site(name=site.name), site)
        hours = Calendar(
            name=CalendarName("büro"),
            zone="Europe/Berlin",
            week={"monday": ("09:00-12:00",)},
            holidays=(Holiday(date=date(2026, 12, 24), closed=("12:00-24:00",)),),
        )
        gold = ServicePolicy(name=PolicyName("gold"), calendar=hours.name, first_reply=3600.0)
        await pen.rows(replace(hours, zone="UTC"), hours, gold)
        door = Rule(name=RuleName("spam"), when=When(words=("€€€",)), then=Then(hold="spam?"))
        sorry = Macro(name=MacroName("sorry"), then=Then(reply={"": "Sorry", "es": "Perdón"}))
        await pen.rows(ServicePolicy(name=PolicyName("old"), active=False), door, sorry)
        hello = Canned(name=CannedName("hello"), texts={"": "Hello", "es": "Hola"})
        plain = Letter(name=LetterName("plain"), signature="{agent}", quote=True)
        await pen.rows(hello, plain)

        loaded = await (await begin(opens)).loaded()

        assert loaded.cases == (case,)
        assert loaded.items == (item,)
        assert loaded.outbox == (outgoing,)
        assert loaded.statuses == (status,)
        assert loaded.profiles == (profile,)
        assert loaded.queues == (queue,)
        assert loaded.sites == (site,)
        assert loaded.entries == (hours, hello, plain, sorry, door, gold)
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
