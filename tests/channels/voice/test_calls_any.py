"""Whatever both ends do and the network loses: each leg ends once, and nothing is left of it."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from channels.voice.sip.leg import (
    Called,
    CallEvent,
    ChangeAsked,
    Connected,
    Ended,
    Leg,
    Refused,
)
from tests.support.sip import OFFER
from tests.support.sipnet import ANSWER, Network, Weather

DEEDS = st.tuples(
    st.floats(0, 60),
    st.sampled_from(["ring", "answer", "refuse", "hang up", "change", "hang up"]),
    st.integers(0, 1),
)
WEATHER = st.builds(
    Weather,
    loss=st.sampled_from([0.0, 0.1, 0.4]),
    twice=st.sampled_from([0.0, 0.3]),
    delay=st.sampled_from([0.0, 0.05, 1.0]),
    reliable=st.booleans(),
)
LAST = 3_000.0


class Play:
    """A network whose ends do what is planned with whatever legs they have."""

    def __init__(self, weather: Weather, seed: int, *, offered: bool, strict: bool) -> None:
        self.net = Network(weather, seed, session_seconds=90)
        self.net.react = self.react
        self.legs: list[list[Leg]] = [[], []]
        self.offered, self.strict = offered, strict

    def react(self, end: int, event: CallEvent) -> None:
        net = self.net
        match event:
            case Called(leg):
                self.legs[end].append(leg)
            case ChangeAsked(leg, body):
                deed = net.agents[end].accept_change(leg, ANSWER if body else OFFER, net.now)
                net.later(0.5, lambda: net.take(end, deed))
            case Connected(leg) if not leg.theirs and not leg.invite.body:
                net.take(end, net.agents[end].acknowledge(leg, ANSWER, net.now))
            case _:
                pass

    def call(self) -> None:
        fields = [("require", "100rel")] if self.strict else []
        self.legs[0].append(self.net.call(body=OFFER if self.offered else b"", fields=fields))

    def do(self, deed: str, end: int) -> None:
        net, agent = self.net, self.net.agents[end]
        for leg in self.legs[end]:
            match deed:
                case "ring":
                    net.take(end, agent.ring(leg, 182, net.now))
                case "answer":
                    net.take(end, agent.answer(leg, ANSWER if leg.invite.body else OFFER, net.now))
                case "refuse":
                    net.take(end, agent.refuse(leg, 480, net.now))
                    net.heard[end] += [Refused(leg, 480)] if leg.state == "over" else []
                case "change":
                    net.take(end, agent.change(leg, OFFER + b"a=sendonly\r\n", net.now)[1])
                case _:
                    before = leg.state
                    net.take(end, agent.hang_up(leg, net.now))
                    if before == "asked":  # refused, which nobody needs to be told who did it
                        net.heard[end].append(Refused(leg, 480))


@example(  # the answer to a change is lost, and its sender has hung up
    deeds=[(1.0, "answer", 1), (10.0, "change", 0), (12.0, "hang up", 0)],
    weather=Weather(loss=0.4),
    seed=409,
    offered=False,
    strict=False,
)
@settings(max_examples=150, deadline=None)
@given(
    deeds=st.lists(DEEDS, max_size=8),
    weather=WEATHER,
    seed=st.integers(0, 9_999),
    offered=st.booleans(),
    strict=st.booleans(),
)
def test_each_leg_ends_once_and_nothing_is_left(
    deeds: list[tuple[float, str, int]],
    weather: Weather,
    seed: int,
    offered: bool,
    strict: bool,
) -> None:
    play = Play(weather, seed, offered=offered, strict=strict)
    net = play.net
    net.later(0, play.call)
    for at, deed, end in deeds:
        net.later(at, lambda deed=deed, end=end: play.do(deed, end))  # type: ignore[misc] # bound
    for end in (1, 0):
        net.later(LAST / 2, lambda end=end: play.do("hang up", end))  # type: ignore[misc] # bound
    net.run()
    assert net.now < LAST, "something never ends"
    assert net.empty()
    for end in (0, 1):
        for leg in play.legs[end]:
            mine = [e for e in net.heard[end] if getattr(e, "leg", None) is leg]
            ends = [e for e in mine if isinstance(e, Ended | Refused)]
            joined = [e for e in mine if isinstance(e, Connected)]
            assert len(joined) <= 1
            assert leg.state == "over"
            assert not leg.due
            told = {type(e) for e in ends}
            assert told, "nobody was told that it is over"
            assert len([e for e in ends if isinstance(e, Ended)]) <= 1
