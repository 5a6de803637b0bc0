"""Delivery reports: which of our mails failed, for whom and why.

The standard's form (RFC 3464) is read here. Of the forms from before it, which exim, qmail, old
Exchange and many providers still write, ``flufl.bounce`` knows the words; it sees a copy of the
text that is bounded and plain, for its patterns were not made for hostile mail.
"""

import logging
import re
from collections.abc import Iterable
from email.message import Message

from flufl.bounce import all_failures
from msgspec import Struct

from channels.email.addresses import addresses, message_ids, sender_of
from channels.email.headers import Headers
from channels.email.mime import Content, Part, parse
from channels.email.text import one_line

_MAX_RECIPIENTS = 50
_MAX_TEXT = 20_000
_MAX_LINE = 400
_SAID = re.compile(r"^.*?((?<!\d)[45]\d\d[ -](?:#?[45]\.\d{1,3}\.\d{1,3})?.{0,300})$", re.MULTILINE)
_STATUS = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_ORIGINAL = re.compile(r"^[> \t]*message-id:\s*(<[^<>\s]{1,300}>)", re.IGNORECASE | re.MULTILINE)


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
    original = _original(found, "")
    bounces = [_recipient(headers, original) for headers in _blocks(found.report)]
    reported = [bounce for bounce in bounces if bounce.action]
    failed = [bounce for bounce in reported if bounce.failed]
    return next(iter(failed or reported), Bounce("", "", "", "", original))


def read_text(headers: Headers, found: Content, text: str) -> Bounce | None:
    """The report in the words of a mail server that knows no RFC 3464.

    Ask only of mails that a mail server sent. ``None`` if nobody is named whom it did not reach.
    """
    lines = [line[:_MAX_LINE] for line in text[:_MAX_TEXT].split("\n")]
    named = addresses(", ".join(headers.all("x-failed-recipients")))
    temporary: list[str] = []
    permanent = [address.address for address in named]
    if not permanent:
        temporary, permanent = _known_forms(headers, "\n".join(lines))
    if not (temporary or permanent):
        return None
    # Behind the copy of our own mail nothing is said of the failure.
    said = _SAID.search("\n".join(lines))
    status = _STATUS.search(said[1] if said else "\n".join(lines))
    return Bounce(
        action="failed" if permanent else "delayed",
        recipient=(permanent or temporary)[0][:254],
        status=status[1] if status else "",
        diagnostic=one_line(said[1], 500) if said else "",
        original=_original(found, text[:_MAX_TEXT]),
    )


def _known_forms(headers: Headers, text: str) -> tuple[list[str], list[str]]:
    """Whom it did not reach yet, and whom never, in the order of their names."""
    # It logs whatever stops it, with a traceback; we say in the item what became of the mail.
    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)
    plain = Message()
    sender = sender_of(headers.raw("from"))
    plain["From"] = sender.address if sender else "mailer-daemon@localhost"
    plain["Subject"] = headers.text("subject")
    plain.set_payload(text)
    try:
        temporary, permanent = all_failures(plain)
    except Exception:  # noqa: BLE001 - a foreign reader on hostile text: then it is no report
        return [], []
    return _readable(temporary), _readable(permanent)


def _readable(found: Iterable[bytes]) -> list[str]:
    given = (address.decode("utf-8", "replace") for address in found)
    return sorted({a.address for one in given for a in addresses(one)})


def _original(found: Content, text: str) -> str:
    if found.original is not None:
        ids = message_ids(str(found.original.get("message-id", "")))
        if ids:
            return ids[0]
    copied = _ORIGINAL.findall(text)
    return copied[-1] if copied else ""


def _blocks(report: Message) -> list[Headers]:
    """The fields of the mail, then those of each recipient."""
    payload = report.get_payload()
    blocks = (
        [block for block in payload if isinstance(block, Message)]
        if isinstance(payload, list)
        else []
    )
    if len(blocks) == 1 and isinstance(blocks[0], Part):
        # The library knows the blocks of RFC 3464 alone, not those of RFC 6533.
        rest = blocks[0].source().replace(b"\r\n", b"\n").split(b"\n\n")
        blocks += [parse(block + b"\n\n") for block in rest[:_MAX_RECIPIENTS] if block.strip()]
    return [Headers(block.raw_items()) for block in blocks[: _MAX_RECIPIENTS + 1]]


def _recipient(headers: Headers, original: str) -> Bounce:
    recipient = headers.text("original-recipient") or headers.text("final-recipient")
    diagnostic = headers.text("diagnostic-code")
    return Bounce(
        action=headers.token("action"),
        recipient=recipient.rpartition(";")[2].strip("<> ").lower()[:254],
        status=headers.token("status")[:20],
        diagnostic=diagnostic.partition(";")[2].strip()[:500] or diagnostic[:500],
        original=original,
    )
