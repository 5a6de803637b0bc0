"""Two cases become one, and one again; messages become a case of their own."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.clocks import Clock, Service
from gateway.core.errors import Refused
from gateway.core.following import link_of
from gateway.core.ids import (
    CaseId,
    CommandId,
    CustomerId,
    ItemId,
    MessageId,
    QueueName,
    TicketNumber,
)
from gateway.core.inbound import Claim
from gateway.core.merging import Merge, Separate, merge, plan, separate
from gateway.core.messages import add_message
from gateway.core.model import AgentProfile, Author, Case, CaseStatus, Item, ItemState, Message
from gateway.core.service_level import joined, sooner
from gateway.core.splitting import Split, split
from gateway.core.ties import MOST_LINKS, CaseLink, Ties, linked
from tests.core.promised import GOLD
from tests.core.promised import house as promised
from tests.support.builders import START, House, agent, chat, item, mail, queue
from tests.support.memory_ties import chosen, conversation

SAM = Claim(kind="email", value="sam@example.org", name="Sam", verified=True)
BOSS = AgentProfile(name=agent("boss").name, role="supervisor")


@pytest.fixture
def house() -> House:
    made = House(agent("ana"), agent("bob"), queues=[queue("general"), queue("sales")])
    made.sign_in("ana")
    return made


def arrived(house: House, key: str, **fields: Any) -> Case:
    return house.state.cases[_case(house.arrive(mail(key, **fields)))]


def _case(decided: Any) -> Any:
    return decided.case


def now(house: House, case: Case) -> Case:
    return house.state.cases.get(case.id) or house.tables.cases[case.id]


def merged(
    house: House, case: Case, into: Case, *, by: AgentProfile = BOSS, strangers: bool = False
) -> None:
    for one in (case, into):
        house.state.adopt(house.tables.cases[one.id])
    wish = Merge(
        case=now(house, case),
        into=now(house, into),
        by=by,
        reason="one matter",
        strangers=strangers,
    )
    house.record(merge(house.state, house.ledger.context(), wish))


def taken_out(house: House, case: Case, into: Case) -> None:
    for one in (case, into):
        house.state.adopt(house.tables.cases[one.id])

    def last(one: Case) -> Item | None:
        own = [i for i in house.tables.items.values() if i.case == one.id]
        return max(own, key=lambda i: i.id, default=None)

    wish = Separate(
        case=now(house, case),
        into=now(house, into),
        by=BOSS,
        reason="not at all",
        last=last(case),
        into_last=last(into),
    )
    house.record(separate(house.state, house.ledger.context(), wish))


def said(house: House, case: Case) -> list[Message]:
    return [m for _, m in conversation(house.tables, case.id, 0, 100, None)]


def open_items(house: House, case: Case) -> list[Item]:
    return house.state.items_of_case(case.id)


# -- merging ----------------------------------------------------------------------------------


def test_a_merged_case_is_read_in_the_one_that_stays_in_the_order_of_what_was_said(
    house: House,
) -> None:
    one, two = arrived(house, "m1"), arrived(house, "m2")
    arrived(house, "m3", conversation=one.id)
    house.arrive(mail("m4"), conversation=one)
    merged(house, two, one)
    assert [m.external_id for m in said(house, one)][:2] == ["m1@example.org", "m2@example.org"]
    assert {m.case for m in said(house, one)} == {one.id, two.id}
    assert [m.seq for m in said(house, two)] == [1]  # nothing has another number


def test_of_two_mails_to_answer_one_stays_and_the_case_that_went_is_closed(house: House) -> None:
    one, two = arrived(house, "m1"), arrived(house, "m2")
    merged(house, two, one)
    (left,) = open_items(house, one)
    assert left.number == one.number
    assert open_items(house, two) == []
    gone, stays = now(house, two), now(house, one)
    assert gone.status is CaseStatus.CLOSED
    assert (gone.ties or Ties()).into == one.id
    assert [(x.how, x.number, x.reason) for x in (stays.ties or Ties()).links] == [
        ("merged_here", two.number, "one matter")
    ]


def test_what_somebody_works_on_goes_on_and_the_other_ends(house: House) -> None:
    two = arrived(house, "m2")
    held = house.accept("ana")
    one = arrived(house, "m1")
    merged(house, two, one)
    (left,) = open_items(house, one)
    assert (left.id, left.agent, left.case) == (held.id, "ana", one.id)
    assert house.tables.items[held.id].number == one.number


def test_a_promise_and_a_task_go_along(house: House) -> None:
    one, two = arrived(house, "m1"), arrived(house, "m2")
    for offered in house.offered_to("ana"):
        assert offered.offer is not None
        house.say("ana", c.Accept(id=house.command(), offer=offered.offer.id))
    (held,) = open_items(house, two)
    due = house.clock.now() + timedelta(hours=3)
    house.say(
        "ana", c.MakePromise(id=CommandId("command-p"), item=held.id, text="a call", due_at=due)
    )
    merged(house, two, one)
    (owed,) = [i for i in open_items(house, one) if i.promise is not None]
    assert (owed.case, owed.number) == (one.id, one.number)
    assert owed.promise is not None
    assert owed.promise.due_at == due


def test_tags_and_who_reads_along_unite(house: House) -> None:
    one = arrived(house, "m1", copies=("kim@example.org",))
    two = arrived(house, "m2", copies=("kim@example.org", "lou@example.org"))
    tag = e.CaseChanged(case=two.id, by="ana", tags=("vip",))
    house.record([e.Change(tag)])
    merged(house, two, one)
    (left,) = open_items(house, one)
    assert left.copies == ("kim@example.org", "lou@example.org")
    assert now(house, one).tags == ("vip",)


def test_a_stranger_is_merged_only_when_that_is_said(house: House) -> None:
    one, two = arrived(house, "m1"), arrived(house, "m2", identity=SAM, address="sam@example.org")
    with pytest.raises(Refused) as refused:
        merged(house, two, one)
    assert refused.value.field == "other_customer"
    merged(house, two, one, strangers=True)
    items = open_items(house, one)
    assert {i.address for i in items} == {"eva@example.org", "sam@example.org"}  # each an answer
    assert all(not i.copies for i in items)  # neither learns of the other


def test_an_agent_merges_what_is_in_hand_and_not_what_another_works_on(house: House) -> None:
    one, two = arrived(house, "m1"), arrived(house, "m2")
    with pytest.raises(Refused, match="in your hands"):
        merged(house, two, one, by=agent("bob"))
    for offered in house.offered_to("ana"):
        assert offered.offer is not None
        house.say("ana", c.Accept(id=house.command(), offer=offered.offer.id))
    house.sign_in("bob")
    three = arrived(house, "m3", subject="Else")
    for offered in house.offered_to("bob"):
        assert offered.offer is not None
        house.say("bob", c.Accept(id=house.command(), offer=offered.offer.id))
    assert any(i.agent == "bob" for i in open_items(house, three))
    with pytest.raises(Refused, match="bob works on"):
        merged(house, three, one, by=agent("ana"))
    merged(house, two, one, by=agent("ana"))


def test_a_chat_that_is_open_stays_a_case_of_its_own(house: House) -> None:
    one = arrived(house, "m1")
    two = house.state.cases[_case(house.arrive(chat("c1")))]
    with pytest.raises(Refused, match="chat"):
        merged(house, two, one, strangers=True)
    with pytest.raises(Refused, match="would show another customer"):
        merged(house, one, two, strangers=True)
    mine = house.tables.cases[two.id].customer
    house.state.cases[one.id] = replace(now(house, one), customer=mine)
    house.tables.cases[one.id] = house.state.cases[one.id]
    merged(house, one, two)


def test_a_case_is_merged_once_and_not_into_itself(house: House) -> None:
    one, two, three = arrived(house, "m1"), arrived(house, "m2"), arrived(house, "m3")
    with pytest.raises(Refused, match="itself"):
        merged(house, one, one)
    merged(house, two, one)
    with pytest.raises(Refused, match="part of"):
        merged(house, two, three)
    with pytest.raises(Refused, match="part of"):
        merged(house, three, two)
    merged(house, one, three)
    assert len(said(house, three)) == 3


def test_open_work_goes_into_no_closed_case(house: House) -> None:
    one, two = arrived(house, "m1"), arrived(house, "m2")
    house.record([e.Change(e.CaseChanged(case=one.id, by="boss", status=CaseStatus.CLOSED))])
    with pytest.raises(Refused, match="the other way round"):
        merged(house, two, one)


def test_the_sooner_of_two_times_is_what_is_promised() -> None:
    def clocks(**due: int) -> Service:
        return Service(
            clocks=tuple(
                Clock(kind=kind, since=START, due_at=START + timedelta(minutes=n))  # type: ignore[arg-type]
                for kind, n in due.items()
            )
        )

    both = sooner(clocks(first_reply=30, resolution=90), clocks(first_reply=20, resolution=99))
    assert both == clocks(first_reply=20, resolution=90)
    assert sooner(None, clocks(first_reply=1)) == clocks(first_reply=1)


def test_the_time_that_was_promised_there_stands_while_what_stays_is_in_wrap_up() -> None:
    home = promised()
    nothing = Service(policy=GOLD.name, calendar=GOLD.calendar)
    asked = Clock(kind="next_reply", since=START, due_at=START + timedelta(minutes=20))
    ends = item(ItemState.QUEUED, service=replace(nothing, clocks=(asked,)))
    for state, since in ((ItemState.WRAPPING, None), (ItemState.ASSIGNED, START)):
        stays = item(state, service=nothing)
        (told,) = joined(home.state, stays, ends, home.ledger.context(), "one matter")
        assert isinstance(told.event, e.ClocksSet)
        assert [clock.since for clock in told.event.service.clocks] == [since]


def test_what_a_rule_holds_back_is_not_ended_by_a_merge() -> None:
    kept_back = replace(item(ItemState.SCHEDULED), wake_at=None)
    other = item(ItemState.ASSIGNED)
    done = plan([kept_back], [other])
    assert (done.moves, done.pairs) == ((kept_back,), ())


# -- taking it back ---------------------------------------------------------------------------


def test_a_merge_is_taken_back_and_both_have_work_again(house: House) -> None:
    one, two = arrived(house, "m1"), arrived(house, "m2")
    merged(house, two, one)
    taken_out(house, two, one)
    assert [i.state for i in open_items(house, two)] != []
    assert open_items(house, one) != []
    assert [m.external_id for m in said(house, one)] == ["m1@example.org"]
    assert now(house, two).status is CaseStatus.OPEN
    assert [x.how for x in (now(house, one).ties or Ties()).links] == ["separated"]
    merged(house, two, one)
    assert len(said(house, one)) == 2


def test_what_came_along_goes_back(house: House) -> None:
    two = arrived(house, "m2")
    held = house.accept("ana")
    one = arrived(house, "m1")
    merged(house, two, one)
    taken_out(house, two, one)
    assert house.state.items[held.id].case == two.id
    assert [i.state for i in open_items(house, one)] != []  # its own had ended with the merge


# -- splitting --------------------------------------------------------------------------------


def cut(house: House, case: Case, *wanted: str, by: AgentProfile = BOSS, **more: Any) -> Case:
    house.state.adopt(house.tables.cases[case.id])
    ids = [m.id for m in said(house, case) if m.external_id in wanted]
    found, stays = chosen(house.tables, case.id, ids)
    last = max((i for i in house.tables.items.values() if i.case == case.id), key=lambda i: i.id)
    known: dict[str, Any] = {
        "case": now(house, case),
        "messages": found,
        "wanted": ids,
        "stays": stays,
        "by": by,
        "reason": "another matter",
        "number": TicketNumber(7777),
        "customer": case.customer,
        "last": last,
    }
    changes, new, _ = split(house.state, house.ledger.context(), Split(**(known | more)))
    house.record(changes)
    return now(house, new)


def test_split_messages_are_a_case_of_their_own_and_leave_their_place(house: House) -> None:
    one = arrived(house, "m1")
    for key in ("m2", "m3"):
        house.arrive(mail(key), conversation=now(house, one))
    new = cut(house, one, "m2@example.org")
    assert [(m.external_id, m.seq) for m in said(house, new)] == [("m2@example.org", 1)]
    before, place, after = said(house, one)
    assert (before.external_id, after.external_id) == ("m1@example.org", "m3@example.org")
    assert (place.moved_to, place.body, place.seq) == (new.number, "", 1)
    assert [i.queue for i in open_items(house, new)] == ["general"]
    assert new.last_seq == 1
    assert house.tables.case_of_reference(["m2@example.org"]) == (new, "m2@example.org")


def test_a_split_is_undone_by_merging_the_new_case_back(house: House) -> None:
    one = arrived(house, "m1")
    house.arrive(mail("m2"), conversation=one)
    new = cut(house, one, "m2@example.org")
    merged(house, new, one)
    assert [m.external_id for m in said(house, one)] == ["m1@example.org", "m2@example.org"]


def test_an_answer_of_the_new_case_goes_to_who_wrote_it_in_that_thread(house: House) -> None:
    one = arrived(house, "m1")
    house.arrive(mail("m2", identity=SAM, address="sam@example.org"), conversation=one)
    new = cut(house, one, "m2@example.org", queue=QueueName("sales"))
    (work,) = open_items(house, new)
    assert (work.address, work.thread) == ("sam@example.org", ("m2@example.org",))
    assert work.queue == "sales"


def test_one_message_has_to_stay_and_only_what_is_there_can_go(house: House) -> None:
    one = arrived(house, "m1")
    with pytest.raises(Refused, match="has to stay"):
        cut(house, one, "m1@example.org")
    house.arrive(mail("m2"), conversation=one)
    with pytest.raises(Refused, match="not all"):
        cut(house, one, "m2@example.org", wanted=[MessageId("elsewhere")])
    with pytest.raises(Refused, match="in your hands"):
        cut(house, one, "m2@example.org", by=agent("bob"))


def test_each_party_of_a_merged_case_is_answered_alone_and_gets_no_link_of_the_other(
    house: House,
) -> None:
    house.ledger.link = lambda case, customer, _n: f"https://here/{case}/{customer}"
    eva, sam = mail("m1").identity, SAM
    one = arrived(house, "m1")
    two = arrived(house, "m2", identity=SAM, address="sam@example.org")
    merged(house, two, one, strangers=True)
    stays = now(house, one)
    for key, who in (("m3", sam), ("m4", eva), ("m5", sam)):
        assert who is not None
        decided = house.arrive(
            mail(key, identity=who, address=who.value, references=("<x@y>",)), referenced=stays
        )
        told = house.state.items[decided.item or ItemId("")]
        assert (told.address, told.copies) == (who.value, ())
    for item_ in open_items(house, one):
        _, changes = add_message(
            house.ledger.context(),
            now(house, one),
            item_,
            direction="out",
            author=Author(kind="system"),
            body="{ticket_url}",
            to=(item_.address,),
        )
        said_ = next(row for change in changes for row in change.rows)
        assert isinstance(said_, Message)
        assert bool(said_.body) == (item_.address == "eva@example.org")
    for item_ in open_items(house, one):
        changes = [e.Change(e.ItemCanceled(item=item_.id, by="boss", reason="done"))]
        if (out := item_.offer) is not None:
            back = e.OfferWithdrawn(item=item_.id, offer=out.id, agent=out.agent, reason="done")
            changes.insert(0, e.Change(back))
        house.record(changes)
    answer = mail("m6", identity=SAM, address=SAM.value, references=("<x@y>",))
    joined = house.arrive(answer, referenced=now(house, one))
    work = house.state.items[joined.item or ItemId("")]
    assert (work.address, work.copies) == (SAM.value, ())
    assert work.customer is not None
    assert work.customer.name == "Sam"


def test_who_takes_part_in_a_customers_mails_gets_no_link_of_their_page(house: House) -> None:
    house.ledger.link = lambda _case, _customer, _n: "https://here/secret"
    one = arrived(house, "m1", copies=("sam@example.org",))
    (work,) = open_items(house, one)
    assert link_of(house.ledger.context(), now(house, one), work)
    house.arrive(
        mail("m2", identity=SAM, address=SAM.value),
        referenced=now(house, one),
        participants=frozenset({SAM.value}),
    )
    (work,) = open_items(house, one)
    assert work.address == SAM.value
    assert link_of(house.ledger.context(), now(house, one), work) == ""
    house.arrive(mail("m3"), referenced=now(house, one))
    (work,) = open_items(house, one)
    assert link_of(house.ledger.context(), now(house, one), work)


def test_a_case_is_taken_out_of_one_that_is_no_part_of_a_third(house: House) -> None:
    one, two, three = arrived(house, "m1"), arrived(house, "m2"), arrived(house, "m3")
    merged(house, one, two)
    merged(house, two, three)
    with pytest.raises(Refused, match=f"#{two.number} is part of #{three.number}"):
        taken_out(house, one, two)


def test_whose_cases_are_part_of_another_is_not_forgotten_over_any_number_of_links() -> None:
    ties = Ties()
    for n in range(3 * MOST_LINKS):
        other = CaseLink(
            case=CaseId(f"case{n}"),
            number=TicketNumber(n),
            how="merged_here",
            at=START,
            by="boss",
            customers=(CustomerId("sam"),) if n < 2 else (),
        )
        ties = replace(ties, links=linked(ties, other))
    assert ties.others() == {"sam"}
    assert len(ties.links) == MOST_LINKS
