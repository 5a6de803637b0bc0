"""A visitor who asks to be called, and what the window is told of it and of promises."""

from datetime import timedelta

from msgspec.structs import replace

from channels.webchat.cards import CallbackCard, PromiseCard
from channels.webchat.effects import Bring, Effect, Enter, Entered, Post
from channels.webchat.protocol import Callme, Error, Hello, Ok, Site, State, encode
from channels.webchat.session import Session
from channels.webchat.settings import Settings
from channels.webchat.translate import Person, inbound_of
from channels.webchat.visitor import Visitor
from gateway.core.ids import AgentName, CaseId
from gateway.core.model import ChannelKind, Item, ItemState
from gateway.core.owed import Callback, CallbackWish, Promise
from gateway.ports import Decided
from tests.support.chatvalues import SITE, START, case_of, item_of

NUMBER = "+49 30 1234567"
ASKED = Callme(number=NUMBER, id="callme-1")
AT = START + timedelta(hours=2)


def session(item: Item | None = None, *promises: Item) -> Session:
    """One that stands in a conversation, if there is an item."""
    it = Session(agent_name=str.title)
    it.receive(encode(Hello(channel="site")))
    it.entered(
        Entered(
            visitor=Visitor(id="v1"),
            token="t",
            site=Site(),
            heartbeat=10,
            case=case_of() if item else None,
            item=item,
            promises=promises,
        )
    )
    if item is not None:
        it.loaded(CaseId("case-1"), [], more=False)
    return it


def posted(effects: list[Effect]) -> list[object]:
    return [effect.frame for effect in effects if isinstance(effect, Post)]


def to_call(state: ItemState = ItemState.QUEUED, **more: object) -> Item:
    callback = Callback(via=ChannelKind.WEBCHAT, since=START, asked_by="customer", number=NUMBER)
    made = item_of(state, name="item-2")
    return replace(made, kind=ChannelKind.CALLBACK, callback=replace(callback, **more))


def promised(state: ItemState = ItemState.SCHEDULED, name: str = "item-3") -> Item:
    promise = Promise(
        text="a new part", agent=AgentName("ana"), made_at=START, due_at=AT, grace=900
    )
    return replace(item_of(state, name=name), promise=promise)


def test_what_is_asked_goes_to_the_intake() -> None:
    assert session(item_of()).receive(encode(ASKED)) == [Bring(ASKED)]


def test_it_is_translated_with_its_time_and_can_come_twice() -> None:
    person = Person(visitor=Visitor(id="v1"), identity=None, hello=Hello(channel="site"))
    said = Callme(number=NUMBER, at=AT, zone="Europe/Berlin", id="callme-1")
    made = [
        inbound_of(Settings(name=SITE), person, said, CaseId("case-1"), "item-1", START)
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert made[0].callback == CallbackWish(number=NUMBER, at=AT, zone="Europe/Berlin")
    assert made[0].body == "☎ +49 30 1234567 · 2026-03-02 12:00 Europe/Berlin"
    assert made[0].kind is ChannelKind.WEBCHAT


def test_the_answer_says_that_it_is_on_disk() -> None:
    it = session(item_of())
    done = Decided(status="processed", case=CaseId("case-1"), seq=1)
    (load,) = it.decided(ASKED, done)
    assert not isinstance(load, Post), "first its own message"
    assert posted(it.loaded(CaseId("case-1"), [], more=False)) == [
        Ok(re="callme-1", seq=1, conversation=CaseId("case-1"))
    ]


def test_a_first_word_leads_into_its_conversation() -> None:
    it = session()
    done = Decided(status="processed", case=CaseId("case-1"), seq=1)
    assert it.decided(Callme(number=NUMBER), done) == [Enter(CaseId("case-1"))]


def test_what_cannot_be_is_refused_with_why() -> None:
    told = Decided(status="ignored", reason="nobody is there then")
    assert posted(session(item_of()).decided(ASKED, told)) == [
        Error(re="callme-1", code="refused", detail="nobody is there then")
    ]


def test_the_window_is_told_that_a_call_is_to_come() -> None:
    (state,) = posted(session(item_of()).item_changed(to_call(at=AT)))
    assert state == State(state="queued", callback=CallbackCard(number=NUMBER, at=AT))
    it = session(to_call())
    again = replace(to_call(attempts=1), version=2)
    assert posted(it.item_changed(again)) == [
        State(state="queued", callback=CallbackCard(number=NUMBER, attempts=1))
    ]


def test_who_is_being_called_talks_to_somebody() -> None:
    it = session(to_call())
    now = replace(to_call(ItemState.ASSIGNED), version=2, agent=AgentName("ana"))
    assert State(state="active", agent="Ana") in posted(it.item_changed(now))


def test_what_is_promised_is_shown_until_it_is_done() -> None:
    talking = item_of(ItemState.ASSIGNED, agent="ana")
    it = session(talking)
    card = PromiseCard(text="a new part", due_at=AT, agent="Ana")
    assert posted(it.item_changed(promised())) == [
        State(state="active", agent="Ana", promises=(card,))
    ]
    assert it.item == talking, "the conversation goes on"
    done = promised(ItemState.COMPLETED)
    assert posted(it.item_changed(done)) == [State(state="active", agent="Ana")]


def test_who_comes_back_sees_what_was_promised() -> None:
    it = session(item_of(ItemState.ASSIGNED, agent="ana"), promised())
    assert posted(it.item_changed(promised(ItemState.COMPLETED))) == [
        State(state="active", agent="Ana")
    ]
    assert len(posted(it.promises_are([promised()]))) == 1
