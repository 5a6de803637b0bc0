"""Calls of theirs until they are connected (§8.2, §13.3): checked, rung, answered or refused."""

from collections.abc import Iterable

from channels.voice.sip import dialog as dialogs
from channels.voice.sip import reliable, session_timer
from channels.voice.sip.grammar import BadSyntax
from channels.voice.sip.house import ALLOW, EXTENSIONS, SUPPORTED, House, described
from channels.voice.sip.leg import Called, Changed, Connected, Leg
from channels.voice.sip.message import Field, Request, response_to
from channels.voice.sip.sdp import read_description
from channels.voice.sip.session_timer import SessionTimer, TooShort
from channels.voice.sip.transactions import Asked

ACCEPT: Field = ("accept", "application/sdp")
Refusal = tuple[int, str, tuple[Field, ...]]
"""Status, phrase (empty: the usual one), fields."""


def refusal_of(request: Request) -> Refusal | None:
    """Why a request is not taken, whatever it asks for (§8.2.2, §8.2.3)."""
    if request.uri.scheme not in {"sip", "sips", "tel"}:
        return 416, "", ()
    if request.first("max-forwards") in {"0", "00", "000"}:
        return 483, "", ()
    if strange := request.tokens("require") - set(EXTENSIONS):
        return 420, "", (("unsupported", ", ".join(sorted(strange))),)
    return None


def refusal_of_body(request: Request) -> Refusal | None:
    """Why a description is not taken; no body is none."""
    if not request.body:
        return None
    kind = (request.first("content-type") or "").partition(";")[0].strip().lower()
    coded = request.tokens("content-encoding") - {"identity"}
    if kind != "application/sdp" or coded:
        return 415, "", (ACCEPT,)
    try:
        description = read_description(request.body)
    except BadSyntax as wrong:
        return 400, f"Bad Request: {wrong}"[:200].encode("ascii", "replace").decode(), ()
    if description.audio is None:
        return 488, "", (("warning", '304 switchroom "there is no audio in it"'),)
    return None


def timer_of(house: House, request: Request) -> SessionTimer | Refusal | None:
    """What is agreed on refreshing (RFC 4028)."""
    try:
        return session_timer.agreed_as_callee(request, house.session_seconds)
    except TooShort:
        return 422, "", (("min-se", str(session_timer.MIN_SECONDS)),)
    except BadSyntax as wrong:
        return 400, f"Bad Request: {wrong}", ()


def called(house: House, asked: Asked, now: float) -> None:
    """An INVITE outside any dialog."""
    invite = asked.request
    refusal = refusal_of(invite) or refusal_of_body(invite)
    if refusal is None and len(invite.contacts) != 1:
        refusal = (400, "Bad Request: an INVITE has one Contact", ())
    timer = None if refusal else timer_of(house, invite)
    if isinstance(timer, tuple):
        refusal = timer
    if refusal is not None or isinstance(timer, tuple):
        status, phrase, fields = refusal or (500, "", ())
        house.reply(asked, status, now, phrase=phrase, fields=fields)
        return
    leg = Leg(name=house.name(), theirs=True, invite=invite, flow=asked.flow)
    leg.transaction, leg.tag, leg.heard, leg.timer = asked.id, asked.tag, invite.body, timer
    leg.updates = session_timer.lets_update(invite)
    dialog = dialogs.as_callee(
        invite,
        tag=asked.tag,
        contact=house.address.contact(asked.flow),
        flow=asked.flow,
        cseq=0,
    )
    house.keep(leg)
    house.move(leg, dialog)
    house.by_invite[asked.id] = leg
    house.out.append(Called(leg))


def ring(house: House, leg: Leg, status: int, now: float, *, fields: Iterable[Field] = ()) -> None:
    """180, 182, 183; it may come again as often as wanted while nothing is answered."""
    if leg.state != "asked" or leg.transaction is None:
        return
    told = (("contact", f"<{_contact(leg)}>"), ALLOW, *fields)
    if reliable.required(leg):
        reliable.ring(house, leg, status, told, now)
        return
    response = response_to(leg.invite, status, tag=leg.tag, fields=told)
    house.pending += house.transactions.reply(leg.transaction, response, now)


def refuse(
    house: House,
    leg: Leg,
    status: int,
    now: float,
    *,
    fields: Iterable[Field] = (),
    phrase: str = "",
) -> None:
    """Nothing comes of it; its user hears no more of the leg."""
    if leg.state != "asked" or leg.transaction is None:
        return
    response = response_to(leg.invite, status, phrase, tag=leg.tag, fields=fields)
    house.pending += house.transactions.reply(leg.transaction, response, now)
    house.forget(leg)


def answer(
    house: House, leg: Leg, body: bytes, now: float, *, fields: Iterable[Field] = ()
) -> None:
    """200 with our answer, or with our offer if they made none; ``Connected`` follows the ACK."""
    if leg.state != "asked" or leg.transaction is None or leg.dialog is None:
        return
    reliable.stop(house, leg)
    leg.state = "answered"
    leg.said = body
    leg.answer_due = not leg.invite.body
    house.move(leg, dialogs.confirmed(leg.dialog))
    asked = Asked(leg.transaction, leg.invite, leg.flow, leg.tag)
    ok(house, leg, asked, body, now, fields=fields)


def ok(
    house: House,
    leg: Leg,
    asked: Asked,
    body: bytes,
    now: float,
    *,
    fields: Iterable[Field] = (),
) -> None:
    """A 2xx to an INVITE or re-INVITE: repeated until it is acknowledged (§13.3.1.4)."""
    contact = ("contact", f"<{_contact(leg)}>")
    leg.ok = response_to(
        asked.request,
        200,
        tag=asked.tag,
        fields=(
            contact,
            ALLOW,
            SUPPORTED,
            *session_timer.told(leg.timer),
            *fields,
            *described(body),
        ),
        body=body,
    )
    leg.ok_of = asked.id
    leg.interval = house.timing.t1
    house.wake(leg, repeat=now + leg.interval, give_up=now + house.timing.patience)
    house.pending += house.transactions.reply(asked.id, leg.ok, now)


def repeat(house: House, leg: Leg, now: float) -> None:
    """Its time has come, and no ACK. Over streams too: it may be lost behind a proxy."""
    if leg.ok is None or leg.ok_of is None:
        house.wake(leg, repeat=None)
        return
    leg.interval = min(2 * leg.interval, house.timing.t2)
    house.wake(leg, repeat=now + leg.interval)
    house.pending += house.transactions.reply(leg.ok_of, leg.ok, now)


def acknowledged(house: House, leg: Leg, ack: Request, now: float) -> None:
    """Their ACK to a 2xx of ours; a repetition changes nothing."""
    if leg.ok is None or ack.cseq[0] != leg.ok.cseq[0]:
        return
    leg.ok = leg.ok_of = None
    house.wake(leg, repeat=None, give_up=None)
    due, leg.answer_due = leg.answer_due, False
    if due and (not ack.body or refusal_of_body(ack) is not None):
        house.hang_up(leg, "no_answer", now)
        return
    if due:
        leg.heard = ack.body
    if leg.state == "ending":
        house.hang_up(leg, "ended_by_us", now)
    elif leg.state == "answered":
        leg.state = "talking"
        house.fresh(leg, leg.timer, now)
        house.out.append(Connected(leg))
    elif due:
        house.out.append(Changed(leg))


def _contact(leg: Leg) -> str:
    return leg.dialog.contact if leg.dialog is not None else ""


def cancelled(house: House, leg: Leg, now: float) -> None:
    """They gave up before we answered."""
    if leg.state == "asked" and leg.transaction is not None:
        response = response_to(leg.invite, 487, tag=leg.tag)
        house.pending += house.transactions.reply(leg.transaction, response, now)
        house.end(leg, "gave_up")
