r"""How far a mailbox has been read: pure, stored with the mails it is about.

A mail is identified by (folder, UIDVALIDITY, UID): never by its Message-ID, which senders
leave out and reuse. UIDs only rise, so one number says what has been taken.

When a server loses its numbering it gives the folder a new UIDVALIDITY, and every old mail
comes back under a new UID. So we keep a fingerprint of each mail we took, eight bytes of a hash
over what survives a move between servers, and count: three equal mails before and four after
are one new mail. The newest ``TAIL`` fingerprints travel with the cursor in the commit that
stores the mails; full tails become pages of their own. Pages are bounded; a mail older than the
dropped ones that carries the ``\Seen`` mark, which we set, counts as taken.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct, field

TAIL = 512
MAX_PAGES = 400
FIRST_BYTES = 131_072
"""Bytes of a mail from which its fingerprint can be told."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_HEADERS = (b"message-id", b"date", b"from", b"to", b"subject")
_MAX_HEAD = 65_536
_MAX_BODY = 16_384
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:((?:.*\n?)(?:[ \t].*\n?)*)", re.MULTILINE)


def fingerprint(raw: bytes) -> bytes:
    """Eight bytes that are the same for the same mail on another server.

    Taken from the headers that no server changes and the first 16 KB of the body, without
    regard to line ends and white space.
    """
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    digest = hashlib.blake2b(digest_size=8)
    fields: dict[bytes, bytes] = {}
    for name, value in _FIELD.findall(head[:_MAX_HEAD]):
        fields.setdefault(name.lower(), b" ".join(value.split()))
    for name in _HEADERS:
        digest.update(fields.get(name, b"") + b"\x00")
    digest.update(b"".join(body[:_MAX_BODY].split()))
    return digest.digest()


class Page(Struct, frozen=True):
    """A full tail. ``newest`` is the latest arrival among its mails."""

    newest: datetime
    prints: bytes


class Cursor(Struct, frozen=True):
    """How far one folder has been read.

    ``last`` is the highest UID taken. Mails up to ``baseline`` were there before our first
    look: of them only the unread are ours. ``settled`` is the moment before which a mail with
    the read mark counts as taken. ``pages`` are the numbers [first, next) of full pages.
    ``owed`` are mails below ``last`` that the server kept back: we come back to them.
    ``stored`` counts what was ever brought to the journal, ``quarantined`` what of it could not
    be read.
    """

    validity: int
    last: int
    baseline: int
    settled: datetime
    newest: datetime = EPOCH
    tail: bytes = b""
    pages: tuple[int, int] = (0, 0)
    marking: tuple[int, ...] = ()
    version: int = 1
    owed: tuple[int, ...] = ()
    stored: int = 0
    quarantined: int = 0

    def searches(self) -> list[tuple[str, int]]:
        """What to ask the server for: criteria of SEARCH, and the lowest UID that it may find.

        ``n:*`` also finds the last mail when that is below n (RFC 3501 section 6.4.8).
        """
        if self.last >= self.baseline:
            return [(f"UID {self.last + 1}:*", self.last + 1)]
        return [
            (f"UID {self.last + 1}:{self.baseline} UNSEEN", self.last + 1),
            (f"UID {self.baseline + 1}:*", self.baseline + 1),
        ]

    def taken(
        self,
        uids: Iterable[int],
        prints: Iterable[bytes],
        newest: datetime,
        marking: Iterable[int] = (),
        owed: Iterable[int] = (),
    ) -> "Cursor":
        """The cursor once these have been stored or found gone, but for the ones still ``owed``."""
        passed = set(uids)
        return msgspec.structs.replace(
            self,
            last=max([self.last, *passed]),
            newest=max(self.newest, newest),
            tail=self.tail + b"".join(prints),
            marking=tuple(marking),
            owed=tuple(sorted((set(self.owed) - passed) | set(owed))),
        )

    def counted(self, stored: int, quarantined: int) -> "Cursor":
        """The cursor after so many more mails have been brought to the journal."""
        return msgspec.structs.replace(
            self, stored=self.stored + stored, quarantined=self.quarantined + quarantined
        )

    def full(self) -> bool:
        return len(self.tail) >= TAIL * 8

    def turned(self) -> tuple["Cursor", int, bytes]:
        """The cursor with an empty tail, and the page to store *before* it: number and bytes."""
        first, number = self.pages
        page = msgspec.msgpack.encode(Page(self.newest, self.tail))
        return msgspec.structs.replace(self, tail=b"", pages=(first, number + 1)), number, page

    def dropped(self, oldest: bytes | None) -> "Cursor":
        """The cursor without its oldest page, whose stored bytes are given."""
        first, number = self.pages
        settled = self.settled
        if oldest:
            settled = max(settled, msgspec.msgpack.decode(oldest, type=Page).newest)
        return msgspec.structs.replace(self, pages=(first + 1, number), settled=settled)


class Halfway(Struct, frozen=True):
    """How far the mails of a new numbering have been compared with those of the ``old`` one."""

    old: int
    fresh: Cursor

    def leads(self, old: int, new: int) -> bool:
        """Whether it is about this change of numbering."""
        return (self.old, self.fresh.validity) == (old, new)

    def encoded(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @classmethod
    def decoded(cls, stored: bytes | None) -> "Halfway | None":
        return msgspec.msgpack.decode(stored, type=cls) if stored else None


def prints_of(page: bytes | None) -> bytes:
    """A stored page's fingerprints."""
    return msgspec.msgpack.decode(page, type=Page).prints if page else b""


class Known(Struct):
    """The fingerprints of what was taken under the old numbering, still to be found again."""

    counts: Counter[bytes] = field(default_factory=Counter)
    settled: datetime = EPOCH

    @classmethod
    def of(cls, cursor: Cursor, pages: Iterable[bytes | None]) -> "Known":
        known = cls(settled=cursor.settled)
        known.add(cursor.tail)
        for page in pages:
            known.add(prints_of(page))
        return known

    def add(self, prints: bytes) -> None:
        self.counts.update(prints[at : at + 8] for at in range(0, len(prints), 8))

    def found(self, pages: Iterable[bytes]) -> None:
        """These have been found again already."""
        for prints in pages:
            self.counts.subtract(prints[at : at + 8] for at in range(0, len(prints), 8))

    def recognise(self, mark: bytes, arrived: datetime, *, seen: bool) -> bool:
        """Whether this is a mail that was taken before; each one known matches once."""
        if self.counts[mark] > 0:
            self.counts[mark] -= 1
            return True
        return seen and arrived <= self.settled


def first_contact(validity: int, next_uid: int, now: datetime) -> Cursor:
    """A mailbox never seen before: of what is already in it, the unread is ours."""
    return Cursor(validity=validity, last=0, baseline=max(0, next_uid - 1), settled=now)


def encode(cursor: Cursor) -> bytes:
    return msgspec.msgpack.encode(cursor)


def decode(stored: bytes) -> Cursor:
    """Raises ``msgspec.ValidationError`` on what is no cursor."""
    return msgspec.msgpack.decode(stored, type=Cursor)
