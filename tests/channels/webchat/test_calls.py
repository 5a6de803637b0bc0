"""When a window offers a call-back, what times it is told, and which numbers are taken."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from channels.webchat.calls import Calls
from channels.webchat.effects import Bring, Effect, Entered, Post
from channels.webchat.numbers import BadNumber, called, country_of
from channels.webchat.protocol import (
    Callme,
    CancelCall,
    Error,
    Hello,
    Ok,
    Site,
    State,
    Times,
    TimesFrame,
    encode,
)
from channels.webchat.session import Session
from channels.webchat.settings import Settings
from channels.webchat.translate import Person, inbound_of
from channels.webchat.visitor import Visitor
from gateway.core.calendars import Closed
from gateway.core.ids import CaseId
from gateway.core.model import ChannelKind, Item, ItemState
from gateway.core.owed import OFFERED, Callback, Callbacks, CallbackWish
from gateway.ports import Decided
from tests.support.chatvalues import SITE, START, case_of, item_of

LONG = (4, 300.0)
SHORT = (1, 15.0)


def session(
    item: Item | None = None,
    *,
    rules: Callbacks | None = None,
    waiting: tuple[int, float] | None = None,
    closed: Closed | None = None,
    locale: str = "de-AT",
) -> tuple[Session, State]:
    """One that has been welcomed, and how it was told that it stands."""
    period = (START, START + timedelta(hours=8))
    calls = Calls(openings=lambda _q: (period,), callbacks=lambda _q: rules or Callbacks())
    it = Session(closed=lambda _item: closed, calls=calls)
    it.receive(encode(Hello(channel="site", locale=locale)))
    told = it.entered(
        Entered(
            visitor=Visitor(id="v1"),
            token="t",
            site=Site(),
            heartbeat=10,
            case=case_of() if item else None,
            item=item,
            waiting=waiting,
        )
    )
    if item is not None:
        it.loaded(CaseId("case-1"), [], more=False)
    (state,) = [frame for frame in posted(told) if isinstance(frame, State)]
    return it, state


def posted(effects: list[Effect]) -> list[object]:
    return [effect.frame for effect in effects if isinstance(effect, Post)]


@pytest.mark.parametrize(
    ("waiting", "offered"), [(LONG, True), (SHORT, False), (None, False), ((9, float("inf")), True)]
)
def test_it_is_offered_to_who_would_wait_long(
    waiting: tuple[int, float] | None, offered: bool
) -> None:
    assert session(item_of(), waiting=waiting)[1].callme is offered


def test_what_is_long_is_the_queues_to_say_and_so_is_whether_there_are_any() -> None:
    assert session(item_of(), waiting=SHORT, rules=Callbacks(offer_wait=10))[1].callme
    assert not session(item_of(), waiting=LONG, rules=Callbacks(offered=False))[1].callme


def test_it_is_offered_while_the_house_is_closed_also_to_who_has_said_nothing() -> None:
    assert session(closed=Closed(None))[1] == State(state="offline", callme=True)
    assert session(item_of(), closed=Closed(None))[1].callme
    assert not session()[1].callme


def test_who_is_called_or_held_back_or_talks_is_offered_none() -> None:
    callback = Callback(via=ChannelKind.WEBCHAT, since=START, asked_by="customer")
    assert not session(replace(item_of(), callback=callback), waiting=LONG)[1].callme
    assert not session(item_of(ItemState.SCHEDULED), waiting=LONG)[1].callme
    assert not session(item_of(ItemState.ASSIGNED, agent="ana"), waiting=LONG)[1].callme


def test_what_a_threshold_has_offered_is_offered_however_short_the_wait() -> None:
    assert session(replace(item_of(), cared=(OFFERED,)), waiting=SHORT)[1].callme


def test_once_offered_it_stays_while_they_wait() -> None:
    it, _ = session(item_of(), waiting=LONG)
    (state,) = posted(it.waiting_changed(SHORT))
    assert isinstance(state, State)
    assert state.callme
    assert state.position == 1
    (state,) = posted(it.item_changed(replace(item_of(ItemState.ASSIGNED, agent="ana"), version=2)))
    assert isinstance(state, State)
    assert not state.callme


def test_the_times_are_those_of_the_queue_and_the_example_is_from_the_visitors_country() -> None:
    it, _ = session(item_of())
    (frame,) = posted(it.receive(encode(Times(id="times-one"))))
    assert isinstance(frame, TimesFrame)
    assert frame.re == "times-one"
    assert frame.periods == ((START, START + timedelta(hours=8)),)
    assert frame.example.startswith("+43 ")


def test_a_number_goes_on_in_its_international_form() -> None:
    it, _ = session(item_of())
    (effect,) = it.receive(encode(Callme(id="callme-1", number="01 234567890")))
    assert isinstance(effect, Bring)
    assert isinstance(effect.said, Callme)
    assert effect.said.number == "+43 1 234567890"


@pytest.mark.parametrize("number", ["+49 1", "hello", "12", "+999 12345678"])
def test_what_is_no_number_is_refused_with_how_to_write_one(number: str) -> None:
    it, _ = session(item_of())
    (frame,) = posted(it.receive(encode(Callme(id="callme-1", number=number))))
    assert isinstance(frame, Error)
    assert (frame.code, frame.field) == ("bad_number", "number")
    assert "like +" in frame.detail


def test_without_a_country_one_says_it() -> None:
    assert country_of("", "en") == country_of("", "zh-Hant") == ""
    assert country_of("", "pt-BR") == "BR"
    assert country_of("DE", "pt-BR") == "DE"
    with pytest.raises(BadNumber, match="with the country"):
        called("030 1234567", "")


@given(st.text(max_size=60), st.sampled_from(["", "DE", "AR", "CN"]))
def test_whatever_is_typed_is_a_number_or_told_why_not(text: str, country: str) -> None:
    try:
        number = called(text, country)
    except BadNumber as problem:
        told = str(problem)
    else:
        assert called(number, "") == number
        told = f"like {number}"
    assert "like +" in told


def test_taking_it_back_goes_to_the_intake_and_is_answered() -> None:
    it, _ = session(item_of())
    assert it.receive(encode(CancelCall(id="cancel-1"))) == [Bring(CancelCall(id="cancel-1"))]
    person = Person(visitor=Visitor(id="v1"), identity=None, hello=Hello(channel="site"))
    said = CancelCall(id="cancel-1")
    made = inbound_of(Settings(name=SITE), person, said, CaseId("case-1"), "item-1", START)
    assert (made.callback, made.body) == (CallbackWish(cancel=True), "")
    done = Decided(status="processed", case=CaseId("case-1"))
    assert posted(it.decided(said, done)) == [Ok(re="cancel-1", seq=0)]
    refused = it.decided(said, Decided(status="ignored", reason="somebody is calling just now"))
    assert posted(refused) == [
        Error(re="cancel-1", code="refused", detail="somebody is calling just now")
    ]
