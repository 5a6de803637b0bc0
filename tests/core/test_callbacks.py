"""Call-backs: one for each matter, in the place of who waited, tried until somebody is reached."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.calendars import Calendar
from gateway.core.callbacks import appointed
from gateway.core.errors import Refused
from gateway.core.ids import CalendarName, CaseId, CommandId, ItemId, OfferId, QueueName
from gateway.core.inbound import Claim, Decided
from gateway.core.model import Case, CaseStatus, ChannelKind, Item, ItemState
from gateway.core.owed import Callbacks, CallbackWish
from gateway.core.view import item_view
from tests.support.builders import START, House, agent, chat, mail, queue

NUMBER = "+49 30 1234567"
ID = CommandId("command-callback")


@pytest.fixture
def house() -> House:
    return House(agent("ana"), agent("bob"))


def case_of(house: House, decided: Decided) -> Case:
    assert decided.case is not None
    return house.tables.cases[decided.case]


def waits(house: House) -> tuple[Item, Decided]:
    """A chat that waits for somebody."""
    decided = house.arrive(chat("hello"))
    assert decided.item is not None
    return house.state.items[decided.item], decided


def called(house: House, case: CaseId) -> Item:
    (only,) = [i for i in house.state.items_of_case(case) if i.callback is not None]
    return only


def ask(house: House, decided: Decided, key: str = "call", **wish: Any) -> Decided:
    inbound = chat(key, body=NUMBER, callback=CallbackWish(**({"number": NUMBER} | wish)))
    return house.arrive(inbound, conversation=case_of(house, decided))


def cancel(house: House, decided: Decided, key: str = "cancel") -> Decided:
    inbound = chat(key, body="", callback=CallbackWish(cancel=True))
    return house.arrive(inbound, conversation=case_of(house, decided))


# -- its place ------------------------------------------------------------------------------


def test_a_call_back_has_the_place_of_the_chat_that_it_replaces(house: House) -> None:
    waiting, decided = waits(house)
    house.pass_time(300)
    later = house.arrive(mail("later"))
    house.pass_time(60)
    ask(house, decided)
    item = called(house, waiting.case)
    assert (item.kind, item.state) == (ChannelKind.CALLBACK, ItemState.QUEUED)
    assert item.queued_at == waiting.queued_at == START
    assert item.callback is not None
    assert item.callback.replaces == waiting.id
    assert waiting.id not in house.state.items
    assert case_of(house, decided).status is CaseStatus.OPEN
    house.sign_in("ana")
    assert house.offers[0].item == item.id
    assert later.item not in house.offered()


def test_who_is_told_sees_why_the_chat_ended(house: House) -> None:
    waiting, decided = waits(house)
    ask(house, decided)
    (gone,) = house.events(e.ItemCanceled)
    assert (gone.item, gone.by) == (waiting.id, "customer")
    assert "called back instead" in gone.reason


def test_a_chat_that_is_offered_is_taken_back_for_the_call(house: House) -> None:
    house.sign_in("ana")
    waiting, decided = waits(house)
    assert house.offered() == {waiting.id: "ana"}
    ask(house, decided)
    assert house.offered() == {called(house, waiting.case).id: "ana"}


def test_a_chat_that_somebody_works_on_goes_on_beside_the_call(house: House) -> None:
    house.sign_in("ana")
    waiting, decided = waits(house)
    house.accept("ana")
    ask(house, decided)
    assert house.state.items[waiting.id].state is ItemState.ASSIGNED
    assert called(house, waiting.case).callback is not None


def test_a_first_word_may_ask_for_a_call(house: House) -> None:
    decided = house.arrive(chat("call", body=NUMBER, callback=CallbackWish(number=NUMBER)))
    item = house.state.items[decided.item or ItemId("")]
    assert item.kind is ChannelKind.CALLBACK
    assert item.callback is not None
    assert (item.callback.number, item.callback.via) == (NUMBER, ChannelKind.WEBCHAT)
    assert decided.seq == 1


def test_the_agent_of_the_case_calls_if_there(house: House) -> None:
    house.sign_in("ana")
    waiting, decided = waits(house)
    house.accept("ana")
    house.say("ana", c.Park(id=ID, item=waiting.id))
    house.sign_in("bob")
    ask(house, decided)
    (match,) = house.offers[1:]
    assert (match.agent, match.reason) == ("ana", "had this case last")


def test_the_agent_of_the_case_is_no_better_where_the_queue_says_so() -> None:
    plain = queue(callbacks=Callbacks(same_agent=False))
    house = House(agent("ana"), queues=[plain])
    house.sign_in("ana")
    waiting, decided = waits(house)
    house.accept("ana")
    ask(house, decided)
    assert called(house, waiting.case).last_agent is None


# -- one for each matter ----------------------------------------------------------------------


def test_who_asks_twice_is_called_once(house: House) -> None:
    waiting, decided = waits(house)
    ask(house, decided)
    first = called(house, waiting.case)
    house.pass_time(60)
    again = ask(house, decided, "again", number="+49 30 7654321")
    assert again.item == first.id
    second = called(house, waiting.case)
    assert second.callback is not None
    assert second.callback.number == "+49 30 7654321"
    assert second.queued_at == first.queued_at


def test_who_asks_for_another_time_is_called_then(house: House) -> None:
    waiting, decided = waits(house)
    ask(house, decided)
    ask(house, decided, "later", at=START + timedelta(hours=2))
    item = called(house, waiting.case)
    assert (item.state, item.wake_at) == (ItemState.SCHEDULED, START + timedelta(hours=2))
    ask(house, decided, "now")
    assert called(house, waiting.case).state is ItemState.QUEUED


DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from([None, 600, 7200])),
        st.tuples(
            st.sampled_from(
                [
                    "write",
                    "end",
                    "accept",
                    "decline",
                    "agent asks",
                    "done",
                    "not_reached",
                    "park",
                    "cancel",
                ]
            ),
            st.just(0),
        ),
        st.tuples(st.just("pass"), st.sampled_from([1, 30, 700, 5000])),
    ),
    max_size=25,
)


@given(DEEDS)
def test_there_never_are_two_for_one_matter(deeds: list[tuple[str, int | None]]) -> None:
    house = House(agent("ana"), queues=[queue(callbacks=Callbacks(again_seconds=60))])
    house.sign_in("ana")
    _, decided = waits(house)
    for number, (deed, value) in enumerate(deeds):
        with suppress(Refused):
            _do(house, decided, deed, value, number)
        open_ones = [i for i in house.state.items_of_case(decided.case) if i.callback]  # type: ignore[arg-type]
        assert len(open_ones) <= 1
        if not house.is_ready("ana"):
            house.say("ana", c.State(id=house.command(), state="ready"))


def _do(house: House, decided: Decided, deed: str, value: int | None, number: int) -> None:
    in_hand = house.state.in_hand("ana")  # type: ignore[arg-type]
    mine = [i for i in in_hand if i.state is ItemState.ASSIGNED]
    match deed:
        case "ask":
            at = None if value is None else house.clock.now() + timedelta(seconds=value)
            ask(house, decided, f"ask {number}", at=at)
        case "write":
            house.arrive(chat(f"line {number}"), conversation=case_of(house, decided))
        case "end":
            ended = chat(f"end {number}", attributes={"chat": "ended"})
            house.arrive(ended, conversation=case_of(house, decided))
        case "cancel":
            cancel(house, decided, f"cancel {number}")
        case "pass":
            house.pass_time(value or 0)
        case "accept" | "decline" if offered := house.offered_to("ana"):
            make = c.Accept if deed == "accept" else c.Decline
            house.say("ana", make(id=house.command(), offer=_offer(offered[0])))
        case "agent asks" if mine:
            house.say("ana", c.AskCallback(id=house.command(), item=mine[0].id, number=NUMBER))
        case "done" | "not_reached" if mine:
            code = "reached" if deed == "done" and mine[0].callback else deed
            house.say("ana", c.Wrapup(id=house.command(), item=mine[0].id, code=code))
        case "park" if mine:
            house.say("ana", c.Park(id=house.command(), item=mine[0].id))
        case _:
            pass


def _offer(offered: Item) -> OfferId:
    assert offered.offer is not None
    return offered.offer.id


# -- when -------------------------------------------------------------------------------------


def test_it_is_made_at_the_time_that_was_asked_for(house: House) -> None:
    house.sign_in("ana")
    house.say("ana", c.State(id=house.command(), state="not_ready"))
    waiting, decided = waits(house)
    ask(house, decided, at=START + timedelta(hours=1))
    house.say("ana", c.State(id=house.command(), state="ready"))
    assert not house.offered()
    house.pass_time(3601)
    item = called(house, waiting.case)
    assert house.offered() == {item.id: "ana"}
    assert item.queued_at == waiting.queued_at, "it has kept its place"
    assert item.due_at == START + timedelta(hours=1)


def test_a_time_without_offset_is_one_in_the_customers_zone(house: House) -> None:
    waiting, decided = waits(house)
    local = datetime(2026, 3, 2, 15, 0)  # noqa: DTZ001 - as the customer says it
    ask(house, decided, at=local, zone="America/Bogota")
    assert called(house, waiting.case).wake_at == START + timedelta(hours=11)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"number": "call me maybe"}, "no telephone number"),
        ({"number": "12"}, "no telephone number"),
        ({"at": START - timedelta(seconds=1)}, "lies in the past"),
        ({"at": START + timedelta(days=91)}, "at most 90 days ahead"),
        ({"at": datetime(2026, 3, 2, 15, 0)}, "in which time zone"),  # noqa: DTZ001
        ({"at": datetime(2026, 3, 2, 15, 0), "zone": "Mars/Base"}, "no time zone"),  # noqa: DTZ001
        ({"agent": "nobody"}, "no agent 'nobody'"),
    ],
)
def test_what_cannot_be_is_answered_with_why(house: House, wish: dict[str, Any], why: str) -> None:
    waiting, decided = waits(house)
    told = ask(house, decided, **wish)
    assert told.status == "ignored"
    assert why in told.reason
    assert house.state.items[waiting.id].state is ItemState.QUEUED


OFFICE_HOURS = Calendar(
    name=CalendarName("office"),
    zone="UTC",
    week={"monday": ("09:00-17:00",), "tuesday": ("09:00-17:00",)},
)


def closing(**more: Any) -> House:
    house = House(agent("ana"), queues=[queue(hours=CalendarName("office"), **more)])
    house.record([e.Change(e.CalendarDefined(calendar=OFFICE_HOURS, by="test"))])
    return house


def test_a_time_when_nobody_is_there_is_refused_with_the_next_one() -> None:
    house = closing()
    _, decided = waits(house)
    told = ask(house, decided, at=START + timedelta(hours=10), zone="Europe/Berlin")
    assert told.reason == "nobody is there then; the next time is 2026-03-03 10:00 Europe/Berlin"


def test_as_soon_as_possible_at_night_is_in_the_morning() -> None:
    house = closing()
    house.clock.seconds = 9 * 3600
    waiting, decided = waits(house)
    ask(house, decided)
    item = called(house, waiting.case)
    assert (item.state, item.wake_at) == (ItemState.SCHEDULED, START + timedelta(days=1))
    house.sign_in("ana")
    house.pass_time(15 * 3600 + 1)
    assert house.offered() == {item.id: "ana"}


# -- how it goes ------------------------------------------------------------------------------


def calling(house: House, **wish: Any) -> Item:
    """A call-back in the agent's hands."""
    house.sign_in("ana")
    _, decided = waits(house)
    ask(house, decided, **wish)
    return house.accept("ana")


def tried(house: House, item: Item, code: str) -> None:
    house.say("ana", c.Wrapup(id=house.command(), item=item.id, code=code))


def test_who_was_reached_is_done_with(house: House) -> None:
    item = calling(house)
    tried(house, item, "reached")
    done = house.tables.items[item.id]
    assert (done.state, done.code) == (ItemState.COMPLETED, "reached")
    (event,) = house.events(e.CallbackTried)
    assert (event.outcome, event.attempt, event.agent) == ("reached", 1, "ana")


def test_who_was_not_reached_is_tried_again_and_then_told_by_chat_or_mail(house: House) -> None:
    item = calling(house)
    for _ in range(2):
        tried(house, item, "not_reached")
        assert house.state.items[item.id].state is ItemState.SCHEDULED
        assert not house.offered()
        house.pass_time(901)
        house.accept("ana")
    tried(house, item, "not_reached")
    assert house.tables.items[item.id].state is ItemState.COMPLETED
    told = [m for m in house.tables.messages.values() if m.author.kind == "system"]
    assert [m.body.startswith("We have tried to call you back") for m in told] == [True]
    assert told[0].kind is ChannelKind.WEBCHAT
    assert [t.attempt for t in house.events(e.CallbackTried)] == [1, 2, 3]


def test_the_message_goes_by_mail_if_we_have_an_address() -> None:
    once = queue(callbacks=Callbacks(most_attempts=1, message={"de": "Leider…", "": "Sorry"}))
    house = House(agent("ana"), queues=[once])
    house.sign_in("ana")
    hints = {"claimed_email": "eva@example.org"}
    decided = house.arrive(chat("hello", attributes=hints, language="de"))
    ask(house, decided)
    tried(house, house.accept("ana"), "not_reached")
    (order,) = house.state.outbox.values()
    assert (order.kind, order.address) == (ChannelKind.EMAIL, "eva@example.org")
    assert order.message is not None
    assert house.tables.messages[order.message].body == "Leider…"


def test_a_wrong_number_is_not_tried_again(house: House) -> None:
    item = calling(house)
    tried(house, item, "wrong_number")
    assert house.tables.items[item.id].code == "wrong_number"


def test_an_attempt_ends_with_how_it_went(house: House) -> None:
    item = calling(house)
    with pytest.raises(Refused, match="say how it went") as refused:
        tried(house, item, "done")
    assert refused.value.field == "code"


def test_an_attempt_can_fail_in_wrap_up_too(house: House) -> None:
    item = calling(house)
    house.say("ana", c.Send(id=ID, item=item.id, body="I try to call you", then="close"))
    assert house.state.items[item.id].state is ItemState.WRAPPING
    tried(house, item, "not_reached")
    assert house.state.items[item.id].state is ItemState.SCHEDULED


def test_who_calls_can_answer_in_the_chat_as_well(house: House) -> None:
    item = calling(house)
    body = house.say("ana", c.Send(id=ID, item=item.id, body="I am calling"))
    assert house.tables.messages[body["message"]].kind is ChannelKind.WEBCHAT


# -- when the customer comes back ---------------------------------------------------------------


def test_who_comes_back_need_not_be_called_and_has_the_place(house: House) -> None:
    waiting, decided = waits(house)
    house.pass_time(100)
    ask(house, decided)
    item = called(house, waiting.case)
    house.pass_time(100)
    back = house.arrive(chat("here again"), conversation=case_of(house, decided))
    assert house.tables.items[item.id].state is ItemState.CANCELED
    assert house.tables.items[item.id].reason == "the customer came back by site"
    assert house.state.items[back.item or ItemId("")].queued_at == waiting.queued_at


def test_who_comes_back_by_another_channel_need_not_be_called(house: House) -> None:
    house.sign_in("ana")
    decided = house.arrive(mail("a matter"))
    mine = house.accept("ana")
    house.say(
        "ana", c.AskCallback(id=ID, item=mine.id, number=NUMBER, at=START + timedelta(hours=3))
    )
    house.complete("ana", mine.id)
    item = called(house, mine.case)
    same = Claim(kind="email", value="eva@example.org", verified=True)
    back = house.arrive(chat("by chat", identity=same))
    assert back.case == decided.case
    assert back.reason == "the customer's one open matter waits for a call-back"
    assert house.tables.items[item.id].state is ItemState.CANCELED


def test_a_word_in_a_conversation_that_goes_on_cancels_nothing(house: House) -> None:
    house.sign_in("ana")
    decided = house.arrive(mail("a matter"))
    mine = house.accept("ana")
    house.say(
        "ana", c.AskCallback(id=ID, item=mine.id, number=NUMBER, at=START + timedelta(hours=3))
    )
    house.arrive(mail("thanks"), referenced=case_of(house, decided))
    assert called(house, mine.case).state is ItemState.SCHEDULED


def test_who_is_being_called_just_now_is_heard_by_who_calls(house: House) -> None:
    item = calling(house)
    back = house.arrive(chat("hello?"), conversation=house.tables.cases[item.case])
    assert back.item == item.id
    assert house.state.items[item.id].state is ItemState.ASSIGNED


def test_a_machine_is_not_the_customer_who_comes_back(house: House) -> None:
    waiting, decided = waits(house)
    ask(house, decided)
    house.arrive(mail("out of office", machine=True), referenced=case_of(house, decided))
    assert called(house, waiting.case).state is ItemState.QUEUED


@pytest.mark.parametrize("at", [None, 7200])
def test_who_asked_for_it_may_take_it_back(house: House, at: int | None) -> None:
    waiting, decided = waits(house)
    ask(house, decided, at=None if at is None else START + timedelta(seconds=at))
    item = called(house, waiting.case)
    said = len(house.tables.messages)
    answer = cancel(house, decided)
    assert (answer.status, answer.case) == ("processed", waiting.case)
    assert item.id not in house.state.items
    assert house.events(e.ItemCanceled)[-1].by == "customer"
    assert len(house.tables.messages) == said, "nothing was said"
    assert cancel(house, decided, "again").reason == "nobody was to call"


def test_what_is_offered_is_withdrawn_when_it_is_taken_back(house: House) -> None:
    waiting, decided = waits(house)
    ask(house, decided)
    house.sign_in("ana")
    assert house.offered() == {called(house, waiting.case).id: "ana"}
    cancel(house, decided)
    assert not house.offered()
    assert not house.state.items_of_case(waiting.case)


def test_who_is_called_just_now_cannot_take_it_back(house: House) -> None:
    waiting, decided = waits(house)
    ask(house, decided)
    house.sign_in("ana")
    house.accept("ana")
    assert cancel(house, decided).reason == "somebody is calling just now"
    assert called(house, waiting.case).state is ItemState.ASSIGNED


def test_leaving_the_chat_leaves_the_call_as_it_is(house: House) -> None:
    waiting, decided = waits(house)
    ask(house, decided)
    house.arrive(chat("end", attributes={"chat": "ended"}), conversation=case_of(house, decided))
    assert called(house, waiting.case).state is ItemState.QUEUED


def test_a_queue_may_call_back_all_the_same() -> None:
    house = House(agent("ana"), queues=[queue(callbacks=Callbacks(cancel_on_return=False))])
    waiting, decided = waits(house)
    ask(house, decided)
    house.arrive(chat("also this"), conversation=case_of(house, decided))
    assert called(house, waiting.case).state is ItemState.QUEUED


def test_a_queue_may_offer_none() -> None:
    house = House(agent("ana"), queues=[queue(callbacks=Callbacks(offered=False))])
    _, decided = waits(house)
    assert ask(house, decided).reason == "call-backs are not offered here"


# -- by agents ----------------------------------------------------------------------------------


def test_an_agent_may_begin_one_with_a_customer(house: House) -> None:
    house.sign_in("ana", ready=False)
    eva = house.customer()
    body = house.say("ana", c.AskCallback(id=ID, customer=eva.id, number=NUMBER), customer=eva)
    item = house.state.items[body["item"]]
    assert (item.customer, item.channel) == (eva, "callback")


def test_without_a_number_there_must_be_another_way(house: House) -> None:
    house.sign_in("ana", ready=False)
    eva = house.customer()
    with pytest.raises(Refused, match="give the number") as refused:
        house.say("ana", c.AskCallback(id=ID, customer=eva.id), customer=eva)
    assert (refused.value.code, refused.value.field) == ("bad_frame", "number")


def test_nothing_can_be_written_where_there_only_is_a_number(house: House) -> None:
    house.sign_in("ana")
    eva = house.customer()
    house.say("ana", c.AskCallback(id=ID, customer=eva.id, number=NUMBER), customer=eva)
    item = house.accept("ana")
    with pytest.raises(Refused, match="call the number"):
        house.say("ana", c.Send(id=CommandId("command-send"), item=item.id, body="Hello"))
    assert item_view(item, house.state.cases[item.case]).no_reply is True, "the desktop is told"


def test_whoever_says_so_is_the_one_who_calls(house: House) -> None:
    house.sign_in("bob", "ana")
    mine = house.new_item()
    holder = house.offered()[mine.id]
    house.accept(holder)
    at = START + timedelta(hours=1)
    house.say(holder, c.AskCallback(id=ID, item=mine.id, number=NUMBER, at=at, mine=True))
    house.complete(holder, mine.id)
    house.pass_time(3601)
    assert house.offered() == {called(house, mine.case).id: holder}


def test_a_queue_that_is_gone_leaves_the_call_in_another() -> None:
    house = House(agent("ana"), queues=[queue(), queue("other")])
    decided = house.arrive(chat("hello", queue=QueueName("other")))
    ask(house, decided)
    assert called(house, decided.case or CaseId("")).queue == "other"


@pytest.mark.parametrize(
    "said", ["0001-01-01T00:00:00", "9999-12-31T23:00:00", "0001-01-01T00:00:00+14:00"]
)
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_time_that_no_calendar_has_is_refused(house: House, said: str, zone: str) -> None:
    wish = CallbackWish(at=datetime.fromisoformat(said), zone=zone)
    with pytest.raises(Refused) as refused:
        appointed(house.state, QueueName("general"), wish, START)
    assert refused.value.field == "at"
