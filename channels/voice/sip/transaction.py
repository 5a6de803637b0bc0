"""What the four transaction machines (RFC 3261 §17) have in common: a state, inputs, outputs.

``step(state, input, now) -> (state, outputs)``: nothing else happens. ``due`` says when which of
the RFC's timers fires; when the phase is "terminated" nothing is due any more and the state is
thrown away. ``client`` and ``server`` have the machines, ``transactions`` the many of them.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from channels.voice.sip.message import Message, Request, Response

Kind = Literal["invite_client", "client", "invite_server", "server"]
Phase = Literal[
    "calling", "trying", "proceeding", "completed", "confirmed", "accepted", "terminated"
]
Timer = Literal["A", "B", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "cancel", "unanswered"]
Ending = Literal["timeout", "broken", "unacknowledged", "unanswered"]
"""How a transaction ends that does not end well. "unanswered": by us."""


class Timing(Struct, frozen=True):
    """The RFC's base times, in seconds: round trip, longest interval, life of a stray message."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def patience(self) -> float:
        """How long anything is tried: 64·T1."""
        return 64 * self.t1


class State(Struct, frozen=True, kw_only=True):
    """Of one transaction. ``last`` is what is sent again; ``interval`` the wait before it is."""

    kind: Kind
    phase: Phase
    request: Request
    reliable: bool
    timing: Timing
    due: Mapping[Timer, float] = field(default_factory=dict)
    interval: float = 0.0
    last: Message | None = None

    @property
    def deadline(self) -> float | None:
        return min(self.due.values(), default=None)

    @property
    def over(self) -> bool:
        return self.phase == "terminated"


class Fired(Struct, frozen=True):
    """A timer's time has come."""

    timer: Timer


class Broken(Struct, frozen=True):
    """The transport says that what was sent cannot have arrived."""


class Cancelling(Struct, frozen=True):
    """We have asked to cancel this INVITE."""


class Reply(Struct, frozen=True):
    """What we answer."""

    response: Response


Input = Message | Fired | Broken | Cancelling | Reply


class Put(Struct, frozen=True):
    """To be sent."""

    message: Message


class Tell(Struct, frozen=True):
    """To be told to who uses the transaction."""

    what: Message | Ending


Output = Put | Tell
Step = tuple[State, Sequence[Output]]


def moved(
    state: State,
    phase: Phase,
    due: Mapping[Timer, float] | None = None,
    *,
    last: Message | None = None,
    interval: float = 0.0,
) -> State:
    """In ``phase``, with these timers and no others."""
    return replace(state, phase=phase, due=due or {}, last=last or state.last, interval=interval)


def ended(state: State) -> State:
    return moved(state, "terminated")


def waiting(state: State, phase: Phase, timer: Timer, seconds: float, now: float) -> State:
    """In ``phase`` to absorb what is still under way; on a stream there is nothing."""
    return ended(state) if state.reliable else moved(state, phase, {timer: now + seconds})


def again(state: State, timer: Timer, longest: float, now: float) -> State:
    """The timer of a repetition, twice as far away, ``longest`` at most."""
    interval = min(2 * state.interval, longest)
    return replace(state, due={**state.due, timer: now + interval}, interval=interval)
