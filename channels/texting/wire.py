"""What providers bring and take, whoever they are."""

from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import msgspec
from msgspec import Struct

from gateway.ports import HttpRequest

MAX_HOOK = 262_144
"""Bytes of one webhook."""
SKEW_SECONDS = 300.0
"""How far from now a webhook's own time may be, where its signature covers one."""
Reported = Literal["sent", "delivered", "read", "failed"]


class Forged(Exception):
    """It is not signed by the provider; nobody is told why."""


class Stale(Exception):
    """It is signed, and old: it is taken only if it came before."""


class BadHook(Exception):
    """It is signed, and not what the provider should send; ``field`` is at fault."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field, self.why = field, why


class Media(Struct, frozen=True, kw_only=True):
    """A file that the provider keeps for us."""

    url: str
    type: str = ""
    name: str = ""


class Arrived(Struct, frozen=True, kw_only=True):
    """A text that came in. ``id`` is the provider's; ``answers`` the id of what it quotes.

    ``sender`` and ``to`` are as the provider writes them. ``confirmed``: it is about being written
    to, and the provider has answered it.
    """

    id: str
    sender: str
    to: str
    text: str = ""
    media: tuple[Media, ...] = ()
    name: str = ""
    answers: str = ""
    at: datetime | None = None
    confirmed: bool = False


class Report(Struct, frozen=True, kw_only=True):
    """How far a text of ours has come. ``message`` is our own id of it, ``id`` the provider's.

    ``opted_out``: it failed because whoever is there wants no more.
    """

    id: str
    message: str
    state: Reported
    reason: str = ""
    opted_out: bool = False


class Text(Struct, frozen=True, kw_only=True):
    """What is to be sent. ``order`` is the same at every attempt; ``message`` is told in reports.

    ``media`` are addresses of files, ``media_types`` what those are.

    ``others`` are the provider's ids of other texts to the same number.

    ``heard_at`` is when the customer wrote last, if that was looked up; ``notice``: it is about
    being written to. ``template`` and ``values`` stand for ``body`` where nothing else may be sent.
    """

    order: str
    message: str
    sender: str
    to: str
    body: str
    media: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    status_url: str = ""
    since: datetime
    template: str = ""
    language: str = ""
    values: tuple[str, ...] = ()
    others: frozenset[str] = frozenset()
    heard_at: datetime | None = None
    notice: bool = False


class Hook(Struct, frozen=True, kw_only=True):
    """A webhook: ``url`` is the address that the provider was given, ``now`` Unix time."""

    request: HttpRequest
    url: str
    now: float


class Login(Struct, frozen=True, kw_only=True):
    """What fetching a file takes, at the provider's own hosts alone: those ends of their names."""

    hosts: tuple[str, ...]
    headers: dict[str, str]


class Provider(Protocol):
    """One company's way of saying it."""

    def check(self, hook: Hook) -> None:
        """Whether it is theirs. Raises ``Forged``, ``Stale`` or ``BadHook``."""
        ...

    def read(self, request: HttpRequest) -> list[Arrived | Report]:
        """What a webhook that was checked brings. Raises ``BadHook``."""
        ...

    async def send(self, text: Text) -> str:
        """One attempt; the provider's id. Raises ``SendError``."""
        ...

    async def probe(self) -> tuple[str, str | None]:
        """Whether our account is good: what was tried, and what to mend."""
        ...

    def login(self) -> Login | None:
        """``None``: files lie open, under addresses that nobody guesses."""
        ...


@runtime_checkable
class Finds(Protocol):
    """A provider that can be asked; others tell of what was sent by webhook alone."""

    async def find(self, text: Text) -> str | None:
        """The provider's id of what an earlier attempt has sent, if it has.

        Raises ``SendError`` if that cannot be found out now.
        """
        ...


T = TypeVar("T")


def read_json(body: bytes, kind: type[T]) -> T:
    """Raises ``BadHook`` with the field."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        why, _, path = str(error).partition(" - at `")
        where = path.rstrip("`").removeprefix("$").lstrip(".")
        if "required field `" in why:
            where = ".".join(filter(None, (where, why.split("`")[1])))
        raise BadHook(where or "body", why) from error


def read_answer(body: bytes) -> dict[str, Any]:
    """What a provider has answered; empty if it is no object."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
