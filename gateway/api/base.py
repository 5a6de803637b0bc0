"""What all resources share: reading a request, pages, answers that wait for their commit."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from gateway.core import events as e
from gateway.core.errors import IllegalMove, Refused
from gateway.core.ids import AgentName
from gateway.flow.ledger import Ledger
from gateway.ports import HttpAnswer, HttpRequest, Principal
from gateway.store.contract import Page

T = TypeVar("T")
MOST = 200
Limit = Annotated[int, Meta(ge=1, le=MOST)]
Reason = Annotated[str, Meta(max_length=500)]


class Paged(Struct, frozen=True, kw_only=True):
    """Which part of a list: ``cursor`` is the ``next`` of the part before."""

    cursor: str = ""
    limit: Limit = 50


class Listed(Struct, Generic[T], frozen=True, kw_only=True):
    """A part of a list, and the cursor of the next one; ``null`` at the end."""

    items: list[T]
    next: str | None = None


class Done(Struct, frozen=True, kw_only=True):
    """It is done, and on disk."""

    ok: bool = True


def read(request: HttpRequest, kind: type[T]) -> T:
    """The body as ``kind``; an empty one counts as ``{}``. Raises ``msgspec.ValidationError``."""
    return msgspec.json.decode(request.body or b"{}", type=kind)


def asked(request: HttpRequest, kind: type[T]) -> T:
    """The query as ``kind``. Raises ``Refused`` with the parameter at fault."""
    known = {f.encode_name for f in msgspec.structs.fields(kind)}  # type: ignore[arg-type]
    for name in request.query:
        if name not in known:
            raise Refused(
                "bad_field", f"unknown parameter; there are {', '.join(sorted(known))}", name
            )
        if "\0" in request.query[name]:
            raise Refused("bad_field", "a NUL is in it, which no text has here", name)
    given = {name: value for name, value in request.query.items() if value != ""}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$.")
        raise Refused("bad_field", text, path.rstrip("`") or None) from error


def page(found: Page) -> HttpAnswer:
    return HttpAnswer(body=Listed(items=found.items, next=found.next))


def whole(items: Sequence[Any]) -> HttpAnswer:
    """A list that is short by nature."""
    return HttpAnswer(body=Listed(items=list(items)))


def who(request: HttpRequest) -> Principal:
    """Who is asking; only for routes that are not public."""
    if request.principal is None:
        raise Refused("unauthorized", "send a valid token: Authorization: Bearer TOKEN")
    return request.principal


def by(request: HttpRequest) -> AgentName:
    return who(request).name


async def record(ledger: Ledger, changes: Sequence[e.Change]) -> None:
    """Record and return when it is on disk. Raises ``Refused``, also for an impossible move."""
    ledger.check_open()
    if not changes:
        return
    try:
        position = ledger.record(changes)
    except IllegalMove as error:
        raise Refused("wrong_state", f"not possible for an item that is {error.state}") from error
    await ledger.committed(position)
