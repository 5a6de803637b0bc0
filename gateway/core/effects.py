"""What rules and macros do to an item and its case: the changes, one building on the other. Pure.

A batch of changes cannot see what its first ones will have done: the next number of a message,
the state that the item is in by then. ``Doing`` keeps both in mind.
"""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.ids import AgentName, Context, QueueName, RuleName
from gateway.core.lifecycle import ENDED, MOVING, allows, step
from gateway.core.messages import add_message, preview_of
from gateway.core.model import Author, Case, Item, ItemState, Message
from gateway.core.pending import pending
from gateway.core.reaching import answering
from gateway.core.rules.rule import Texts, Then
from gateway.core.rules.texts import filled, nearest
from gateway.core.silence import MOST_AUTOMATIC as MOST_AUTOMATIC
from gateway.core.silence import why_silent, withheld
from gateway.core.state import NodeState
from gateway.core.waking import reopened
from gateway.core.watch import NOTHING, Review

MOST_POINTS = 100
MOST_TAGS = 50
MOST_REVIEWS = 20
"""An item that has so many waits to be looked at anyway."""
_IN_HAND = (ItemState.ASSIGNED, ItemState.WRAPPING)
_ABOUT_A_QUESTION = (e.CustomerAsked, e.CustomerAnswered)


class Matter(Struct, frozen=True):
    """An item in its case, and what is known when something is decided about it."""

    state: NodeState
    ctx: Context
    case: Case
    item: Item


class Doing:
    """Acts on one item. ``did`` says in words what was done, ``changes`` are what to record.

    ``by`` is who does it, in the record; ``author`` who says what is said.
    """

    def __init__(
        self, matter: Matter, *, by: str, author: Author, before: Sequence[e.Change] = ()
    ) -> None:
        self.changes: list[e.Change] = []
        self.did: list[str] = []
        self.case, self.item = matter.case, matter.item
        self._state, self._ctx = matter.state, matter.ctx
        self._by, self._author = by, author
        self.follow(before)

    def follow(self, changes: Sequence[e.Change]) -> None:
        """Go on from what these will have done."""
        for change in changes:
            event: Any = change.event
            if type(event) is e.MessageAdded and event.case == self.case.id:
                self.case = replace(self.case, last_seq=event.seq)
            elif type(event) in MOVING and event.item == self.item.id:
                self.item = replace(self.item, state=step(self.item.state, event))
            elif type(event) in _ABOUT_A_QUESTION and event.item == self.item.id:
                self.item = replace(self.item, asked=event.asked)

    def add(self, event: e.Event) -> None:
        """One change more, as it is."""
        change = e.Change(event)
        self.changes.append(change)
        self.follow([change])

    # -- the acts ---------------------------------------------------------------------------

    def header(self, then: Then) -> None:
        """What changes in the case and beside the item, moving nothing."""
        self._mark(then)
        if then.priority:
            points = max(-MOST_POINTS, min(self.item.priority + then.priority, MOST_POINTS))
            if points != self.item.priority:
                self.add(e.ItemReprioritised(item=self.item.id, by=self._by, priority=points))
                self.item = replace(self.item, priority=points)
                self.did.append(f"priority {points}")
        if then.note is not None:
            self.note(then.note)

    def _mark(self, then: Then) -> None:
        changed: dict[str, Any] = {}
        tags = tuple(t for t in dict.fromkeys((*self.case.tags, *then.tags)) if t not in then.untag)
        if tags[:MOST_TAGS] != self.case.tags:
            changed["tags"] = tags[:MOST_TAGS]
        if then.category is not None and then.category != self.case.category:
            changed["category"] = then.category
        if then.level is not None and then.level != self.case.level:
            changed["level"] = then.level
        if changed:
            self.add(e.CaseChanged(case=self.case.id, by=self._by, **changed))
            self.case = replace(self.case, **changed)
            self.did += [f"{name} {value}" for name, value in changed.items()]

    def note(self, text: str) -> None:
        self._say("note", filled(text, self._values()))
        self.did.append("a note")

    def reply(self, texts: Texts) -> bool:
        """Write to the customer, unless no person would read it; whether it was done."""
        text = self.text_of(texts)
        why_not = self.why_silent() if text else "there is no text in this language"
        if why_not:
            self.did.append(f"no reply: {why_not}")
            self.changes += withheld(self.item, "reply", why_not)
            return False
        self.say(text)
        self.did.append("a reply")
        return True

    def why_silent(self) -> str:
        """Why no machine of ours may write to this customer now; empty: it may."""
        return why_silent(self._state, self.case, answering(self.item), self._ctx.now)

    def say(self, text: str, quick_replies: tuple[str, ...] = ()) -> None:
        """Write this to the customer; whoever does that has asked ``why_silent``."""
        self._say("out", text, quick_replies)
        self.case = replace(self.case, automatic=self.case.automatic + 1)

    def text_of(self, texts: Texts) -> str:
        """What would be written; empty: there is none in the customer's language."""
        return filled(nearest(texts, self.item.language), self._values())

    def filled(self, text: str) -> str:
        """With what is known in place of names in braces."""
        return filled(text, self._values())

    def _say(
        self, direction: Literal["note", "out"], text: str, quick_replies: tuple[str, ...] = ()
    ) -> None:
        to = (self.item.address,) if direction == "out" and self.item.address else ()
        _, said = add_message(
            self._ctx,
            self.case,
            answering(self.item),
            direction=direction,
            author=self._author,
            body=text,
            subject=self.item.subject if direction == "out" else "",
            to=to,
            automatic=True,
            quick_replies=quick_replies,
        )
        self.changes += said
        self.follow(said)

    def move(self, queue: QueueName, reason: str, rule: RuleName) -> None:
        """Into a queue, with the waiting time it had; what somebody works on stays with them."""
        if queue not in self._state.queues:
            self.did.append(f"not moved: there is no queue {queue!r}")
            return
        if queue == self.item.queue and self.item.state is ItemState.QUEUED:
            return
        asked = pending(self.item)
        if self._put_back(reason):
            if self.item.state is ItemState.HELD or asked is not None:
                self.changes += reopened(self.case, reason)
            since = asked.since if asked is not None else None
            item = self.item.id
            self.add(e.ItemQueued(item=item, queue=queue, reason=reason, rule=rule, since=since))
            self.item = replace(self.item, queue=queue, ruled_by=rule)
            self.did.append(f"queue {queue}")
        else:
            self.did.append(f"not moved: it is {self.item.state.value}")

    def hold(self, reason: str, rule: RuleName) -> None:
        """Keep it from routing; what somebody works on is shown to a supervisor instead."""
        if self._kept_back():
            return
        if self._put_back(reason) and allows(self.item.state, e.ItemScheduled):
            self.add(e.ItemScheduled(item=self.item.id, until=None, reason=reason))
            self.did.append("held")
        else:
            self.tell(reason, rule)

    def _kept_back(self) -> bool:
        return self.item.state is ItemState.SCHEDULED and self.item.wake_at is None

    def _put_back(self, reason: str) -> bool:
        """Whether nobody works on it, what is offered or asked being taken back."""
        if self.item.state in _IN_HAND or self.item.state in ENDED or self._kept_back():
            return False
        self._ask_no_more(reason)
        if self.item.state is ItemState.OFFERED and self.item.offer is not None:
            offer = self.item.offer
            self.add(
                e.OfferWithdrawn(
                    item=self.item.id, offer=offer.id, agent=offer.agent, reason=reason
                )
            )
        return True

    def _ask_no_more(self, reason: str) -> None:
        """Something else happens to it than what its customer was asked about."""
        asked = pending(self.item)
        if asked is not None:
            over = replace(asked, ended="unclear")
            item, case, queue = self.item.id, self.case.id, self.item.queue
            self.add(
                e.CustomerAnswered(item=item, case=case, queue=queue, asked=over, reason=reason)
            )

    def complete(self, code: str, reason: str) -> bool:
        """End it, unless a reply of it waits to be looked at; whether it was done."""
        watch = self.item.watch or NOTHING
        if watch.holds_reply():
            self.did.append("not completed: a reply waits to be looked at")
            return False
        if self._kept_back():
            self.did.append("not completed: it waits for a supervisor")
            return False
        if self.item.state is ItemState.OFFERED:
            self._put_back(reason)
        if not allows(self.item.state, e.ItemCompleted):
            self.did.append(f"not completed: it is {self.item.state.value}")
            return False
        self._ask_no_more(reason)
        agent = self.item.agent or self.item.last_agent
        self.add(e.ItemCompleted(item=self.item.id, agent=agent, code=code, reason=reason))
        self.did.append(f"completed ({code})")
        return True

    def tell(
        self,
        reason: str,
        rule: RuleName,
        *,
        message: Message | None = None,
        agent: AgentName | None = None,
        then: Literal["wait", "close"] | None = None,
    ) -> Review | None:
        """Have a supervisor look at it; ``None``: there is so much to be looked at already."""
        watch = self.item.watch or NOTHING
        if message is None and len(watch.reviews) >= MOST_REVIEWS:
            return None
        review = Review(
            id=self._ctx.new_id(),
            rule=rule,
            reason=reason,
            at=self._ctx.now,
            message=message.id if message is not None else None,
            agent=agent,
            then=then,
            preview=preview_of(message.body) if message is not None else "",
        )
        self.add(e.ReviewAsked(item=self.item.id, case=self.case.id, review=review))
        self.item = replace(self.item, watch=replace(watch, reviews=(*watch.reviews, review)))
        self.did.append("a supervisor is told")
        return review

    def _values(self) -> dict[str, str]:
        return values_of(self._state, self.case, self.item)


def values_of(state: NodeState, case: Case, item: Item) -> dict[str, str]:
    """What stands for each name in braces, in what is written about this item."""
    name = item.agent or item.last_agent
    profile = state.profiles.get(name) if name else None
    customer = item.customer or case.customer
    queue = state.queues.get(item.queue)
    return {
        "customer": customer.name if customer else "",
        "agent": (profile.display_name if profile else "") or name or "",
        "number": str(case.number),
        "subject": item.subject,
        "queue": (queue.display_name if queue else "") or item.queue,
        "category": case.category,
    }
