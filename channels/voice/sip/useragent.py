"""A user agent: calls of both directions over whatever transports there are (RFC 3261 §8-§15).

It is told what arrives and what time it is, and returns what to send and what its user should
know. Commands go the same way. One per voice channel and node.
"""

from collections.abc import Callable, Iterable, Sequence

from channels.voice.sip import dialog as dialogs
from channels.voice.sip import incoming, inside, outgoing
from channels.voice.sip.flow import Flow
from channels.voice.sip.house import ALLOW, METHODS, OTHERS, SUPPORTED, Address, House
from channels.voice.sip.incoming import ACCEPT
from channels.voice.sip.leg import CallEvent, Leg, Login, Other, Pinged
from channels.voice.sip.message import Field, Message
from channels.voice.sip.session_timer import USUAL_SECONDS
from channels.voice.sip.transaction import Timing
from channels.voice.sip.transactions import (
    MOST,
    RETRY_AFTER,
    Acknowledged,
    Answered,
    Asked,
    Cancelled,
    Event,
    Over,
    Send,
    Stray,
)

Outcome = list[Send | CallEvent]


class UserAgent:
    """See the module. ``accepting`` false: new calls and OPTIONS get 503, so that trunks turn."""

    def __init__(
        self,
        address: Address,
        *,
        name: Callable[[], str],
        dice: Callable[[], float],
        timing: Timing | None = None,
        most: int = MOST,
        session_seconds: int = USUAL_SECONDS,
    ) -> None:
        self.accepting = True
        self._house = House(
            address,
            name=name,
            dice=dice,
            timing=timing or Timing(),
            most=most,
            session_seconds=session_seconds,
        )

    @property
    def legs(self) -> int:
        """How many calls' ends there are."""
        return len(self._house.legs)

    @property
    def transactions(self) -> int:
        return len(self._house.transactions)

    # -- what happens -----------------------------------------------------------------------

    def receive(self, message: Message, flow: Flow, now: float) -> Outcome:
        self._house.pending += self._house.transactions.receive(message, flow, now)
        return self._done(now)

    def broken(self, flow: Flow, now: float) -> Outcome:
        """This way is closed."""
        self._house.pending += self._house.transactions.broken(flow, now)
        return self._done(now)

    def deadline(self) -> float | None:
        """When to call ``on_time``."""
        times = (self._house.transactions.deadline(), self._house.alarms.next())
        return min((at for at in times if at is not None), default=None)

    def on_time(self, now: float) -> Outcome:
        house = self._house
        house.pending += house.transactions.on_time(now)
        out = self._done(now)
        while (name := house.alarms.due(now)) is not None:
            if (leg := house.legs.get(name)) is not None:
                inside.on_time(house, leg, now)
        return out + self._done(now)

    # -- what its user wants ----------------------------------------------------------------

    def call(
        self,
        *,
        target: str,
        from_: str,
        to: str,
        flow: Flow,
        body: bytes,
        now: float,
        routes: Sequence[str] = (),
        fields: Iterable[Field] = (),
        login: Login | None = None,
    ) -> tuple[Leg, Outcome]:
        """Call somebody; what comes of it is told of this leg."""
        leg = outgoing.call(
            self._house,
            target=target,
            from_=from_,
            to=to,
            flow=flow,
            body=body,
            now=now,
            routes=routes,
            fields=fields,
            login=login,
        )
        return leg, self._done(now)

    def ping(self, name: str, target: str, flow: Flow, now: float) -> Outcome:
        """OPTIONS; ``Pinged`` comes back with this name."""
        outgoing.ping(self._house, name, target, flow, now)
        return self._done(now)

    def ring(self, leg: Leg, status: int, now: float, fields: Iterable[Field] = ()) -> Outcome:
        incoming.ring(self._house, leg, status, now, fields=fields)
        return self._done(now)

    def answer(self, leg: Leg, body: bytes, now: float) -> Outcome:
        incoming.answer(self._house, leg, body, now)
        return self._done(now)

    def refuse(
        self, leg: Leg, status: int, now: float, fields: Iterable[Field] = (), phrase: str = ""
    ) -> Outcome:
        incoming.refuse(self._house, leg, status, now, fields=fields, phrase=phrase)
        return self._done(now)

    def acknowledge(self, leg: Leg, body: bytes, now: float) -> Outcome:
        """Our answer to the offer that a phone's 2xx made."""
        outgoing.acknowledge(self._house, leg, body)
        return self._done(now)

    def change(self, leg: Leg, body: bytes, now: float) -> tuple[bool, Outcome]:
        """Another session (hold, another address); false: one is under way, try again."""
        asked = inside.change(self._house, leg, body, now)
        return asked, self._done(now)

    def accept_change(self, leg: Leg, body: bytes, now: float) -> Outcome:
        inside.accept(self._house, leg, body, now)
        return self._done(now)

    def refuse_change(self, leg: Leg, status: int, now: float) -> Outcome:
        inside.refuse(self._house, leg, status, now)
        return self._done(now)

    def hang_up(self, leg: Leg, now: float) -> Outcome:
        """End it at whatever stage it is; ``Ended`` follows when the protocol lets it."""
        house = self._house
        if leg.state == "calling":
            outgoing.give_up(house, leg, now)
        elif leg.state == "asked":
            incoming.refuse(house, leg, 480, now)
        elif leg.state == "answered":
            leg.state = "ending"  # no BYE before their ACK (§15)
        elif leg.state == "talking":
            house.hang_up(leg, "ended_by_us", now)
        return self._done(now)

    def reply(
        self,
        asked: Asked,
        status: int,
        now: float,
        fields: Iterable[Field] = (),
        body: bytes = b"",
    ) -> Outcome:
        """Answer what came as ``Other``."""
        self._house.reply(asked, status, now, fields=fields, body=body)
        return self._done(now)

    # -- inside -----------------------------------------------------------------------------

    def _done(self, now: float) -> Outcome:
        house = self._house
        while house.pending:
            news, house.pending = house.pending, []
            for one in news:
                if isinstance(one, Send):
                    house.out.append(one)
                else:
                    self._heard(one, now)
        out, house.out = house.out, []
        return out

    def _heard(self, event: Event, now: float) -> None:
        house = self._house
        match event:
            case Asked():
                self._asked(event, now)
            case Answered() | Over():
                self._ours(event, now)
            case Acknowledged(request):
                leg = house.by_dialog.get(dialogs.key_of(request))
                if leg is not None:
                    incoming.acknowledged(house, leg, request, now)
            case Cancelled(id_):
                if id_ in house.by_invite:
                    incoming.cancelled(house, house.by_invite[id_], now)
            case Stray(response):
                leg = house.by_dialog.get(dialogs.key_of(response))
                if leg is not None:  # a stranger's is not acknowledged
                    house.acknowledge_again(leg, response)

    def _ours(self, event: Answered | Over, now: float) -> None:
        """What became of a request of ours; what of a BYE makes no difference."""
        if isinstance(event.note, str):
            self._pinged(event.note, event)
            return
        if event.note is None:
            return
        leg, purpose = event.note
        if purpose == "invite" and isinstance(event, Over):
            outgoing.unanswered(self._house, leg, broken=event.why == "broken")
        elif purpose == "invite" and isinstance(event, Answered):
            outgoing.answered(self._house, leg, event.response, now)
        elif purpose == "change" and isinstance(event, Over):
            inside.unanswered(self._house, leg, event.id, now)
        elif purpose == "change" and isinstance(event, Answered):
            inside.changed(self._house, leg, event.id, event.response, now)

    def _pinged(self, name: str, event: Answered | Over) -> None:
        if isinstance(event, Over):
            self._house.out.append(Pinged(name, None))
        elif not event.response.provisional:
            self._house.out.append(Pinged(name, event.response.status))

    def _asked(self, asked: Asked, now: float) -> None:
        house, request = self._house, asked.request
        if request.method not in METHODS + OTHERS:
            house.reply(asked, 405, now, fields=(ALLOW,))
        elif request.to.tag:
            key = dialogs.key_of(request)
            leg = house.by_dialog.get(key)
            if leg is None:
                # Both hung up at once: theirs is in order, too.
                crossing = request.method == "BYE" and key in house.gone
                house.reply(asked, 200 if crossing else 481, now)
            elif request.method == "OPTIONS":
                self._options(asked, now)
            else:
                inside.asked(house, leg, asked, now)
        elif not self.accepting and request.method in {"INVITE", "OPTIONS"}:
            house.reply(asked, 503, now, fields=(RETRY_AFTER,))
        elif request.method == "INVITE":
            incoming.called(house, asked, now)
        elif request.method in {"BYE", "UPDATE", "PRACK"}:
            house.reply(asked, 481, now)
        elif refusal := incoming.refusal_of(request):
            status, phrase, fields = refusal
            house.reply(asked, status, now, phrase=phrase, fields=fields)
        elif request.method == "OPTIONS":
            self._options(asked, now)
        else:
            house.out.append(Other(asked, None))

    def _options(self, asked: Asked, now: float) -> None:
        self._house.reply(asked, 200, now, fields=(ALLOW, ACCEPT, SUPPORTED))
