"""Two user agents and a network between them, on a clock of their own."""

import heapq
from collections.abc import Callable, Sequence
from itertools import count
from random import Random

from msgspec import Struct

from channels.voice.sip.flow import Flow
from channels.voice.sip.house import Address
from channels.voice.sip.leg import Called, CallEvent, Leg
from channels.voice.sip.message import Field, Message, Request, Response
from channels.voice.sip.transactions import Send
from channels.voice.sip.useragent import Outcome, UserAgent
from tests.support.sip import OFFER, seen

ANSWER = OFFER.replace(b"192.0.2.1", b"192.0.2.2")


class Weather(Struct, frozen=True):
    """What the network does to a packet; ``delay`` in seconds at most."""

    loss: float = 0.0
    twice: float = 0.0
    delay: float = 0.0
    reliable: bool = False


class Network:
    """``a`` and ``b`` are at 192.0.2.1 and .2; ``wire`` has all that was sent, with its time."""

    def __init__(
        self, weather: Weather | None = None, seed: int = 0, session_seconds: int = 1_800
    ) -> None:
        self.weather, self.dice, self.now = weather or Weather(), Random(seed), 0.0
        self.agents = [self._agent(n, session_seconds) for n in (1, 2)]
        self.heard: list[list[CallEvent]] = [[], []]
        self.wire: list[tuple[float, int, Message]] = []
        self.deaf: set[int] = set()
        self.mute: set[int] = set()
        self._order = count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._last = [0.0, 0.0]
        self.react: Callable[[int, CallEvent], None] = lambda _end, _event: None

    def _agent(self, n: int, session_seconds: int) -> UserAgent:
        words = count()
        return UserAgent(
            Address(host=f"192.0.2.{n}", port=5060),
            name=lambda: f"n{n}x{next(words)}",
            dice=self.dice.random,
            session_seconds=session_seconds,
        )

    def flow_to(self, n: int) -> Flow:
        transport = "TCP" if self.weather.reliable else "UDP"
        return Flow(transport=transport, host=f"192.0.2.{n + 1}", port=5060)  # type: ignore[arg-type] # either

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + seconds, next(self._order), what))

    def take(self, end: int, outcome: Outcome) -> None:
        for out in outcome:
            if isinstance(out, Send):
                if end in self.mute:
                    continue
                self.wire.append((self.now, end, out.message))
                self._carry(1 - end, out.message)
            else:
                self.heard[end].append(out)
                self.react(end, out)

    def _carry(self, to: int, message: Message) -> None:
        w = self.weather
        if w.reliable:  # in order, and whatever was sent arrives
            self._last[to] = max(self._last[to], self.now + self.dice.random() * w.delay)
            self.later(self._last[to] - self.now, lambda: self.arrive(to, message))
            return
        for _ in range(2 if self.dice.random() < w.twice else 1):
            if self.dice.random() >= w.loss:
                self.later(self.dice.random() * w.delay, lambda: self.arrive(to, message))

    def arrive(self, to: int, message: Message) -> None:
        if to not in self.deaf:
            come = self.agents[to].receive(seen(message), self.flow_to(1 - to), self.now)
            self.take(to, come)

    def run(self, until: float = 1e9) -> None:
        """Until nothing is left to do, or that time."""
        while True:
            ticks = [(at, n) for n, a in enumerate(self.agents) if (at := a.deadline()) is not None]
            first = min(ticks, default=(1e18, 0))
            if self._agenda and self._agenda[0][0] <= min(first[0], until):
                self.now, _, what = heapq.heappop(self._agenda)
                what()
            elif first[0] <= until and ticks:
                self.now = max(first[0], self.now)
                self.take(first[1], self.agents[first[1]].on_time(self.now))
            else:
                self.now = max(self.now, until) if until < 1e9 else self.now
                return

    # -- what tests do ----------------------------------------------------------------------

    def call(self, body: bytes = OFFER, end: int = 0, fields: Sequence[Field] = ()) -> Leg:
        leg, outcome = self.agents[end].call(
            target="sip:b@192.0.2.2",
            from_="<sip:a@192.0.2.1>",
            to="<sip:b@192.0.2.2>",
            flow=self.flow_to(1 - end),
            body=body,
            now=self.now,
            fields=fields,
        )
        self.take(end, outcome)
        return leg

    def ringing(self, end: int = 1) -> Leg:
        """The leg of who was called last."""
        self.run(self.now)
        return next(e.leg for e in reversed(self.heard[end]) if isinstance(e, Called))

    def connected(self) -> tuple[Leg, Leg]:
        ours = self.call()
        theirs = self.ringing()
        self.take(1, self.agents[1].answer(theirs, ANSWER, self.now))
        self.run(self.now)
        assert (ours.state, theirs.state) == ("talking", "talking")
        return ours, theirs

    def sent(self, since: float = 0.0, end: int | None = None) -> list[str]:
        """What went over the wire, in words: "INVITE", "180"."""
        return [
            m.method if isinstance(m, Request) else str(m.status)
            for at, from_, m in self.wire
            if at >= since and end in {None, from_}
        ]

    def last(self, what: str) -> Message:
        for _, _, m in reversed(self.wire):
            if (m.method if isinstance(m, Request) else str(m.status)) == what:
                return m
        raise AssertionError(f"no {what} was sent")

    def empty(self) -> bool:
        return all(
            a.legs == 0 and a.transactions == 0 and a.deadline() is None for a in self.agents
        )


def status(message: Message) -> int:
    assert isinstance(message, Response)
    return message.status
