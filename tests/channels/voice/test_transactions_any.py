"""Whatever the network does: each request is answered once or timed out, and nothing is left."""

import heapq
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from channels.voice.sip.flow import Flow
from channels.voice.sip.message import Request, Response, response_to
from channels.voice.sip.transactions import (
    Acknowledged,
    Answered,
    Asked,
    Cancelled,
    Event,
    Id,
    Over,
    Result,
    Send,
    Stray,
    Transactions,
)
from tests.support.sip import request, seen

PATIENCE = 32.0


class Weather(Struct, frozen=True):
    """What the network does to a packet; ``delay`` in seconds at most."""

    loss: float
    twice: float
    delay: float
    reliable: bool


class Plan(Struct, frozen=True):
    """One request, what its receiver does and when, and whether its sender gives it up."""

    method: str
    at: float
    ring: float | None
    final: int
    after: float
    cancel: float | None


PLANS = st.builds(
    Plan,
    method=st.sampled_from(["INVITE", "INVITE", "OPTIONS", "BYE"]),
    at=st.floats(0, 5),
    ring=st.none() | st.floats(0, 3),
    final=st.sampled_from([200, 302, 486, 503]),
    after=st.floats(0, 20),
    cancel=st.none() | st.floats(0, 25),
)
WEATHER = st.builds(
    Weather,
    loss=st.sampled_from([0.0, 0.0, 0.1, 0.5, 1.0]),
    twice=st.sampled_from([0.0, 0.3]),
    delay=st.sampled_from([0.0, 0.1, 2.0]),
    reliable=st.booleans(),
)


class World:
    """Two nodes and the network between them, on a clock of their own."""

    def __init__(self, weather: Weather, seed: int) -> None:
        self.weather, self.dice, self.now = weather, Random(seed), 0.0
        self.order = count()
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.ends = [self.house("a"), self.house("b")]
        transport = "TCP" if weather.reliable else "UDP"
        self.flow = Flow(transport=transport, host="192.0.2.1", port=5060)  # type: ignore[arg-type] # either
        self.heard: list[list[Event]] = [[], []]
        self.plans: dict[str, Plan] = {}
        self.ids: dict[str, Id] = {}
        self.last_on: dict[int, float] = {}
        self.acknowledged: set[str] = set()

    def house(self, name: str) -> Transactions:
        words = count()
        return Transactions(name=lambda: f"{name}{next(words)}")

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (self.now + seconds, next(self.order), what))

    def run(self) -> None:
        while True:
            ticks = [(at, n) for n, e in enumerate(self.ends) if (at := e.deadline()) is not None]
            if self.agenda and (not ticks or self.agenda[0][0] <= min(ticks)[0]):
                self.now, _, what = heapq.heappop(self.agenda)
                what()
            elif ticks:
                at, end = min(ticks)
                self.now = max(at, self.now)
                self.take(end, self.ends[end].on_time(self.now))
            else:
                return
            assert self.now < 500, "something never ends"

    def take(self, end: int, results: Result) -> None:
        for out in results:
            if isinstance(out, Send):
                self.carry(1 - end, out)
            else:
                self.heard[end].append(out)
                self.react(end, out)

    def carry(self, to: int, out: Send) -> None:
        w = self.weather
        if w.reliable:  # in order, and whatever was sent arrives
            at = max(self.last_on.get(to, 0.0), self.now + self.dice.random() * w.delay)
            self.last_on[to] = at
            self.later(at - self.now, lambda: self.arrive(to, out))
            return
        for _ in range(2 if self.dice.random() < w.twice else 1):
            if self.dice.random() >= w.loss:
                self.later(self.dice.random() * w.delay, lambda: self.arrive(to, out))

    def arrive(self, to: int, out: Send) -> None:
        self.take(to, self.ends[to].receive(seen(out.message), self.flow, self.now))

    # -- the users of the transactions ------------------------------------------------------

    def ask(self, n: int, plan: Plan) -> None:
        call = f"call{n}"
        self.plans[call] = plan
        made = request(plan.method, branch=f"z9hG4bK{n}", call_id=call)
        id_, results = self.ends[0].ask(made, self.flow, self.now)
        self.ids[call] = id_
        self.take(0, results)
        if plan.method == "INVITE":  # who has heard it ring lets it ring for a minute
            patience = 60.0 if plan.cancel is None else plan.cancel
            self.later(patience, lambda: self.take(0, self.ends[0].cancel(id_, self.now)))

    def react(self, end: int, event: Event) -> None:
        match event:
            case Asked(request=asked) if end == 1:
                plan = self.plans[asked.call_id]
                if plan.ring is not None and plan.method == "INVITE":
                    self.later(plan.ring, lambda: self.reply(event, 180))
                self.later(plan.after, lambda: self.reply(event, plan.final))
            case Cancelled(id=id_):
                (asked_,) = (e for e in self.heard[1] if isinstance(e, Asked) and e.id == id_)
                self.reply(asked_, 487)
            case Acknowledged(request=ack):
                self.acknowledged.add(ack.call_id)
            case Answered(response=ok) | Stray(response=ok) if ok.success:
                if ok.cseq[1] == "INVITE":
                    ack = request("ACK", branch=f"z9hG4bKack{next(self.order)}", call_id=ok.call_id)
                    self.carry(1, Send(ack, self.flow))
            case _:
                pass

    def reply(self, asked: Asked, status: int, wait: float = 0.5) -> None:
        """A 2xx to an INVITE is repeated by who gives it, until the ACK comes."""
        made = response_to(asked.request, status, tag=asked.tag)
        self.take(1, self.ends[1].reply(asked.id, made, self.now))
        again = status == 200 and asked.request.method == "INVITE" and wait < PATIENCE
        if again and asked.request.call_id not in self.acknowledged:
            self.later(wait, lambda: self.repeat(asked, min(2 * wait, PATIENCE)))

    def repeat(self, asked: Asked, wait: float) -> None:
        if asked.request.call_id not in self.acknowledged:
            self.reply(asked, 200, wait)


def final(event: Event) -> bool:
    return isinstance(event, Over) or (
        isinstance(event, Answered) and not event.response.provisional
    )


@settings(max_examples=200, deadline=None)
@given(plans=st.lists(PLANS, min_size=1, max_size=4), weather=WEATHER, seed=st.integers(0, 9_999))
def test_each_request_is_answered_once_or_timed_out_and_no_timer_is_left(
    plans: list[Plan], weather: Weather, seed: int
) -> None:
    world = World(weather, seed)
    for n, plan in enumerate(plans):
        world.later(plan.at, lambda n=n, plan=plan: world.ask(n, plan))  # type: ignore[misc] # bound here
    world.run()

    assert [len(end) for end in world.ends] == [0, 0]
    assert [end.deadline() for end in world.ends] == [None, None]
    asked = [e.id for e in world.heard[1] if isinstance(e, Asked)]
    assert len(asked) == len(set(asked)), "told twice"

    ends: dict[Id, list[Event]] = defaultdict(list)
    for event in world.heard[0]:
        if final(event):
            ends[event.id].append(event)  # type: ignore[union-attr] # only these are final
    for call, id_ in world.ids.items():
        first, *more = ends[id_]
        # Only a 2xx to an INVITE comes again: each must be acknowledged.
        assert all(isinstance(e, Answered) and e.response.success for e in [first, *more] if more)
        plan = world.plans[call]
        sound = weather.reliable or weather.loss == 0
        if sound and weather.delay < 2:
            assert isinstance(first, Answered)
            given_up = plan.method == "INVITE" and plan.cancel is not None
            assert first.response.status in ({plan.final, 487} if given_up else {plan.final})
            if given_up and plan.cancel is not None and plan.cancel < plan.after - 1:
                assert first.response.status == 487
            if plan.method == "INVITE" and first.response.success:
                assert call in world.acknowledged


def test_a_perfect_network_repeats_nothing() -> None:
    world = World(Weather(loss=0, twice=0, delay=0, reliable=False), 1)
    world.ask(0, Plan(method="INVITE", at=0, ring=0.1, final=486, after=3, cancel=None))
    world.run()
    told = [e for e in world.heard[0] if isinstance(e, Answered)]
    assert [e.response.status for e in told] == [100, 180, 486]
    assert isinstance(told[0].response, Response)
    (asked,) = (e for e in world.heard[1] if isinstance(e, Asked))
    assert isinstance(asked.request, Request)
