"""What happens in a dialog: changes by either side, refreshes, the end (§14, §15)."""

from collections.abc import Callable, Iterable

from channels.voice.sip import dialog as dialogs
from channels.voice.sip import incoming, reliable, session_timer
from channels.voice.sip.dialog import Dialog
from channels.voice.sip.grammar import BadSyntax
from channels.voice.sip.house import ALLOW, SUPPORTED, House, described
from channels.voice.sip.leg import ChangeAsked, Changed, ChangeRefused, Due, Ended, Leg, Other
from channels.voice.sip.message import Field, Response
from channels.voice.sip.transactions import Asked, Id

GLARES = 5
GONE = frozenset({408, 481})


# -- from them ------------------------------------------------------------------------------


def asked(house: House, leg: Leg, given: Asked, now: float) -> None:
    """A request of theirs in the leg's dialog."""
    request, dialog = given.request, leg.dialog or leg.early.get(given.request.from_.tag)
    if dialog is None:
        house.reply(given, 481, now)
        return
    if not dialogs.in_order(dialog, request):
        house.reply(given, 500, now, fields=_soon(house))
        return
    if leg.dialog is not None:
        leg.dialog = dialogs.took(dialog, request)
    if refusal := incoming.refusal_of(request):
        status, phrase, fields = refusal
        house.reply(given, status, now, phrase=phrase, fields=fields)
    elif request.method == "BYE":
        _bye(house, leg, given, now)
    elif request.method == "PRACK":
        reliable.acknowledged(house, leg, given, now)
    elif request.method in {"INVITE", "UPDATE"}:
        _change_asked(house, leg, given, now)
    else:
        house.out.append(Other(given, leg))


def _bye(house: House, leg: Leg, given: Asked, now: float) -> None:
    house.reply(given, 200, now)
    house.abandon(leg, now)
    if leg.theirs_open is not None:
        house.reply(leg.theirs_open, 487, now)
    if leg.state == "asked" and leg.transaction is not None:
        invite = Asked(leg.transaction, leg.invite, leg.flow, leg.tag)
        house.reply(invite, 487, now)
        house.end(leg, "gave_up")
    elif leg.state == "ending":
        house.end(leg, "ended_by_us")
    else:
        house.end(leg, "hung_up")


def _change_asked(house: House, leg: Leg, given: Asked, now: float) -> None:
    request = given.request
    if leg.state == "asked" or leg.theirs_open is not None:
        house.reply(given, 500, now, fields=_soon(house))
        return
    if leg.state != "talking" or leg.ours_open is not None or leg.ok is not None:
        house.reply(given, 491, now)
        return
    refusal = incoming.refusal_of_body(request)
    timer = None if refusal else incoming.timer_of(house, request)
    if isinstance(timer, tuple):
        refusal = timer
    if refusal is not None or isinstance(timer, tuple):
        status, phrase, fields = refusal or (500, "", ())
        house.reply(given, status, now, phrase=phrase, fields=fields)
        return
    house.fresh(leg, timer, now)
    leg.theirs_open = given
    if request.method == "UPDATE" and not request.body:
        accept(house, leg, b"", now)
    elif request.body and request.body == leg.heard:
        accept(house, leg, leg.said, now)  # nothing new: only a sign of life
    else:
        house.out.append(ChangeAsked(leg, request.body))


def accept(house: House, leg: Leg, body: bytes, now: float) -> None:
    """Their change, with our answer, or with our offer when they made none."""
    given, leg.theirs_open = leg.theirs_open, None
    if given is None or leg.state != "talking":
        return
    leg.said = body or leg.said
    leg.heard = given.request.body or leg.heard
    if given.request.method == "INVITE":
        leg.answer_due = not given.request.body
        incoming.ok(house, leg, given, body, now)
        return
    contact = ("contact", f"<{leg.dialog.contact if leg.dialog else ''}>")
    fields = (contact, ALLOW, SUPPORTED, *session_timer.told(leg.timer), *described(body))
    house.reply(given, 200, now, fields=fields, body=body)


def refuse(house: House, leg: Leg, status: int, now: float) -> None:
    """Their change; the session stays as it was."""
    given, leg.theirs_open = leg.theirs_open, None
    if given is not None:
        house.reply(given, status, now)


def _soon(house: House) -> tuple[Field, ...]:
    return (("retry-after", str(int(house.dice() * 10))),)


# -- from us --------------------------------------------------------------------------------


def change(house: House, leg: Leg, body: bytes, now: float) -> bool:
    """Ask for another session; false while that cannot be asked, because another is under way."""
    if leg.dialog is None or leg.state != "talking" or "retry" in leg.due:
        return False
    if leg.ours_open is not None or leg.theirs_open is not None or leg.ok is not None:
        return False
    leg.changing = body
    fields = (*_timer_fields(leg), *described(body), ALLOW, SUPPORTED)
    _ask(house, leg, leg.dialog, "INVITE", now, fields=fields, body=body)
    return True


def _ask(
    house: House,
    leg: Leg,
    dialog: Dialog,
    method: str,
    now: float,
    *,
    fields: Iterable[Field],
    body: bytes = b"",
) -> None:
    dialog, leg.ours_open = house.ask(leg, dialog, method, "change", now, fields=fields, body=body)
    house.move(leg, dialog)


def changed(house: House, leg: Leg, id_: Id, response: Response, now: float) -> None:
    """A response to our change, or to a refresh, which is a change that wants nothing."""
    if response.provisional or leg.dialog is None:
        return
    if leg.ours_open != id_ or leg.state == "over":
        if response.success and response.cseq[1] == "INVITE":
            house.acknowledge_again(leg, response)
        return
    leg.ours_open = None
    wanted, leg.changing = leg.changing, b""
    if response.success:
        _agreed(house, leg, leg.dialog, response, wanted, now)
    elif response.status in GONE:
        house.hang_up(leg, "gone", now)
    elif response.status == 491 and wanted and leg.glares < GLARES:
        leg.changing = wanted
        leg.glares += 1
        house.wake(leg, retry=now + _glare_pause(house, leg.dialog))
    elif wanted:
        house.out.append(ChangeRefused(leg, response.status))
    elif response.cseq[1] == "UPDATE":
        leg.updates = False  # the next refresh is a re-INVITE, which everybody knows


def _agreed(
    house: House, leg: Leg, dialog: Dialog, response: Response, wanted: bytes, now: float
) -> None:
    leg.glares = 0
    leg.dialog = dialogs.took(dialog, response)
    if response.cseq[1] == "INVITE":
        leg.ack = house.acknowledge(leg.dialog, response.cseq[0])
    try:
        timer = session_timer.agreed_as_caller(response)
    except BadSyntax:
        timer = leg.timer
    house.fresh(leg, timer, now)
    leg.heard = response.body or leg.heard
    if wanted:
        leg.said = wanted
        house.out.append(Changed(leg))


def unanswered(house: House, leg: Leg, id_: Id, now: float) -> None:
    """Our change or refresh was not answered: nobody is there."""
    if leg.ours_open == id_ and leg.state == "talking":
        house.hang_up(leg, "gone", now)


def _glare_pause(house: House, dialog: Dialog) -> float:
    """§14.1, in steps of 10 ms: who made the Call-ID waits longer."""
    pause = 2.1 + house.dice() * 1.9 if dialog.caller else house.dice() * 2.0
    return round(pause, 2)


def _timer_fields(leg: Leg) -> tuple[Field, ...]:
    if leg.timer is None:
        return ()
    who = "uac" if leg.timer.ours else "uas"
    least = ("min-se", str(session_timer.MIN_SECONDS))
    return (("session-expires", f"{leg.timer.seconds};refresher={who}"), least)


# -- time -----------------------------------------------------------------------------------


def on_time(house: House, leg: Leg, now: float) -> None:
    """Whatever of the leg is due."""
    for due in sorted(name for name, at in leg.due.items() if at <= now):
        if due in leg.due:
            _WHEN_DUE[due](house, leg, now)
    house.wake(leg)


def _given_up(house: House, leg: Leg, now: float) -> None:
    house.hang_up(leg, "ended_by_us" if leg.state == "ending" else "no_ack", now)


def _expired(house: House, leg: Leg, now: float) -> None:
    house.hang_up(leg, "session_timer", now)


def _unheard(house: House, leg: Leg, now: float) -> None:
    incoming.refuse(house, leg, 504, now)
    house.out.append(Ended(leg, "no_prack"))


def _retried(house: House, leg: Leg, now: float) -> None:
    house.wake(leg, retry=None)
    wanted, leg.changing = leg.changing, b""
    if wanted and not change(house, leg, wanted, now):
        leg.changing = wanted
        house.wake(leg, retry=now + 1.0)


def _refresh(house: House, leg: Leg, now: float) -> None:
    """A 2xx moves the next one; until it comes, it is tried again before the session expires."""
    seconds = leg.timer.seconds if leg.timer is not None else session_timer.USUAL_SECONDS
    house.wake(leg, refresh=now + max(5.0, seconds / 10))
    if leg.state != "talking" or leg.ours_open or leg.theirs_open or leg.ok or leg.changing:
        return
    if leg.dialog is None:
        return
    fields = (*_timer_fields(leg), SUPPORTED)
    if leg.updates:
        _ask(house, leg, leg.dialog, "UPDATE", now, fields=fields)
    else:
        fields = (*fields, ALLOW, *described(leg.said))
        _ask(house, leg, leg.dialog, "INVITE", now, fields=fields, body=leg.said)


_WHEN_DUE: dict[Due, Callable[[House, Leg, float], None]] = {
    "repeat": incoming.repeat,
    "give_up": _given_up,
    "expire": _expired,
    "refresh": _refresh,
    "retry": _retried,
    "unseen": reliable.repeat,
    "unheard": _unheard,
}
