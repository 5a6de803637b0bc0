"""Delivery status notifications (RFC 3464): which of our mails failed, for whom and why."""

from email.message import Message

from msgspec import Struct

from channels.email.addresses import message_ids
from channels.email.headers import Headers
from channels.email.mime import Content

_MAX_RECIPIENTS = 50


class Bounce(Struct, frozen=True):
    """The first recipient that failed, or else the first one reported.

    ``original`` is the Message-ID of the mail that is reported on, with angle brackets.
    """

    action: str
    recipient: str
    status: str
    diagnostic: str
    original: str

    @property
    def failed(self) -> bool:
        return self.action == "failed"

    @property
    def reason(self) -> str:
        """One line for people: what the other side said."""
        return " ".join(part for part in (self.diagnostic or self.status, self.recipient) if part)


def read(found: Content) -> Bounce | None:
    """The report in a mail, or ``None`` if it has no ``message/delivery-status``."""
    if found.report is None:
        return None
    original = ""
    if found.original is not None:
        ids = message_ids(str(found.original.get("message-id", "")))
        original = ids[0] if ids else ""
    bounces = [_recipient(headers, original) for headers in _blocks(found.report.get_payload())]
    reported = [bounce for bounce in bounces if bounce.action]
    failed = [bounce for bounce in reported if bounce.failed]
    return next(iter(failed or reported), Bounce("", "", "", "", original))


def _blocks(payload: object) -> list[Headers]:
    blocks = payload if isinstance(payload, list) else []
    return [
        Headers(block.raw_items())
        for block in blocks[: _MAX_RECIPIENTS + 1]
        if isinstance(block, Message)
    ]


def _recipient(headers: Headers, original: str) -> Bounce:
    recipient = headers.text("original-recipient") or headers.text("final-recipient")
    diagnostic = headers.text("diagnostic-code")
    return Bounce(
        action=headers.token("action"),
        recipient=recipient.rpartition(";")[2].strip().lower()[:254],
        status=headers.token("status")[:20],
        diagnostic=diagnostic.partition(";")[2].strip()[:500] or diagnostic[:500],
        original=original,
    )
