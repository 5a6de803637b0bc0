"""What came as bytes and is looked at by people: an attached mail, an invitation. Pure values."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from gateway.core.signs import Signs


class Person(Struct, frozen=True, kw_only=True):
    """Somebody as a header names them."""

    address: str
    name: str = ""


class HeaderField(Struct, frozen=True, kw_only=True):
    """A field of a header, decoded and made one line."""

    name: str
    value: str


class ShownFile(Struct, frozen=True, kw_only=True):
    """A file within a mail: ``path`` is its number there, after that of each mail around it."""

    path: str
    name: str
    type: str
    size: int
    inline_id: str = ""


class ShownMail(Struct, frozen=True, kw_only=True):
    """A mail that came in another one. ``html`` is sanitised like any; ``date`` is a claim.

    From line ``fold_from`` of ``body`` on (0: nowhere) it only repeats.
    """

    sender: Person | None
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    subject: str = ""
    date: datetime | None = None
    body: str = ""
    html: str | None = None
    fold_from: int = 0
    files: tuple[ShownFile, ...] = ()
    fields: tuple[HeaderField, ...] = ()
    signs: Signs = Signs()


class Guest(Struct, frozen=True, kw_only=True):
    """Who is invited, or invites. ``role`` and ``answer`` as RFC 5545 calls them, lower case."""

    address: str
    name: str = ""
    role: str = ""
    answer: str = ""


class Recurs(Struct, frozen=True, kw_only=True):
    """How an event repeats. ``rule`` is the rule itself; ``plain``: the rest says all of it.

    ``days`` are ``MO`` to ``SU``, with a number before it for the n-th of a month.
    """

    rule: str
    plain: bool
    every: Literal["daily", "weekly", "monthly", "yearly"] = "daily"
    interval: int = 1
    days: tuple[str, ...] = ()
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    count: int | None = None
    until: str = ""


class Invitation(Struct, frozen=True, kw_only=True):
    """An event of a calendar file (RFC 5545), and what is asked about it (RFC 5546).

    ``begins`` and ``ends`` are moments; ``local_begins`` and ``local_ends`` what a clock shows
    there, in ``zone`` as the file calls it (empty: wherever one is). Of whole days there only are
    these two, the last day included. ``revision`` rises when it is changed; ``occurrence`` is the
    one of a series that it is about.
    """

    title: str = ""
    method: str = ""
    status: str = ""
    begins: datetime | None = None
    ends: datetime | None = None
    local_begins: str = ""
    local_ends: str = ""
    zone: str = ""
    all_day: bool = False
    where: str = ""
    link: str = ""
    text: str = ""
    organiser: Guest | None = None
    guests: tuple[Guest, ...] = ()
    more_guests: int = 0
    recurs: Recurs | None = None
    revision: int = 0
    occurrence: str = ""
