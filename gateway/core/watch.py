"""What the house's rules have to do with one item: which fired, what a person is to look at."""

from datetime import datetime
from typing import Literal

from gateway.core.ids import AgentName, MessageId, RuleName
from gateway.core.value import Kept

Verdict = Literal["released", "refused", "seen"]


class Fired(Kept, frozen=True, kw_only=True):
    """A rule that has fired for this cause, and does so no second time."""

    rule: RuleName
    cause: str
    at: datetime


class Review(Kept, frozen=True, kw_only=True):
    """What a supervisor is to look at. With ``message``: a reply that has not left.

    Its text is in the case, as a note of ``agent``; ``then`` is what the agent wanted to do with
    the item once it has left.
    """

    id: str
    rule: RuleName
    reason: str
    at: datetime
    message: MessageId | None = None
    agent: AgentName | None = None
    then: Literal["wait", "close"] | None = None
    preview: str = ""


class Watch(Kept, frozen=True, kw_only=True):
    """``silent_since`` is when we wrote last, the customer not having answered since.

    ``machine``: what came in last was written by none; rules do not answer it. ``hush``: it may
    have been, and this is why no machine of ours answers it (``core.silence``). ``guest``: whoever
    is answered takes part in the case and is not its customer.
    """

    silent_since: datetime | None = None
    machine: bool = False
    hush: str = ""
    guest: bool = False
    fired: tuple[Fired, ...] = ()
    reviews: tuple[Review, ...] = ()

    def fired_at(self, rule: RuleName, cause: str) -> datetime | None:
        """When the rule fired for this; ``None``: it has not."""
        return next((f.at for f in self.fired if f.rule == rule and f.cause == cause), None)

    def review(self, review: str) -> Review | None:
        return next((one for one in self.reviews if one.id == review), None)

    def holds_reply(self) -> bool:
        """Whether something that an agent wrote waits to be looked at."""
        return any(one.message is not None for one in self.reviews)


NOTHING = Watch()
