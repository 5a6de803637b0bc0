"""Provisional responses that must arrive (RFC 3262): ours where they require it, theirs always.

Ours carry no description, so nothing waits for their acknowledgement but the next one of them.
"""

from collections.abc import Iterable

from channels.voice.sip.grammar import BadSyntax
from channels.voice.sip.house import House
from channels.voice.sip.leg import Leg
from channels.voice.sip.message import MAX_SEQUENCE, Field, Response, response_to
from channels.voice.sip.transactions import Asked

TAG = "100rel"


def required(leg: Leg) -> bool:
    """Whether they take no other provisional response of ours."""
    return TAG in leg.invite.tokens("require")


def ring(house: House, leg: Leg, status: int, fields: Iterable[Field], now: float) -> None:
    """Send it and repeat it until PRACK comes; while one is out, the newest waits (§3)."""
    if leg.reliable is not None:
        leg.next_reliable = (status, tuple(fields))
        return
    if not leg.rseq:
        leg.rseq = 1 + int(house.dice() * 1_000)
    else:
        leg.rseq += 1
    numbered = (("require", TAG), ("rseq", str(leg.rseq)))
    leg.reliable = response_to(leg.invite, status, tag=leg.tag, fields=(*numbered, *fields))
    leg.interval = house.timing.t1
    house.wake(leg, unseen=now + leg.interval, unheard=now + house.timing.patience)
    _send(house, leg, now)


def repeat(house: House, leg: Leg, now: float) -> None:
    """Unlike a 2xx it is not held to T2 (§3)."""
    leg.interval *= 2
    house.wake(leg, unseen=now + leg.interval)
    _send(house, leg, now)


def stop(house: House, leg: Leg) -> None:
    """It is acknowledged, or a final response says more."""
    leg.reliable = leg.next_reliable = None
    house.wake(leg, unseen=None, unheard=None)


def acknowledged(house: House, leg: Leg, given: Asked, now: float) -> None:
    """Their PRACK."""
    said = (given.request.first("rack") or "").split()
    number, _ = leg.invite.cseq
    if leg.reliable is None or said != [str(leg.rseq), str(number), "INVITE"]:
        house.reply(given, 481, now)
        return
    if given.request.body:
        house.reply(given, 488, now)  # nothing was offered
        return
    following = leg.next_reliable
    stop(house, leg)
    house.reply(given, 200, now)
    if following is not None and leg.state == "asked":
        ring(house, leg, *following, now)


def came(house: House, leg: Leg, response: Response, now: float) -> bool:
    """Acknowledge theirs, if it asks for it. False: it is a repetition, or one is missing (§4)."""
    tag = response.to.tag
    if TAG not in response.tokens("require") or tag not in leg.early:
        return True
    try:
        number = _number(response.first("rseq"))
    except BadSyntax:
        return False
    last = leg.rseqs.get(tag)
    if last is not None and number != last + 1:
        return False
    leg.rseqs[tag] = number
    cseq, _ = leg.invite.cseq
    rack = ("rack", f"{number} {cseq} INVITE")
    leg.early[tag], _ = house.ask(leg, leg.early[tag], "PRACK", "last", now, fields=(rack,))
    return True


def _send(house: House, leg: Leg, now: float) -> None:
    if leg.reliable is not None and leg.transaction is not None:
        house.pending += house.transactions.reply(leg.transaction, leg.reliable, now)


def _number(text: str | None) -> int:
    if not text or not (text.isascii() and text.isdigit()) or not 0 < int(text[:10]) < MAX_SEQUENCE:
        raise BadSyntax("RSeq is no number")
    return int(text[:10])
