"""Mails as people look at them: the header of one that came, a mail that was attached to one.

Pure, and slow for what is large: it belongs into a thread. Satisfies ``gateway.ports.Shows``.
"""

import re
from email.message import Message

from msgspec.structs import replace

from channels.email import mime
from channels.email.addresses import Address, addresses, sender_of
from channels.email.fold import fold_from
from channels.email.headers import Headers
from channels.email.html import Sanitizer
from channels.email.invitation import invitations
from channels.email.parse import body_of, date_of, signs_of
from channels.email.text import header_text
from gateway.core.shown import HeaderField, Invitation, Person, ShownFile, ShownMail
from gateway.ports import File

MAX_FIELDS = 300
MAX_VALUE = 2_000
DEEPEST = 10
_PATH = re.compile(rf"[1-9]\d{{0,2}}(?:\.[1-9]\d{{0,2}}){{0,{DEEPEST - 1}}}", re.ASCII)


class MailShow:
    """Holds the sanitizer; thread-safe."""

    def __init__(self) -> None:
        self._sanitizer = Sanitizer()
        self._outgoing = Sanitizer(remote_images=True)

    def header(self, raw: bytes) -> tuple[HeaderField, ...]:
        """The fields as they stand, decoded."""
        return _fields(mime.parse(raw))

    def mail(self, raw: bytes, inside: str = "") -> ShownMail | None:
        """The mail, or the one at ``inside`` of it; ``None`` if there is none."""
        found = raw if not inside else self._data(raw, inside)
        return self._shown(found, inside) if found is not None else None

    def file(self, raw: bytes, inside: str) -> File | None:
        """The file at ``inside``: its number in the mail, after that of each mail around it."""
        if not _PATH.fullmatch(inside):
            return None
        found: File | None = None
        for number in inside.split("."):
            files = mime.content(mime.parse(raw)).files
            if int(number) > len(files):
                return None
            found = files[int(number) - 1]
            raw = found.data
        return found

    def invitations(self, data: bytes) -> tuple[Invitation, ...]:
        return invitations(data)

    def clean(self, html: str) -> str:
        """What one of us wrote, harmless like what comes in; nothing where it is too complex."""
        return self._outgoing.clean(html)

    def _data(self, raw: bytes, inside: str) -> bytes | None:
        file = self.file(raw, inside)
        return file.data if file is not None else None

    def _shown(self, raw: bytes, inside: str) -> ShownMail | None:
        root = mime.parse(raw)
        headers = Headers(root.raw_items())
        if not headers.order:
            return None
        found = mime.content(root)
        body, html = body_of(found, self._sanitizer)
        sender = sender_of(headers.raw("from")) or sender_of(headers.raw("sender"))
        to, cc = (addresses(", ".join(headers.all(name))) for name in ("to", "cc"))
        return ShownMail(
            sender=_person(sender) if sender is not None else None,
            to=tuple(map(_person, to)),
            cc=tuple(map(_person, cc)),
            subject=headers.text("subject"),
            date=date_of(headers),
            body=body,
            html=html,
            fold_from=fold_from(body),
            files=tuple(
                _file(file, f"{inside}.{n}" if inside else str(n))
                for n, file in enumerate(found.files, start=1)
            ),
            fields=_fields(root),
            # Nobody here saw it arrive, so nobody vouches for who sent it.
            signs=replace(signs_of(headers, root, body, sender, frozenset(), ""), proof=""),
        )


def _person(address: Address) -> Person:
    return Person(address=address.address, name=address.name)


def _file(file: File, path: str) -> ShownFile:
    return ShownFile(
        path=path, name=file.name, type=file.type, size=len(file.data), inline_id=file.inline_id
    )


def _fields(root: Message) -> tuple[HeaderField, ...]:
    return tuple(
        HeaderField(name=header_text(name, 100), value=header_text(str(value), MAX_VALUE))
        for name, value in list(root.raw_items())[:MAX_FIELDS]
    )
