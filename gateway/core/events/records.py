"""What is done to what is on record: customers, content, the journal, the database."""

from datetime import datetime

from gateway.core.events.base import Happened
from gateway.core.ids import CustomerId


class CustomerValued(Happened, frozen=True, kw_only=True):
    """Somebody has said what a customer is worth; what waits of theirs is ranked anew."""

    customer: CustomerId
    value: int
    by: str


class ContentRemoved(Happened, frozen=True, kw_only=True):
    """What was said in these tickets has had its time; messages, files and their bytes counted.

    ``colleagues``: how many of the messages colleagues had written to each other.

    Without tickets: what arrived and became none.
    """

    cases: tuple[int, ...]
    messages: int
    files: int
    size: int
    colleagues: int = 0


class ErasureOrdered(Happened, frozen=True, kw_only=True):
    """A customer wants to be forgotten; what became of it is ``CustomerErased``."""

    customer: CustomerId
    by: str


class CustomerErased(Happened, frozen=True, kw_only=True):
    """Identities and content are gone everywhere; what was counted stays."""

    customer: CustomerId
    by: str
    cases: int
    messages: int
    files: int


class JournalDropped(Happened, frozen=True, kw_only=True):
    """Entries before ``before`` are here no more; ``archive`` names the file that has them."""

    before: datetime
    weeks: tuple[str, ...]
    rows: int
    archive: str = ""


class BackupRestored(Happened, frozen=True, kw_only=True):
    """What came after ``made_at`` is not here. Said by the command line, under its own name."""

    made_at: datetime
    program: str
    rows: int


class DatabaseMoved(Happened, frozen=True, kw_only=True):
    """Everything came here from another database."""

    moved_at: datetime
    program: str
    rows: int


RecordsEvent = (
    CustomerValued
    | ContentRemoved
    | ErasureOrdered
    | CustomerErased
    | JournalDropped
    | BackupRestored
    | DatabaseMoved
)
