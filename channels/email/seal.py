"""Mails that are wrapped so that nobody here can read or check them: S/MIME, PGP, TNEF.

They are kept as attachments; here it is only told which they are (RFC 8551, 3156, MS-OXTNEF).
"""

from email.message import Message

from channels.email.text import header_text
from gateway.core.signs import Seal

_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_UNKNOWN = "application/octet-stream"
_PKCS7 = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_PGP = "-----BEGIN PGP MESSAGE-----"
_PGP_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_MOST_PARTS = 50


def seals(root: Message, body: str) -> tuple[Seal, ...]:
    """What the mail is wrapped in, each once; ``body`` is its text."""
    found: dict[Seal, None] = {}
    for count, part in enumerate(root.walk()):
        if count >= _MOST_PARTS:
            break
        if (seal := _seal(part)) is not None:
            found[seal] = None
    start = body.lstrip()[:60]
    if start.startswith(_PGP):
        found["pgp_encrypted"] = None
    elif start.startswith(_PGP_SIGNED):
        found["pgp_signed"] = None
    return tuple(found)


def _seal(part: Message) -> Seal | None:
    kind = part.get_content_type()
    if kind == "multipart/signed":
        return "pgp_signed" if "pgp-signature" in _said(part) else "smime_signed"
    if kind == "multipart/encrypted":
        return "pgp_encrypted"
    if kind in _PKCS7:
        return "smime_opaque" if "signed-data" in _said(part) else "smime_encrypted"
    if kind in _TNEF or (kind == _UNKNOWN and "winmail.dat" in _said(part)):
        return "tnef"
    return None


def _said(part: Message) -> str:
    fields = (str(part.get(name, ""))[:400] for name in ("content-type", "content-disposition"))
    return header_text(" ".join(fields)).lower()
