"""A mail's bytes into an ``Inbound``. Pure: the same bytes give the same value; never raises.

What cannot be understood comes out with ``problem`` set and its raw bytes kept, so that one
poisonous mail is quarantined and the next one is read.
"""

import html as entities
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

from msgspec import Struct
from msgspec.structs import replace

from channels.email import bounce, machine, mime
from channels.email.addresses import (
    MAX_ADDRESSES,
    MAX_IDS,
    Address,
    addresses,
    message_ids,
    sender_of,
)
from channels.email.authenticity import judged
from channels.email.fold import fold_from, own_words
from channels.email.headers import Headers
from channels.email.html import MAX_HTML, Sanitizer, to_text
from channels.email.likeness import seems
from channels.email.lists import answer_to, list_addresses, writer
from channels.email.seal import seals
from channels.email.text import clean, one_line
from channels.language import LanguageGuess
from gateway.core.ids import ChannelName, QueueName
from gateway.core.inbound import JOIN_SECONDS
from gateway.core.model import Attributes, ChannelKind
from gateway.core.replytoken import tokens_in, untagged, without_token
from gateway.core.signs import Signs
from gateway.ports import Claim, Inbound

MARK = "x-switchroom-check"
"""On what `switchroom check --send` writes to ourselves."""
_CHECK = re.compile(r"<check\.[0-9a-f]{16}(@[^<>@]+)>")
MAX_BODY = 1_000_000
"""Characters of text kept of one mail; the raw bytes keep the rest."""
_PREVIEW = 200
_TICKET = re.compile(r"\[#(\d{4,15})\]")
_ENVELOPE = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")


class Envelope(Struct, frozen=True, kw_only=True):
    """What is known of a mail besides its bytes.

    ``at`` is when it reached the mailbox; ``own`` are our addresses; ``size`` is the whole
    mail's, in bytes, and more than we hold when it was over the limit; ``where`` is then where the
    whole of it stays, in words.
    """

    channel: ChannelName
    key: str
    at: datetime
    own: frozenset[str] = frozenset()
    authserv_id: str = ""
    size: int = 0
    where: str = ""
    join_seconds: float = JOIN_SECONDS
    queue: QueueName | None = None


class MailParser:
    """Holds the sanitizer and the language model; thread-safe."""

    def __init__(self, language: LanguageGuess) -> None:
        self._sanitizer = Sanitizer()
        self.language = language

    def __call__(self, raw: bytes, envelope: Envelope) -> Inbound:
        """The mail as an ``Inbound``; with ``problem`` when it could not be understood."""
        try:
            return self._understand(raw, envelope)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it becomes a quarantined mail
            return unreadable(raw, envelope, f"{type(fault).__name__}: {fault}")

    def _understand(self, raw: bytes, envelope: Envelope) -> Inbound:
        root = mime.parse(raw)
        headers = Headers(root.raw_items())
        if not headers.order:
            return unreadable(raw, envelope, "it has no header" if raw.strip() else "it is empty")
        found = mime.content(root)
        cut = envelope.size > len(raw)
        body, html = body_of(found, self._sanitizer)
        sender = sender_of(headers.raw("from")) or sender_of(headers.raw("sender"))
        lists = list_addresses(headers)
        wanted = answer_to(headers, sender, envelope.own, lists)
        answer = wanted.address if wanted is not None else ""
        author = writer(sender, wanted, lists) if sender is not None else None
        report_type = mime.report_type(root, found)
        own_list = bool(lists) and all(_is_own(one, envelope.own) for one in lists)
        wrote = author.address if author else ""
        verdict = machine.judge(headers, wrote, report_type, own_list=own_list)
        reported = bounce.read(found)
        if reported is None and verdict is not None and verdict.kind == "bounce":
            reported = bounce.read_text(headers, found, body)
        to, copies = (addresses(", ".join(headers.all(field))) for field in ("to", "cc"))
        if max(len(to), len(copies)) == MAX_ADDRESSES:
            found.note(f"more than {MAX_ADDRESSES} addresses: the rest was left out")
        signs = signs_of(headers, root, body, sender, envelope.own, envelope.authserv_id)
        if author != sender and signs.proof == "verified":
            signs = replace(signs, proof="weak")  # that is the list, and says nothing of who wrote
        if cut:
            body, html = _cut_notice(body, html, envelope.size, envelope.where)
        fold = fold_from(body)
        own = own_words(body, fold)
        from_self = author is not None and _is_own(author.address, envelope.own)
        attributes = _attributes(headers, found, own, verdict, reported)
        if cut:
            attributes |= {"truncated": True, "size": envelope.size}
        if from_self:
            attributes["from_self"] = True
        if (from_self and headers.text(MARK)) or _reports_on_check(reported, envelope.own):
            attributes["check"] = True
        if where := _in_copy(to, copies, envelope.own):
            attributes["in_copy"] = where
        others = [a.address for a in (*to, *copies)]
        subject = headers.text("subject")
        return Inbound(
            channel=envelope.channel,
            kind=ChannelKind.EMAIL,
            key=envelope.key,
            at=envelope.at,
            queue=envelope.queue,
            # A report speaks for nobody; mail servers are no customers.
            identity=None if reported and reported.action else _claim(author, signs),
            subject=untagged(subject)[:998],
            body=body,
            html=html,
            fold_from=fold,
            language=self.language(own),
            files=() if cut else tuple(found.files),
            raw=raw,
            references=_references(headers, reported),
            external_id=next(iter(message_ids(headers.raw("message-id"))), ""),
            address=answer,
            to=tuple(dict.fromkeys(without_token(a.address) for a in to)),
            copies=tuple(
                dict.fromkeys(
                    a for a in others if not _is_own(a, envelope.own) and a not in (answer, *lists)
                )
            ),
            signs=signs,
            attributes=attributes,
            machine=verdict is not None or from_self,
            tokens=tokens_in([*others, *_delivered_to(headers)], subject),
            join_seconds=envelope.join_seconds,
        )


def body_of(found: mime.Content, sanitizer: Sanitizer) -> tuple[str, str | None]:
    """The text and the harmless HTML."""
    markup = _markup(found.pieces)
    if len(markup) > MAX_HTML:
        found.note("the HTML was cut; the original holds all of it")
    html = sanitizer.clean(markup) or None
    if markup and html is None:
        found.note("of the HTML only its text was kept")
    texts = [piece.text if piece.text.strip() else to_text(piece.html) for piece in found.pieces]
    body = "\n".join(text for text in texts if text.strip())
    if len(body) > MAX_BODY:
        body = body[:MAX_BODY]
        found.note("the text was cut; the original holds all of it")
    return body, html


def _cut_notice(body: str, html: str | None, size: int, where: str) -> tuple[str, str | None]:
    """The same of a mail of so many bytes, which is over the limit, with a notice of that."""
    notice = (
        f"[This mail has {size / 1_000_000:.1f} MB and is over the limit: only its "
        f"beginning is shown, without attachments. All of it stays {where or 'in the mailbox'}, "
        "and can be read there with any mail program.]"
    )
    return f"{notice}\n\n{body}", html and f"<p>{entities.escape(notice)}</p>{html}"


def signs_of(
    headers: Headers,
    root: Message,
    body: str,
    sender: Address | None,
    own: frozenset[str],
    authserv_id: str,
) -> Signs:
    """What the mail shows of its sender and its wrapping."""
    judgement = judged(headers, sender, authserv_id)
    lists = list_addresses(headers)
    wanted = [one.address for one in addresses(headers.raw("reply-to"))]
    elsewhere = (one for one in wanted if sender is None or one != sender.address)
    return Signs(
        proof=judgement.proof,
        checks=judgement.checks,
        reply_to=next((one for one in elsewhere if not _is_own(one, own)), ""),
        seems=seems(sender, own, by_list=bool(lists)) if sender is not None else "",
        sealed=seals(root, body),
        list=next((one for one in lists if not _is_own(one, own)), ""),
    )


def _markup(pieces: list[mime.Piece]) -> str:
    """All of a mail as HTML, if some of it is: plain parts between stand as they were typed."""
    if not any(piece.html.strip() for piece in pieces):
        return ""
    return "\n".join(
        piece.html
        or f'<div style="white-space:pre-wrap">{entities.escape(piece.text.strip())}</div>'
        for piece in pieces
        if piece.html.strip() or piece.text.strip()
    )


def unreadable(raw: bytes | None, envelope: Envelope, why: str) -> Inbound:
    """A mail for the quarantine: its bytes, if we have them, and the reason in words."""
    return Inbound(
        channel=envelope.channel,
        kind=ChannelKind.EMAIL,
        key=envelope.key,
        at=envelope.at,
        queue=envelope.queue,
        raw=raw,
        machine=True,
        problem=one_line(f"the mail could not be read: {why}", 500),
    )


def _claim(author: Address | None, signs: Signs) -> Claim | None:
    if author is None:
        return None
    return Claim(
        kind="email",
        value=author.address,
        name=author.name,
        verified=signs.proof == "verified",
    )


def _is_own(address: str, own: frozenset[str]) -> bool:
    """Whether it is ours, with or without a reply token."""
    return without_token(address) in own


def _reports_on_check(reported: bounce.Bounce | None, own: frozenset[str]) -> bool:
    """Whether a server tells that the mail of a check did not arrive (at an address with a tag)."""
    found = _CHECK.fullmatch(reported.original) if reported is not None else None
    return found is not None and any(one.endswith(found[1].lower()) for one in own)


def _delivered_to(headers: Headers) -> list[str]:
    """Whom the servers on the way brought it to, where To and Cc name a list or somebody else."""
    fields = (", ".join(headers.all(name)) for name in _ENVELOPE)
    return [one.address for field in fields for one in addresses(field)]


def _references(headers: Headers, reported: bounce.Bounce | None) -> tuple[str, ...]:
    """Most specific first: the mail a bounce is about, the one answered, its ancestors."""
    ids = [reported.original] if reported and reported.original else []
    ids += message_ids(headers.raw("in-reply-to"))
    ids += reversed(message_ids(headers.raw("references")))
    return tuple(dict.fromkeys(ids))[:MAX_IDS]


def _attributes(
    headers: Headers,
    found: mime.Content,
    own: str,
    verdict: machine.Verdict | None,
    reported: bounce.Bounce | None,
) -> Attributes:
    attributes: Attributes = {"preview": one_line(own, _PREVIEW)}
    if (date := date_of(headers)) is not None:
        attributes["date"] = date.isoformat()
    if ticket := _TICKET.search(untagged(headers.text("subject"))):
        attributes["ticket"] = int(ticket[1])
    if found.notes:
        attributes["repairs"] = clean("; ".join(found.notes))
    if verdict is not None:
        attributes["machine"] = verdict.kind
        attributes["machine_because"] = verdict.because
    if reported is not None:
        attributes["bounce_action"] = reported.action
        attributes["bounce_recipient"] = reported.recipient
        attributes["bounce_reason"] = reported.reason
    return attributes


def _in_copy(to: Sequence[Address], copies: Sequence[Address], own: frozenset[str]) -> str:
    """Where we stand if it was written to others: ``Cc``, or ``Bcc`` when we stand nowhere.

    A mail without any recipient, as some phones write it, was written to whom it reached.
    """
    if not own or not (to or copies) or any(one.address in own for one in to):
        return ""
    return "Cc" if any(one.address in own for one in copies) else "Bcc"


def date_of(headers: Headers) -> datetime | None:
    """What the sender says the time was, in UTC."""
    try:
        said = parsedate_to_datetime(headers.text("date"))
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
