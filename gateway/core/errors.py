"""Errors, and the policy each carries.

GatewayError
├── Refused                 a request that cannot be done; ``code``, ``detail``, ``field``
├── IllegalMove             a decision asked for a move the state table does not have (our bug)
├── ChannelError            an adapter cannot go on; the supervisor obeys ``retry_after``
│   ├── Unreachable         the other side does not answer; try again soon
│   │   └── Interrupted     it broke off after it had brought something; try again at once
│   ├── Throttled           the other side asked us to slow down
│   ├── BadCredentials      park the channel and tell a person; never hammer
│   ├── NotLetIn            nobody has consented yet; look now and then whether somebody has
│   ├── BadSetup            a folder, number or address that does not exist; park
│   └── StoodDown           another node does this now; wait for our turn
└── SendError               one attempt to send failed; the outbox obeys ``permanent``
    ├── TryAgain
    │   └── Deferred        the other side is there and wants it later
    ├── Undeliverable
    │   └── WantsNone       whoever is there has said stop
    └── OutcomeUnknown      it may have had its effect
"""

from typing import ClassVar


class GatewayError(Exception):
    """Base of every error that Switchroom raises on purpose."""


class Refused(GatewayError):
    """A command or request that cannot be done, in words that help.

    ``code`` is one of the closed list in the protocol documents, ``field`` names the input at
    fault if there is one.
    """

    def __init__(self, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field


class IllegalMove(GatewayError):
    """The state table has no such move: a fault of ours, never of the input."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(f"no move from {state!r} by {event}")
        self.state = state
        self.event = event


class ChannelError(GatewayError):
    """A channel cannot go on. ``retry_after`` is seconds; ``None`` parks it until a person acts."""

    code: ClassVar[str] = "channel_error"
    retry_after: ClassVar[float | None] = None
    anew: ClassVar[bool] = False
    """Whether the ladder of waits begins at its foot: it had worked meanwhile."""


class Unreachable(ChannelError):
    code = "unreachable"
    retry_after = 5.0


class Interrupted(Unreachable):
    """The line broke after it had brought something: each time it is opened, work gets done."""

    retry_after = 0.2
    anew = True


class Throttled(ChannelError):
    code = "throttled"
    retry_after = 30.0


class BadCredentials(ChannelError):
    code = "bad_credentials"


class NotLetIn(ChannelError):
    """Nobody has let us in yet: an admin does that at the provider, and any node hears of it."""

    code = "not_let_in"
    retry_after = 10.0


class BadSetup(ChannelError):
    code = "bad_setup"


class StoodDown(ChannelError):
    """The duty that this was done under is not ours (any more)."""

    code = "stood_down"
    retry_after = 1.0


class SendError(GatewayError):
    """One attempt to send failed, and is known to have had no effect."""

    permanent: ClassVar[bool] = False


class TryAgain(SendError):
    """Not now: connection refused, 4xx of SMTP, 429 or 5xx of HTTP.

    ``after``: the other side has said in how many seconds, at the earliest.
    """

    def __init__(self, text: str = "", *, after: float = 0.0) -> None:
        super().__init__(text)
        self.after = after


class Deferred(TryAgain):
    """The other side is there, and does not want it now (4xx of SMTP, greylisting): minutes later.

    Sooner it would be refused again, and be held against us.
    """


class Undeliverable(SendError):
    """Never: the address does not exist, the provider refuses for good."""

    permanent = True


class WantsNone(Undeliverable):
    """The provider knows that whoever is there wants no more messages."""


class OutcomeUnknown(SendError):
    """The attempt may or may not have had its effect (the answer was lost)."""
