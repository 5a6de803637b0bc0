"""One call's end: what is known of it, and what its user hears."""

from typing import Literal

from msgspec import Struct

from channels.voice.sip.dialog import Dialog
from channels.voice.sip.flow import Flow
from channels.voice.sip.message import Field, Request, Response
from channels.voice.sip.session_timer import SessionTimer
from channels.voice.sip.transactions import Asked, Id

State = Literal["asked", "answered", "calling", "ending", "talking", "over"]
"""Theirs: "asked" until we answer, "answered" until they acknowledge. Ours: "calling". "ending": to
be ended as soon as the protocol lets us. "over": nothing may be done with it any more."""

Due = Literal["repeat", "give_up", "refresh", "expire", "retry", "unseen", "unheard"]
Why = Literal[
    "hung_up",
    "gave_up",
    "no_ack",
    "no_prack",
    "no_answer",
    "session_timer",
    "ended_by_us",
    "gone",
]
"""``hung_up``: they said BYE. ``gave_up``: CANCEL, or BYE before we answered. ``no_answer``: the
ACK to an offer of ours had none. ``gone``: they know nothing of it any more (481, 408)."""


class Login(Struct, frozen=True):
    """What a trunk lets us call with."""

    user: str
    password: str


class Leg:
    """``theirs``: they called. ``said`` and ``heard`` are the last descriptions, ours and theirs.

    ``answer_due``: our 2xx has an offer, and their ACK must have the answer.
    """

    def __init__(self, *, name: str, theirs: bool, invite: Request, flow: Flow) -> None:
        self.name = name
        self.theirs = theirs
        self.invite = invite
        self.flow = flow
        self.state: State = "asked" if theirs else "calling"
        self.transaction: Id | None = None
        self.tag = ""
        self.dialog: Dialog | None = None
        self.early: dict[str, Dialog] = {}
        self.said = b""
        self.heard = b""
        self.login: Login | None = None
        self.attempts = 0
        # the 2xx that we repeat until it is acknowledged, the ACK that we repeat for each 2xx
        self.ok: Response | None = None
        self.ok_of: Id | None = None
        self.interval = 0.0
        self.answer_due = False
        self.ack: Request | None = None
        # the provisional response that must arrive, what is to follow it, and the numbers of theirs
        self.reliable: Response | None = None
        self.next_reliable: tuple[int, tuple[Field, ...]] | None = None
        self.rseq = 0
        self.rseqs: dict[str, int] = {}
        self.early_heard: dict[str, bytes] = {}
        # a change of the session under way
        self.ours_open: Id | None = None
        self.theirs_open: Asked | None = None
        self.changing = b""
        self.glares = 0
        # the session timer
        self.timer: SessionTimer | None = None
        self.updates = False
        self.due: dict[Due, float] = {}

    @property
    def deadline(self) -> float | None:
        return min(self.due.values(), default=None)


class Called(Struct, frozen=True):
    """Somebody calls. ``leg.invite`` is what they said; nothing but 100 has been answered."""

    leg: Leg


class Ringing(Struct, frozen=True):
    """A provisional response to a call of ours."""

    leg: Leg
    response: Response


class Connected(Struct, frozen=True):
    """Both sides have said what they can: ``leg.said`` and ``leg.heard``.

    Of a call of ours without an offer ``heard`` is theirs; our answer goes with ``acknowledge``.
    """

    leg: Leg


class Refused(Struct, frozen=True):
    """A call of ours came to nothing. ``status`` 408: no answer at all; 503: no way there."""

    leg: Leg
    status: int
    response: Response | None = None


class ChangeAsked(Struct, frozen=True):
    """They want another session; an empty ``body`` asks for our offer. Accept or refuse it."""

    leg: Leg
    body: bytes


class Changed(Struct, frozen=True):
    """The change of ours, or the one that we have accepted without their offer, is agreed."""

    leg: Leg


class ChangeRefused(Struct, frozen=True):
    """Ours was refused: the session is as it was."""

    leg: Leg
    status: int


class Ended(Struct, frozen=True):
    """It is over; nothing more comes of it."""

    leg: Leg
    why: Why


class Other(Struct, frozen=True):
    """A request that calls do not settle (REGISTER, REFER, NOTIFY, INFO): answer it."""

    asked: Asked
    leg: Leg | None


class Pinged(Struct, frozen=True):
    """What came of OPTIONS to a trunk; ``None``: nothing."""

    name: str
    status: int | None


CallEvent = (
    Called
    | Ringing
    | Connected
    | Refused
    | ChangeAsked
    | Changed
    | ChangeRefused
    | Ended
    | Other
    | Pinged
)
