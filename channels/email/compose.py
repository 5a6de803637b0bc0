"""An ``Outbound`` into the bytes of a mail (RFC 5322, 2045-2047, 2231, 3834).

Pure and deterministic: the same message gives the same bytes, Message-ID, date and boundaries
included, so that a second attempt after an unknown outcome is recognisably the same mail.
Every value passes ``one_line``, and text that looks like an encoded word is encoded once more:
nothing a customer wrote can become a header (CVE-2024-6923 and kin).
"""

import base64
import quopri
import re
from collections.abc import Sequence
from datetime import UTC
from email.generator import BytesGenerator
from email.header import Header
from email.message import Message as Part
from email.policy import compat32
from email.utils import format_datetime
from io import BytesIO

import idna
from msgspec import Struct

from channels.email.addresses import Address, addresses, valid
from channels.email.mime import safe_name
from channels.email.settings import ReplyToken
from channels.email.text import clean, one_line
from gateway.core.errors import Undeliverable
from gateway.core.model import Message
from gateway.core.replytoken import fits, tagged, with_token
from gateway.ports import File, Outbound

MAX_REFERENCES = 30

_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,900}>")
_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,80}")
_REPLY = re.compile(
    r"(?:re|aw|antw|antwort|sv|vs|rv|res|回复|回覆|ответ)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE
)
_POLICY = compat32.clone(linesep="\r\n", max_line_length=78)


class Composed(Struct, frozen=True):
    """A mail ready to go: its id, its envelope and its bytes.

    ``utf8``: an address has other letters before the ``@``, so only a server that announces
    SMTPUTF8 (RFC 6531) can take it.
    """

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    data: bytes
    utf8: bool = False


def message_id(message: str, address: str) -> str:
    """The Message-ID of one of our messages, from its id and our own address."""
    return f"<{message}@{wire_address(address).rpartition('@')[2]}>"


def compose(outbound: Outbound, own: Address, where: ReplyToken = "none") -> Composed:
    """The mail for one message; ``where`` it carries its ticket's token.

    Raises ``Undeliverable`` for an address that cannot be written.
    """
    message = outbound.message
    if message is None:
        raise Undeliverable("an e-mail needs a message; this delivery carries none")
    to = _recipients(message.to or (outbound.address,))
    cc = [address for address in _recipients(message.cc) if address not in to]
    identity = message_id(message.id, own.address)
    root = _body(message, outbound.files)
    sender = Address(wire_address(own.address), own.name)
    reply_to, tag = _token(outbound, sender.address, where)
    fields = [
        ("From", _mailbox(sender)),
        ("To", ", ".join(map(_mailbox, to))),
        ("Cc", ", ".join(map(_mailbox, cc))),
        ("Reply-To", _mailbox(Address(reply_to, own.name)) if reply_to else ""),
        ("Subject", encoded(subject(message.subject, tag, outbound.thread))),
        ("Date", format_datetime(outbound.created_at.astimezone(UTC))),
        ("Message-ID", identity),
        *_threading(outbound.thread),
        *_automatic(message, answers=bool(outbound.thread)),
        ("MIME-Version", "1.0"),
    ]
    content = root.items()
    for name, _ in content:
        del root[name]
    for name, value in [*((n, v) for n, v in fields if v), *content]:
        root[name] = value
    everybody = [address.address for address in (*to, *cc)]
    foreign = [one for one in (sender.address, *everybody) if not one.isascii()]
    return Composed(
        message_id=identity,
        sender=sender.address,
        recipients=tuple(one for one in everybody if not outbound.only or one in outbound.only),
        data=_unveiled(_flatten(root, message.id), foreign),
        utf8=bool(foreign),
    )


def _token(outbound: Outbound, own: str, where: ReplyToken) -> tuple[str, str]:
    """The reply address, if it carries the token, and what stands in the subject."""
    number = "" if outbound.number is None else str(outbound.number)
    if not outbound.token or where == "none":
        return "", number
    reply_to = with_token(own, outbound.token)
    return (reply_to, number) if where == "address" and fits(reply_to) else ("", outbound.token)


def subject(said: str, tag: str, thread: Sequence[str]) -> str:
    """``Re:`` once if it answers; once the ticket's number, or token."""
    text = one_line(said, 900)
    if thread and not _REPLY.match(text):
        text = f"Re: {text}"
    return tagged(text, tag) if tag else text.strip()


def encoded(text: str) -> str:
    """A header value in ASCII (RFC 2047). What only looks like an encoded word is encoded too."""
    text = one_line(text)
    if text.isascii() and "=?" not in text:
        return text
    return Header(text, "utf-8", maxlinelen=70).encode(linesep="\n").replace("\n", "")


def _veiled(address: str) -> str:
    """In ASCII, so that nobody encodes it on the way into the header."""
    local, _, domain = address.rpartition("@")
    return address if local.isascii() else f"utf8-{local.encode().hex()}@{domain}"


def _unveiled(data: bytes, foreign: Sequence[str]) -> bytes:
    """Addresses with other letters as they are, in the header only (RFC 6532 section 3.2)."""
    head, end, body = data.partition(b"\r\n\r\n")
    for address in foreign:
        head = head.replace(_veiled(address).encode("ascii"), address.encode())
    return head + end + body


def _mailbox(address: Address) -> str:
    if not address.name:
        return _veiled(address.address)
    name = encoded(address.name)
    if name == one_line(address.name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        name = f'"{escaped}"'
    return f"{name} <{_veiled(address.address)}>"


def _recipients(written: Sequence[str]) -> list[Address]:
    found: list[Address] = []
    for text in written:
        parsed = addresses(text)
        # Of mails we read what may be meant; what we write to must be what was typed.
        if len(parsed) != 1 or ("<" not in text and not valid(text.strip())):
            raise Undeliverable(f"{one_line(text, 100)!r} is not an e-mail address")
        address = Address(wire_address(parsed[0].address), parsed[0].name)
        if address.address not in {other.address for other in found}:
            found.append(address)
    return found


def wire_address(address: str) -> str:
    """The address with its domain as on the wire (IDNA 2008)."""
    local, _, domain = address.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError as fault:
            raise Undeliverable(f"{domain} is not a domain: {fault}") from fault
    whole = f"{local}@{domain}"
    if not valid(whole):
        raise Undeliverable(f"{one_line(address, 100)!r} is not an e-mail address")
    return whole


def _threading(thread: Sequence[str]) -> list[tuple[str, str]]:
    ids = [identity for identity in thread if _ID.fullmatch(identity)]
    if not ids:
        return []
    kept = ids if len(ids) <= MAX_REFERENCES else [ids[0], *ids[1 - MAX_REFERENCES :]]
    return [("In-Reply-To", ids[-1]), ("References", " ".join(kept))]


def _automatic(message: Message, *, answers: bool) -> list[tuple[str, str]]:
    """RFC 3834: what no person wrote says so, and asks other machines to keep silent."""
    if message.author.kind != "system":
        return []
    kind = "auto-replied" if answers else "auto-generated"
    return [("Auto-Submitted", kind), ("X-Auto-Response-Suppress", "All")]


# -- the body -------------------------------------------------------------------------------


def _body(message: Message, files: Sequence[File]) -> Part:
    """mixed(alternative(plain, related(html, inline…)), file…), each level only where needed."""
    shown = [file for file in files if file.inline_id and message.html]
    attached = [file for file in files if file not in shown]
    body = _text(message.body, "plain")
    if message.html:
        html = _text(message.html, "html")
        if shown:
            html = _multipart("related", [html, *(_file(f, "inline") for f in shown)])
        body = _multipart("alternative", [body, html])
    if attached:
        body = _multipart("mixed", [body, *(_file(f, "attachment") for f in attached)])
    return body


def _text(text: str, subtype: str) -> Part:
    text = clean(text)
    if not text.endswith("\n"):
        text += "\n"
    part = Part(policy=compat32)
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    data = text.encode()
    if text.isascii() and all(len(line) <= 900 for line in text.split("\n")):
        part["Content-Transfer-Encoding"] = "7bit"
        part.set_payload(text)
    elif sum(byte > 127 for byte in data) * 4 > len(data):
        part["Content-Transfer-Encoding"] = "base64"
        part.set_payload(base64.encodebytes(data).decode("ascii"))
    else:
        part["Content-Transfer-Encoding"] = "quoted-printable"
        part.set_payload(quopri.encodestring(data).decode("ascii"))
    return part


def _file(file: File, disposition: str) -> Part:
    part = Part(policy=compat32)
    kind = file.type.lower()
    # An attached mail may not be base64 (RFC 2046 section 5.2.1); as bytes it arrives unchanged.
    unfit = not _TYPE.fullmatch(kind) or kind.startswith(("message/", "multipart/"))
    part["Content-Type"] = "application/octet-stream" if unfit else kind
    part["Content-Transfer-Encoding"] = "base64"
    name = safe_name(file.name) or "file"
    part.add_header(
        "Content-Disposition",
        disposition,
        filename=name if name.isascii() else ("utf-8", "", name),
    )
    if file.inline_id:
        part["Content-ID"] = f"<{re.sub(r'[^!-;=?-~]', '', file.inline_id)}>"
    part.set_payload(base64.encodebytes(file.data).decode("ascii"))
    return part


def _multipart(subtype: str, parts: Sequence[Part]) -> Part:
    whole = Part(policy=compat32)
    whole["Content-Type"] = f"multipart/{subtype}"
    for part in parts:
        whole.attach(part)
    return whole


def _flatten(root: Part, seed: str) -> bytes:
    """The bytes, with boundaries that follow from the message's id."""
    mark = re.sub(r"[^0-9A-Za-z]", "", seed)[:48]
    for number, part in enumerate(root.walk()):
        if part.is_multipart():
            # "=_" can stand in no quoted-printable or base64 line.
            part.set_boundary(f"=_{mark}_{number}")
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=_POLICY).flatten(root)
    return out.getvalue()
