"""Two legs joined: ladders 1, 3 and 7 of docs/protocols/voice.md; pure.

A caller waits; somebody accepts; the phone is called with the caller's offer; when it answers, its
answer is the caller's (RFC 3725). Whatever has to be on disk before the next message leaves is told
first, and the next message leaves when its user says so: ``ring`` after ``Waiting``, ``connect``
after the acceptance, ``join`` after ``Answering``.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from channels.voice.sip.alarms import Alarms
from channels.voice.sip.flow import Flow
from channels.voice.sip.leg import (
    Called,
    CallEvent,
    ChangeAsked,
    Changed,
    ChangeRefused,
    Connected,
    Ended,
    Leg,
    Refused,
)
from channels.voice.sip.message import Field, Message
from channels.voice.sip.transactions import Send
from channels.voice.sip.useragent import Outcome, UserAgent

PHONE_SECONDS = 4.0
QUEUED_SECONDS = 60.0
BUSY = 491

State = Literal["asked", "waiting", "connecting", "joining", "talking", "over"]
By = Literal["caller", "phone", "us"]


class Call:
    """``asked`` until we ring; ``joining`` from our answer to the caller until they confirm it."""

    def __init__(self, caller: Leg) -> None:
        self.name = caller.name
        self.caller = caller
        self.phone: Leg | None = None
        self.state: State = "asked"
        self.told: tuple[Field, ...] = ()
        self.phone_until: float | None = None
        self.tell_again: float | None = None

    @property
    def deadline(self) -> float | None:
        times = (self.phone_until, self.tell_again)
        return min((at for at in times if at is not None), default=None)


class Waiting(Struct, frozen=True):
    """Somebody calls. Write it down, then ``ring``."""

    call: Call


class Answering(Struct, frozen=True):
    """The phone has answered. Write both dialogs down, then ``join``."""

    call: Call


class PhoneFailed(Struct, frozen=True):
    """The phone did not take it: 408 within its time, or what it said. The caller waits on."""

    call: Call
    status: int


class Joined(Struct, frozen=True):
    """They can talk."""

    call: Call


class Over(Struct, frozen=True):
    """``by`` whom; ``why`` in the words of ``leg.Why``. Abandoned if it was never joined."""

    call: Call
    by: By
    why: str
    joined: bool


JoinEvent = Waiting | Answering | PhoneFailed | Joined | Over
Result = list[Send | CallEvent | JoinEvent]


class Calls:
    """All calls of one user agent, with the agent's own verbs around them.

    What the agent returns to others than its own verbs passes through ``of``.
    """

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent
        self._by_leg: dict[str, Call] = {}
        self._alarms: Alarms[str] = Alarms()

    def __len__(self) -> int:
        return len({call.name for call in self._by_leg.values()})

    def of(self, outcome: Outcome, now: float) -> Result:
        """What is to be sent, and what happened to calls; events of no call pass through."""
        done: Result = []
        for out in outcome:
            if isinstance(out, Send):
                done.append(out)
            else:
                done += self._heard(out, now)
        return done

    def receive(self, message: Message, flow: Flow, now: float) -> Result:
        return self.of(self._agent.receive(message, flow, now), now)

    def broken(self, flow: Flow, now: float) -> Result:
        return self.of(self._agent.broken(flow, now), now)

    def deadline(self) -> float | None:
        times = (self._agent.deadline(), self._alarms.next())
        return min((at for at in times if at is not None), default=None)

    def on_time(self, now: float) -> Result:
        done = self.of(self._agent.on_time(now), now)
        while (name := self._alarms.due(now)) is not None:
            call = self._by_leg[name]
            if call.phone_until is not None and call.phone_until <= now:
                done += self._no_phone(call, 408, now)
            if call.tell_again is not None and call.tell_again <= now:
                done += self.tell(call, call.told, now)
            self._watch(call)
        return done

    # -- what its user wants ----------------------------------------------------------------

    def ring(self, call: Call, now: float, fields: Iterable[Field] = ()) -> Result:
        """180, and then 182 each minute: carriers give up a call that says nothing for three."""
        if call.state != "asked":
            return []
        call.state = "waiting"
        done = self.of(self._agent.ring(call.caller, 180, now), now)
        return done + self.tell(call, fields, now)

    def tell(self, call: Call, fields: Iterable[Field], now: float) -> Result:
        """182 with the news of the place; the same is said again each minute."""
        if call.state not in {"waiting", "connecting"}:
            call.tell_again = None
            return []
        call.told = tuple(fields)
        call.tell_again = now + QUEUED_SECONDS
        self._watch(call)
        return self.of(self._agent.ring(call.caller, 182, now, call.told), now)

    def refuse(self, call: Call, status: int, now: float, fields: Iterable[Field] = ()) -> Result:
        """While nobody has answered; ``Over`` by us follows."""
        if call.state not in {"asked", "waiting", "connecting"}:
            return []
        done = self.of(self._agent.refuse(call.caller, status, now, fields), now)
        return done + self._over(call, "us", "ended_by_us", now)

    def connect(
        self,
        call: Call,
        *,
        target: str,
        from_: str,
        flow: Flow,
        now: float,
        fields: Iterable[Field] = (),
    ) -> Result:
        """Call the phone of who accepted; it has ``PHONE_SECONDS``."""
        if call.state != "waiting":
            return []
        call.state = "connecting"
        call.phone, outcome = self._agent.call(
            target=target,
            from_=from_,
            to=f"<{target}>",
            flow=flow,
            body=call.caller.invite.body,
            now=now,
            fields=fields,
        )
        self._by_leg[call.phone.name] = call
        call.phone_until = now + PHONE_SECONDS
        self._watch(call)
        return self.of(outcome, now)

    def join(self, call: Call, now: float) -> Result:
        """Answer the caller with what the phone said; its offer is answered by the caller's ACK."""
        if call.state != "joining" or call.phone is None:
            return []
        return self.of(self._agent.answer(call.caller, call.phone.heard, now), now)

    def hang_up(self, call: Call, now: float) -> Result:
        """Both ends, at whatever stage."""
        if call.state in {"asked", "waiting"}:
            return self.refuse(call, 480, now)
        return self._over(call, "us", "ended_by_us", now) if call.state != "over" else []

    # -- what happens -----------------------------------------------------------------------

    def _heard(self, event: CallEvent, now: float) -> Result:  # noqa: PLR0911 - one for each
        if isinstance(event, Called):
            call = Call(event.leg)
            self._by_leg[event.leg.name] = call
            return [Waiting(call)]
        leg: Leg | None = getattr(event, "leg", None)
        owner = self._by_leg.get(leg.name) if leg is not None else None
        if leg is None or owner is None:
            return [event]
        by: By = "caller" if leg is owner.caller else "phone"
        match event:
            case Connected():
                return self._connected(owner, by, now)
            case Refused(status=status) if owner.state == "connecting":
                return self._no_phone(owner, status, now)
            case Ended() if by == "phone" and owner.caller.state == "asked":
                # It answered and hung up before the caller was answered: that one waits on.
                return self._no_phone(owner, 480, now)
            case Ended(why=why):
                return self._over(owner, by, why, now)
            case ChangeAsked() | Changed() | ChangeRefused():
                return self._changing(owner, leg, event, now)
            case _:
                return []  # ringing: the caller hears of places, not of phones

    def _connected(self, call: Call, by: By, now: float) -> Result:
        if by == "phone":
            if call.state != "connecting":
                return []
            call.state = "joining"
            call.phone_until = call.tell_again = None
            self._watch(call)
            return [Answering(call)]
        call.state = "talking"
        done: Result = []
        if call.phone is not None and not call.caller.invite.body:
            answer = self._agent.acknowledge(call.phone, call.caller.heard, now)
            done = self.of(answer, now)
        return [*done, Joined(call)]

    def _no_phone(self, call: Call, status: int, now: float) -> Result:
        phone, call.phone = call.phone, None
        call.phone_until = None
        call.state = "waiting"
        call.tell_again = call.tell_again or now + QUEUED_SECONDS
        self._watch(call)
        done: Result = []
        if phone is not None:
            del self._by_leg[phone.name]
            done = [o for o in self.of(self._agent.hang_up(phone, now), now) if isinstance(o, Send)]
        return [*done, PhoneFailed(call, status)]

    def _changing(self, call: Call, leg: Leg, event: CallEvent, now: float) -> Result:
        """What one end wants the other is asked; what the other says the first is told."""
        other = call.phone if leg is call.caller else call.caller
        agent = self._agent
        if other is None:
            return []
        match event:
            case ChangeAsked(body=b""):
                # They ask what we would offer: what stands between the two.
                return self.of(agent.accept_change(leg, leg.said, now), now)
            case ChangeAsked(body=body):
                asked, outcome = agent.change(other, body, now)
                done = self.of(outcome, now)
                return done if asked else done + self.of(agent.refuse_change(leg, BUSY, now), now)
            case Changed():
                return self.of(agent.accept_change(other, leg.heard, now), now)
            case ChangeRefused(status=status):
                return self.of(agent.refuse_change(other, status, now), now)
            case _:
                return []

    def _over(self, call: Call, by: By, why: str, now: float) -> Result:
        joined = call.state == "talking"
        call.state = "over"
        call.phone_until = call.tell_again = None
        self._watch(call)
        done: Result = []
        for leg in (call.caller, call.phone):
            if leg is not None and self._by_leg.pop(leg.name, None) is not None:
                outcome = self._agent.hang_up(leg, now)
                done += [out for out in self.of(outcome, now) if isinstance(out, Send)]
        return [*done, Over(call, by, why, joined)]

    def _watch(self, call: Call) -> None:
        self._alarms.set(call.name, call.deadline)
