"""A mail to ourselves from the admin pages: sent by one request, looked for by those after it.

The same mails as ``switchroom check --send`` writes (``probe``). Which are still awaited goes back
and forth with the page, so any node may look.
"""

import re

from channels.email.addresses import Address
from channels.email.diagnose import about_certificate
from channels.email.fetching import Fetching
from channels.email.imap import Refusal
from channels.email.probe import (
    PATIENCE_SECONDS,
    PLUS_SECONDS,
    found,
    send_both,
    told,
    told_plus,
)
from channels.email.send import Sender
from channels.email.settings import Imap
from gateway.core.errors import ChannelError, Refused, SendError
from gateway.ports import Clock, Proof, Step

_MARK = re.compile(r"(plain|plus):([0-9a-f]{16})")


async def sent(own: Address, sender: Sender, token: str, clock: Clock) -> Proof:
    """Both of them; one that the server does not take is told at once."""
    now = clock.now()
    try:
        plain, plus, fault = await send_both(own, sender, token, now)
    except SendError as refused:
        fix = about_certificate(refused, "the SMTP server") or str(refused)
        return Proof(
            marks=(), began=now, done=True, steps=(Step(what="the server takes a mail", fix=fix),)
        )
    steps = [Step(what=f"a mail to {own.address} is sent")]
    if fault:
        steps.append(_step(told_plus(own.address, None, fault)))
    marks = (f"plain:{plain}", *(() if fault else (f"plus:{plus}",)))
    return Proof(marks=marks, began=now, steps=tuple(steps))


async def looked(own: Address, fetching: Fetching, imap: Imap, proof: Proof, clock: Clock) -> Proof:
    """What of it has come since, what is given up, and what is still waited for."""
    awaited = dict(_mark(one) for one in proof.marks)
    took = max(0.0, (clock.now() - proof.began).total_seconds())
    steps: list[Step] = []
    try:
        there = await found(fetching, imap, [*awaited.values()])
    except (ChannelError, Refusal) as fault:
        steps.append(Step(what=f"folder {imap.folder} can be read", fix=str(fault)))
        return Proof(marks=(), began=proof.began, steps=tuple(steps), done=True)
    left = {kind: mark for kind, mark in awaited.items() if mark not in there}
    if "plain" in awaited and "plain" not in left:
        what = f"a mail to {own.address} arrives"
        steps.append(_step(told(what, took, imap, PATIENCE_SECONDS)))
    if "plus" in awaited and "plus" not in left:
        steps.append(_step(told_plus(own.address, took, "")))
    if "plain" in left and took > PATIENCE_SECONDS:
        what = f"a mail to {own.address} arrives"
        steps.append(_step(told(what, None, imap, PATIENCE_SECONDS)))
        left = {}
    elif "plain" not in left and "plus" in left and took > PLUS_SECONDS:
        steps.append(_step(told_plus(own.address, None, "")))
        left = {}
    marks = tuple(f"{kind}:{mark}" for kind, mark in left.items())
    return Proof(marks=marks, began=proof.began, steps=tuple(steps), done=not left)


def _mark(text: str) -> tuple[str, str]:
    found_in = _MARK.fullmatch(text)
    if found_in is None:
        raise Refused("bad_field", "this is no mark of a mail that was sent", "marks")
    return found_in[1], found_in[2]


def _step(said: tuple[str, str | None]) -> Step:
    what, fix = said
    return Step(what=what, fix=fix)
