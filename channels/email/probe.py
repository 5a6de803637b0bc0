"""A mail to ourselves, to see whether what is sent arrives (``switchroom check --send``).

It goes out by SMTP to our own address and to that address with a tag (``support+…@``), and is
waited for in the mailbox. It carries a mark by which a node that reads the mailbox meanwhile makes
no case of it, and is removed when it was seen.
"""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime

from channels.email.addresses import Address
from channels.email.compose import Composed, wire_address
from channels.email.fetching import Fetching
from channels.email.imap import Refusal
from channels.email.mailbox import Mailbox
from channels.email.send import Sender
from channels.email.settings import Imap
from gateway.core.errors import ChannelError, SendError

MARK = "X-Switchroom-Check"
PATIENCE_SECONDS = 60.0
"""So long is waited for the first of them; greylisting takes longer, and is said so."""
PLUS_SECONDS = 15.0
"""So much longer for the other one: many servers know no tags."""
_LOOK_SECONDS = 1.0

Checked = list[tuple[str, str | None]]


def probe_mail(own: Address, to: str, token: str, now: datetime) -> Composed:
    """The mail with its mark."""
    identity = f"<check.{token}@{own.address.rpartition('@')[2]}>"
    head = {
        "From": own.address,
        "To": to,
        "Subject": f"Switchroom check {token}",
        "Date": now.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "Message-ID": identity,
        MARK: token,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=us-ascii",
    }
    lines = [f"{name}: {value}" for name, value in head.items()]
    lines += [
        "",
        "Sent by `switchroom check --send` or from the admin pages, to see whether mail arrives.",
        "",
    ]
    return Composed(
        message_id=identity,
        sender=own.address,
        recipients=(to,),
        data="\r\n".join(lines).encode("ascii"),
    )


def tagged(address: str, token: str) -> str:
    """The address with a tag (RFC 5233)."""
    local, _, domain = address.rpartition("@")
    return f"{local}+check-{token}@{domain}"


async def prove(
    own: Address,
    sender: Sender,
    smtp_token: str,
    fetching: Fetching,
    imap: Imap,
    now: datetime,
    *,
    patience: float = PATIENCE_SECONDS,
    plus_patience: float = PLUS_SECONDS,
) -> Checked:
    """Send both and wait; what was tried, and the fix where it failed."""
    what = f"a mail to {own.address} arrives"
    try:
        plain, plus, plus_fault = await send_both(own, sender, smtp_token, now)
    except SendError as fault:
        return [(what, f"the server did not take it: {fault}")]
    try:
        took = await _arrival(fetching, imap, plain, patience)
        tried = [told(what, took, imap, patience)]
        if took is not None:
            waited = None if plus_fault else await _arrival(fetching, imap, plus, plus_patience)
            tried.append(told_plus(own.address, waited, plus_fault))
    except (ChannelError, Refusal) as fault:
        return [(what, f"it was sent, but the mailbox could not be read: {fault}")]
    return tried


async def send_both(
    own: Address, sender: Sender, smtp_token: str, now: datetime
) -> tuple[str, str, str]:
    """Both mails: their marks, and why the one with the tag was not taken, if it was not.

    Raises ``SendError`` where the plain one is not taken.
    """
    plain, plus = secrets.token_hex(8), secrets.token_hex(8)
    own = Address(wire_address(own.address), own.name)
    await sender.send(probe_mail(own, own.address, plain, now), smtp_token)
    try:
        await sender.send(probe_mail(own, tagged(own.address, plus), plus, now), smtp_token)
    except SendError as fault:
        return plain, plus, str(fault)
    return plain, plus, ""


async def found(fetching: Fetching, imap: Imap, marks: Sequence[str]) -> set[str]:
    """Which of them are in the folder now; those are removed.

    Raises ``ChannelError``, ``Refusal``.
    """
    connection = await fetching.connect()
    try:
        box = await Mailbox.select(connection, imap)
        seen: set[str] = set()
        for mark in marks:
            uids = await box.search(f'HEADER {MARK} "{mark}"')
            if uids:
                await box.remove(uids)
                seen.add(mark)
        return seen
    finally:
        await connection.close()


def told(what: str, took: float | None, imap: Imap, patience: float) -> tuple[str, str | None]:
    """Whether it came, and where to look if it did not."""
    if took is not None:
        return f"{what} (after {took:.1f} s)", None
    return what, (
        f"it was sent and is not in {imap.folder} after {patience:.0f} s: look for it in the spam"
        " folder, compare `address` with the mailbox, or wait if the server greylists"
    )


def told_plus(address: str, took: float | None, fault: str) -> tuple[str, str | None]:
    """Nothing is wrong with a server that knows no tags: it is told, no more."""
    shown = tagged(address, "…")
    if took is not None:
        return f"a mail to {shown} arrives too: answers can carry a tag", None
    why = f" ({fault})" if fault else ""
    return f"a mail to {shown} does not arrive{why}: answers are told apart by other marks", None


async def _arrival(fetching: Fetching, imap: Imap, token: str, patience: float) -> float | None:
    """Seconds until it is in the folder, from where it is removed; ``None``: it did not come."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    connection = await fetching.connect()
    try:
        box = await Mailbox.select(connection, imap)
        while True:
            uids = await box.search(f'HEADER {MARK} "{token}"')
            if uids:
                took = loop.time() - began
                await box.remove(uids)
                return took
            if loop.time() - began > patience:
                return None
            await asyncio.sleep(_LOOK_SECONDS)  # the mail is under way between servers not ours
            await box.noop()
    finally:
        await connection.close()
