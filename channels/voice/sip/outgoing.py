"""Calls of ours until they are connected (§13.2): asked, forked, refused, given up."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from channels.voice.sip import dialog as dialogs
from channels.voice.sip import reliable, session_timer
from channels.voice.sip.digest import answer_to
from channels.voice.sip.flow import Flow
from channels.voice.sip.grammar import BadSyntax, written_via
from channels.voice.sip.house import ALLOW, SUPPORTED, House, described
from channels.voice.sip.leg import Connected, Leg, Login, Refused, Ringing
from channels.voice.sip.message import Field, Request, Response

ATTEMPTS = 3
FORKS = 50
"""Phones that ring at once for one call of ours; of more nothing is kept until they answer."""


def call(
    house: House,
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
) -> Leg:
    """INVITE. ``from_``, ``to`` are name-addrs without tags; an empty ``body`` asks for theirs."""
    tag = house.name()
    made: list[Field] = [("via", house.via(flow)), ("max-forwards", "70")]
    made += [("route", route) for route in routes]
    made += [
        ("from", f"{from_};tag={tag}"),
        ("to", to),
        ("call-id", house.name()),
        ("cseq", "1 INVITE"),
        ("contact", f"<{house.address.contact(flow)}>"),
        ("user-agent", house.address.agent),
        ALLOW,
        SUPPORTED,
        *session_timer.wanted(house.session_seconds),
        *fields,
        *described(body),
    ]
    invite = Request(method="INVITE", target=target, fields=tuple(made), body=body)
    leg = Leg(name=house.name(), theirs=False, invite=invite, flow=flow)
    leg.tag, leg.said, leg.login = tag, body, login
    house.keep(leg)
    leg.transaction = house.send(leg, invite, flow, "invite", now)
    return leg


def ping(house: House, name: str, target: str, flow: Flow, now: float) -> None:
    """OPTIONS outside any dialog; ``Pinged`` tells what became of it."""
    here = f"<{house.address.contact(flow)}>"
    request = Request(
        method="OPTIONS",
        target=target,
        fields=(
            ("via", house.via(flow)),
            ("max-forwards", "70"),
            ("from", f"{here};tag={house.name()}"),
            ("to", f"<{target}>"),
            ("call-id", house.name()),
            ("cseq", "1 OPTIONS"),
            ("contact", here),
            ("user-agent", house.address.agent),
        ),
    )
    _, results = house.transactions.ask(request, flow, now, name)
    house.pending += results


def give_up(house: House, leg: Leg, now: float) -> None:
    """CANCEL; the leg ends when its INVITE does."""
    leg.state = "ending"
    if leg.transaction is not None:
        house.pending += house.transactions.cancel(leg.transaction, now)


def answered(house: House, leg: Leg, response: Response, now: float) -> None:
    """A response to our INVITE."""
    if response.provisional:
        if leg.state == "calling":
            _early(house, leg, response, now)
    elif response.success:
        _accepted(house, leg, response, now)
    elif leg.state == "ending":
        house.end(leg, "ended_by_us")
    elif not _tried_again(house, leg, response, now):
        house.forget(leg)
        house.out.append(Refused(leg, response.status, response))


def unanswered(house: House, leg: Leg, *, broken: bool) -> None:
    """There was no response at all."""
    if leg.state == "ending":
        house.end(leg, "ended_by_us")
    elif leg.state == "calling":
        house.forget(leg)
        house.out.append(Refused(leg, 503 if broken else 408))


def _early(house: House, leg: Leg, response: Response, now: float) -> None:
    if response.to.tag and response.to.tag not in leg.early:
        if len(leg.early) >= FORKS:
            return
        dialog = dialogs.as_caller(leg.invite, response, flow=leg.flow)
        leg.early[response.to.tag] = dialog
        house.bind(leg, dialog)
    if response.status > 100 and reliable.came(house, leg, response, now):
        if response.body:
            leg.early_heard[response.to.tag] = response.body
        house.out.append(Ringing(leg, response))


def _accepted(house: House, leg: Leg, response: Response, now: float) -> None:
    dialog = dialogs.as_caller(leg.invite, response, flow=leg.flow)
    if (early := leg.early.get(dialog.remote_tag)) is not None:
        dialog = replace(dialog, cseq=early.cseq, remote_cseq=early.remote_cseq)
    if leg.dialog is not None and leg.dialog.remote_tag == dialog.remote_tag:
        house.acknowledge_again(leg, response)
        return
    if leg.dialog is not None or leg.state != "calling":
        # Another phone has answered too, or ours came after we gave up.
        drop(house, leg, dialog, now)
        if leg.dialog is None:
            leg.dialog = dialog
        if leg.state == "ending":
            house.end(leg, "ended_by_us")
        return
    leg.heard = response.body or leg.early_heard.get(response.to.tag, b"")
    leg.updates = session_timer.lets_update(response)
    leg.state = "talking"
    house.move(leg, dialog)
    try:
        timer = session_timer.agreed_as_caller(response)
    except BadSyntax:
        timer = None
    if leg.invite.body:
        leg.ack = house.acknowledge(dialog, leg.invite.cseq[0])
    house.fresh(leg, timer, now)
    house.out.append(Connected(leg))


def acknowledge(house: House, leg: Leg, body: bytes) -> None:
    """Our answer to the offer in their 2xx."""
    if leg.dialog is not None and leg.ack is None:
        leg.said = body
        leg.ack = house.acknowledge(leg.dialog, leg.invite.cseq[0], body)


def drop(house: House, leg: Leg, dialog: dialogs.Dialog, now: float) -> None:
    """ACK and BYE: nobody is at our end of this one."""
    ack = house.acknowledge(dialog, leg.invite.cseq[0])
    leg.ack = leg.ack or ack
    house.ask(leg, dialog, "BYE", "last", now)


def _tried_again(house: House, leg: Leg, response: Response, now: float) -> bool:
    """With credentials, or a longer session; once for each reason."""
    leg.attempts += 1
    if leg.attempts >= ATTEMPTS:
        return False
    changed: list[Field] = []
    without: list[str] = []
    if response.status == 422:
        try:
            least = session_timer.least_of(response)
        except BadSyntax:
            return False
        changed += session_timer.wanted(house.session_seconds, least)
        without += ["session-expires", "min-se"]
    elif response.status in {401, 407}:
        ours, theirs = (
            ("authorization", "www-authenticate")
            if response.status == 401
            else ("proxy-authorization", "proxy-authenticate")
        )
        value = None
        if leg.login is not None and leg.invite.first(ours) is None:
            value = answer_to(
                response.all(theirs),
                user=leg.login.user,
                password=leg.login.password,
                method="INVITE",
                uri=leg.invite.target,
                cnonce=house.name(),
            )
        if value is None:
            return False
        changed.append((ours, value))
    else:
        return False
    leg.invite = _next_try(house, leg.invite, changed, without)
    leg.transaction = house.send(leg, leg.invite, leg.flow, "invite", now)
    return True


def _next_try(house: House, invite: Request, changed: list[Field], without: list[str]) -> Request:
    """The same call, the next number, a branch of its own (§8.1.3.5)."""
    via = written_via(invite.via, {**invite.via.params, "branch": f"z9hG4bK{house.name()}"})
    first: list[Field] = [("via", via)]
    kept = invite.with_fields(changed, without=("via", "cseq", *without))
    number = invite.cseq[0] + 1
    return Request(
        method="INVITE",
        target=invite.target,
        fields=(*first, ("cseq", f"{number} INVITE"), *kept.fields),
        body=invite.body,
    )
