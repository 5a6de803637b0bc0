"""Call-backs: tried until somebody is reached, or not needed any more; asked for by agents."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.callbacks import appointed
from gateway.core.errors import Refused
from gateway.core.ids import CaseId, CommandId, ItemId, QueueName
from gateway.core.inbound import Claim
from gateway.core.model import ChannelKind, Item, ItemState
from gateway.core.owed import Callbacks, CallbackWish
from gateway.core.view import item_view
from tests.core.calls import ID, NUMBER, ask, called, cancel, case_of, waits
from tests.support.builders import START, House, agent, chat, mail, queue


@pytest.fixture
def house() -> House:
    return House(agent("ana"), agent("bob"))


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
