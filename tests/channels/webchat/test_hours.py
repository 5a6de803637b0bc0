"""A chat window is told that the house is closed, and when it opens."""

from datetime import UTC, datetime

from channels.webchat.effects import Effect, Entered, Post
from channels.webchat.protocol import ServerFrame, Site, State, Welcome
from channels.webchat.session import Session
from channels.webchat.standing import standing_of
from channels.webchat.visitor import Visitor
from gateway.core.calendars import Closed
from gateway.core.model import Item, ItemState
from tests.support.builders import item

MORNING = datetime(2026, 3, 3, 8, tzinfo=UTC)
SHUT = Closed(MORNING)


def session(standing: list[Closed | None]) -> Session:
    made = Session(closed=lambda _item: standing[0])
    made.receive('{"t":"hello","channel":"site","versions":[1]}')
    return made


def entered(one: Session) -> list[ServerFrame]:
    now = Entered(visitor=Visitor(id="v"), token="t", site=Site(), heartbeat=10.0)
    return frames(one.entered(now))


def frames(effects: list[Effect]) -> list[ServerFrame]:
    return [effect.frame for effect in effects if isinstance(effect, Post)]


def test_who_comes_while_it_is_closed_is_told_when_it_opens() -> None:
    welcome, state = entered(session([SHUT]))
    assert isinstance(welcome, Welcome)
    assert (welcome.state, welcome.opens_at) == ("offline", MORNING)
    assert state == State(state="offline", opens_at=MORNING, callme=True)


def test_it_is_told_when_it_opens_and_when_it_closes() -> None:
    standing: list[Closed | None] = [SHUT]
    one = session(standing)
    entered(one)
    assert one.look() == []
    standing[0] = None
    assert frames(one.look()) == [State(state="closed")]
    standing[0] = SHUT
    assert frames(one.look()) == [State(state="offline", opens_at=MORNING, callme=True)]


def test_nobody_is_told_before_saying_hello() -> None:
    assert session([SHUT]).look() == []


def test_who_waits_is_told_and_who_talks_goes_on_talking() -> None:
    def stands(state: ItemState) -> State:
        one: Item = item(state)
        return standing_of(one, None, str, SHUT)

    assert stands(ItemState.QUEUED) == State(state="offline", opens_at=MORNING)
    assert stands(ItemState.ASSIGNED) == State(state="active", agent="ana")
    assert standing_of(None, None, str, Closed(None)) == State(state="offline")
