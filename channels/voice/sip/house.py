"""What the parts of a user agent share: the transactions, the legs, what is to be sent and told."""

from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

from channels.voice.sip import dialog as dialogs
from channels.voice.sip.alarms import Alarms
from channels.voice.sip.dialog import Dialog
from channels.voice.sip.flow import Flow
from channels.voice.sip.leg import CallEvent, Due, Ended, Leg, Why
from channels.voice.sip.message import Field, Request, Response, response_to
from channels.voice.sip.session_timer import USUAL_SECONDS, SessionTimer
from channels.voice.sip.transaction import Timing
from channels.voice.sip.transactions import Asked, Id, Result, Send, Transactions

Purpose = Literal["invite", "change", "last"]
"""What is asked "last" (BYE, PRACK) changes nothing by how it is answered."""
REMEMBERED = 10_000
METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "PRACK")
OTHERS = ("INFO", "REFER", "NOTIFY", "REGISTER")
EXTENSIONS = ("timer", "100rel")
ALLOW: Field = ("allow", ", ".join((*METHODS, *OTHERS)))
SUPPORTED: Field = ("supported", ", ".join(EXTENSIONS))


class Address(Struct, frozen=True, kw_only=True):
    """What stands in our Via and Contact: the service address, never the node."""

    host: str
    port: int | None = None
    agent: str = "Switchroom"

    def via(self, flow: Flow, branch: str) -> str:
        port = f":{self.port}" if self.port else ""
        return f"SIP/2.0/{flow.transport} {self.host}{port};branch={branch};rport"

    def contact(self, flow: Flow) -> str:
        port = f":{self.port}" if self.port else ""
        transport = "" if flow.transport == "UDP" else f";transport={flow.transport.lower()}"
        return f"sip:{self.host}{port}{transport}"


class House:
    """``name`` makes words that nobody can guess; ``dice`` numbers from 0 up to 1.

    What is to be done gathers in ``out``.
    """

    def __init__(
        self,
        address: Address,
        *,
        name: Callable[[], str],
        dice: Callable[[], float],
        timing: Timing,
        most: int,
        session_seconds: int = USUAL_SECONDS,
    ) -> None:
        self.address = address
        self.name = name
        self.dice = dice
        self.timing = timing
        self.session_seconds = session_seconds
        self.transactions = Transactions(name=name, timing=timing, most=most)
        self.legs: dict[str, Leg] = {}
        self.by_dialog: dict[tuple[str, str, str], Leg] = {}
        self.by_invite: dict[Id, Leg] = {}
        self.gone: dict[tuple[str, str, str], None] = {}
        self.alarms: Alarms[str] = Alarms()
        self.out: list[Send | CallEvent] = []
        self.pending: Result = []

    # -- sending ----------------------------------------------------------------------------

    def via(self, flow: Flow) -> str:
        return self.address.via(flow, f"z9hG4bK{self.name()}")

    def reply(
        self,
        asked: Asked,
        status: int,
        now: float,
        *,
        fields: Iterable[Field] = (),
        body: bytes = b"",
        phrase: str = "",
    ) -> None:
        response = response_to(
            asked.request, status, phrase, tag=asked.tag, fields=fields, body=body
        )
        self.pending += self.transactions.reply(asked.id, response, now)

    def ask(
        self,
        leg: Leg,
        dialog: Dialog,
        method: str,
        purpose: Purpose,
        now: float,
        *,
        fields: Iterable[Field] = (),
        body: bytes = b"",
    ) -> tuple[Dialog, Id]:
        """A request within a dialog; its outcome comes back with ``purpose``."""
        after, request = dialogs.ask(
            dialog, method, via=self.via(dialog.flow), fields=fields, body=body
        )
        return after, self.send(leg, request, dialog.flow, purpose, now)

    def send(self, leg: Leg, request: Request, flow: Flow, purpose: Purpose, now: float) -> Id:
        id_, results = self.transactions.ask(request, flow, now, (leg, purpose))
        self.pending += results
        return id_

    def acknowledge(self, dialog: Dialog, cseq: int, body: bytes = b"") -> Request:
        """Send the ACK to a 2xx; it is returned, for it may be needed again."""
        ack = dialogs.acknowledge(
            dialog, cseq, via=self.via(dialog.flow), fields=described(body), body=body
        )
        self.out.append(Send(ack, dialog.flow))
        return ack

    def hang_up(self, leg: Leg, why: Why, now: float) -> None:
        """BYE, whatever comes of it."""
        self.abandon(leg, now)
        if leg.dialog is not None and leg.state != "over":
            if not leg.theirs and leg.ack is None:
                leg.ack = self.acknowledge(leg.dialog, leg.invite.cseq[0])
            self.ask(leg, leg.dialog, "BYE", "last", now)
        self.end(leg, why)

    def abandon(self, leg: Leg, now: float) -> None:
        """A change of ours that is not answered yet never will be."""
        if leg.ours_open is not None:
            self.pending += self.transactions.abandon(leg.ours_open, now)

    def acknowledge_again(self, leg: Leg, response: Response) -> None:
        """Their 2xx came once more: our ACK was lost, and is sent as it was."""
        if leg.dialog is not None and leg.ack is not None and leg.ack.cseq[0] == response.cseq[0]:
            self.out.append(Send(leg.ack, leg.dialog.flow))

    # -- legs -------------------------------------------------------------------------------

    def keep(self, leg: Leg) -> None:
        self.legs[leg.name] = leg

    def bind(self, leg: Leg, dialog: Dialog) -> None:
        """What arrives in this dialog is the leg's."""
        self.by_dialog[dialog.key] = leg

    def move(self, leg: Leg, dialog: Dialog) -> None:
        leg.dialog = dialog
        self.bind(leg, dialog)

    def wake(self, leg: Leg, **due: float | None) -> None:
        """Set or, with ``None``, take away what the leg has to do."""
        for name, at in due.items():
            key: Due = name  # type: ignore[assignment] # the names are Due
            if at is None:
                leg.due.pop(key, None)
            else:
                leg.due[key] = at
        self.alarms.set(leg.name, leg.deadline)

    def fresh(self, leg: Leg, timer: SessionTimer | None, now: float) -> None:
        """The session was just agreed or refreshed."""
        leg.timer = timer
        self.wake(
            leg,
            refresh=None if timer is None else timer.refresh_at(now),
            expire=None if timer is None else timer.expires_at(now),
        )

    def end(self, leg: Leg, why: Why) -> None:
        """It is over, and told so, once."""
        if leg.state != "over":
            leg.state = "over"
            self.forget(leg)
            self.out.append(Ended(leg, why))

    def forget(self, leg: Leg) -> None:
        """Of what arrives for it only a BYE is still answered well, for a while."""
        leg.state = "over"
        if leg.dialog is not None:
            self.gone[leg.dialog.key] = None
            if len(self.gone) > REMEMBERED:
                del self.gone[next(iter(self.gone))]
        leg.due.clear()
        self.alarms.set(leg.name, None)
        self.legs.pop(leg.name, None)
        if leg.theirs and leg.transaction is not None:
            self.by_invite.pop(leg.transaction, None)
        for dialog in (*leg.early.values(), *((leg.dialog,) if leg.dialog else ())):
            if self.by_dialog.get(dialog.key) is leg:
                del self.by_dialog[dialog.key]


def described(body: bytes) -> tuple[Field, ...]:
    return (("content-type", "application/sdp"),) if body else ()
