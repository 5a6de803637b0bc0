"""What an error of the database means for us.

The one question after a failed write is whether it may have happened. A server that answered
with an error rolled back; a connection that was lost, or a server that was told to end, leaves
it open.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg
from msgspec import json

from gateway.core.duties import DutyTerm
from gateway.store.contract import (
    BadBatch,
    CommitUnknown,
    DutyLost,
    Fenced,
    StoreError,
    Unavailable,
    VersionConflict,
)

LOST = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What is raised when a connection fails rather than the server; time-outs are OSError too."""
FAILED = (*LOST, asyncpg.PostgresError)


class Deadlock(StoreError):
    """Rolled back for another's sake; try again at once."""


# The first line that a SQLSTATE begins like.
_MEANINGS: tuple[tuple[tuple[str, ...], type[StoreError]], ...] = (
    (("SR001",), Fenced),
    (("SR002", "23505"), VersionConflict),
    (("40001", "40P01"), Deadlock),
    # The connection itself: the server may have committed before it told us goodbye.
    (("08", "57P"), CommitUnknown),
    # Resources, locks, cancels, I/O, a primary that became a standby: it may go well later.
    (("53", "55", "57014", "58", "25006", "40"), Unavailable),
)


def meaning(problem: BaseException) -> StoreError:
    """Our error for one that asyncpg or the network raised while a write was under way."""
    if not isinstance(problem, asyncpg.PostgresError):
        return CommitUnknown(f"connection lost: {problem or type(problem).__name__}")
    state = problem.sqlstate or ""
    if state == "SR003":
        lost = json.decode(problem.detail or "[]", type=frozenset[DutyTerm])
        return DutyLost(str(problem), lost)
    for begins, kind in _MEANINGS:
        if state.startswith(begins):
            return kind(str(problem))
    return BadBatch(f"{type(problem).__name__}: {problem}")


@contextmanager
def reading() -> Iterator[None]:
    """For statements that need no certainty: whatever happens, they did nothing.

    Who was cancelled stays so: giving a connection back that is lost as well raises its own error
    in place of the cancellation, and a loop that goes on after errors would never end.
    """
    try:
        yield
    except (*LOST, asyncpg.PostgresConnectionError) as problem:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError from problem
        raise Unavailable(str(problem) or type(problem).__name__) from problem
    except asyncpg.PostgresError as problem:
        found = meaning(problem)
        if isinstance(found, CommitUnknown | Deadlock):
            found = Unavailable(str(problem))
        raise found from problem


@contextmanager
def hearing_warnings(con: Any) -> Iterator[None]:
    """Raises ``CommitUnknown`` if the server warned meanwhile.

    A cancelled wait for the standby ends in success with only a warning: written here, perhaps
    nowhere else.
    """
    said: list[str] = []

    def hear(_con: object, message: Any) -> None:
        if message.severity_en == "WARNING":
            said.append(message.message)

    con.add_log_listener(hear)
    try:
        yield
    finally:
        # A closed connection keeps its listeners; only one that the pool took back has none.
        with suppress(asyncpg.InterfaceError):
            con.remove_log_listener(hear)
    if said:
        raise CommitUnknown(f"the server warned: {said[0]}")
