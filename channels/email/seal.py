"""Mails that are wrapped so that nobody here can read or check them: S/MIME, PGP, TNEF.

They are kept as attachments; here it is only told which they are (RFC 8551, 3156, MS-OXTNEF).
"""

from email.message import Message

from channels.email.text import header_text
from gateway.core.signs import Seal

_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
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
    said = header_text(str(part.get("content-type", "")), 400).lower()
    if kind == "multipart/signed":
        return "pgp_signed" if "pgp-signature" in said else "smime_signed"
    if kind == "multipart/encrypted":
        return "pgp_encrypted"
    if kind in _PKCS7:
        return "smime_opaque" if "signed-data" in said else "smime_encrypted"
    named = header_text(str(part.get("content-disposition", "")), 400).lower()
    if kind in _TNEF or "winmail.dat" in said or "winmail.dat" in named:
        return "tnef"
    return None
