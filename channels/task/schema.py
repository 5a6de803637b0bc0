"""What a task may say, and what its filer is answered."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gateway.core.ids import CaseId, ChannelName, ItemId, QueueName, SkillName

MOST = 500
"""Tasks in one bulk request."""

Title = Annotated[str, Meta(min_length=1, max_length=500)]
Body = Annotated[str, Meta(max_length=200_000)]
Word = Annotated[str, Meta(min_length=1, max_length=100)]
Level = Annotated[int, Meta(ge=1, le=5)]
Language = Annotated[str, Meta(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")]
Priority = Annotated[int, Meta(ge=-100, le=100)]
Moment = Annotated[datetime, Meta(tz=True)]
Url = Annotated[str, Meta(max_length=2_000)]
Value = Annotated[str, Meta(max_length=2_000)] | int | float | bool | None
Bag = Annotated[dict[Word, Value], Meta(max_length=50)]
Skills = Annotated[dict[Word, Level], Meta(max_length=50)]


class TaskCustomer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the task is about, by an identity.

    ``verified`` says that the filing system vouches for it; without that it is a hint to the
    agent and joins no history.
    """

    kind: Literal["account", "email", "phone", "sip", "visitor"]
    value: Annotated[str, Meta(min_length=1, max_length=320)]
    name: Annotated[str, Meta(max_length=200)] = ""
    verified: bool = True


class Task(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of back-office work.

    ``skills`` name minimum levels 1 to 5; ``priority`` goes from -100 to 100; ``due_at`` is
    RFC 3339 with an offset; ``callback_url`` is told what becomes of it.
    """

    title: Title
    body: Body = ""
    queue: QueueName | None = None
    category: Annotated[str, Meta(max_length=100)] = ""
    skills: Skills = field(default_factory=dict)
    language: Language = ""
    priority: Priority = 0
    due_at: Moment | None = None
    customer: TaskCustomer | None = None
    attributes: Bag = field(default_factory=dict)
    callback_url: Url = ""


Tasks = Annotated[list[Task], Meta(min_length=1, max_length=MOST)]


class Bulk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many tasks at once: all of them are on disk, or none."""

    tasks: Tasks


class Filed(Struct, frozen=True, kw_only=True):
    """The work item that a task became, as it was when it was filed."""

    id: ItemId
    number: int
    case: CaseId
    channel: ChannelName
    queue: QueueName
    title: str
    state: Literal["queued"] = "queued"
    category: str = ""
    skills: dict[SkillName, int] = field(default_factory=dict)
    language: str = ""
    priority: int = 0
    due_at: datetime | None = None
    customer: TaskCustomer | None = None
    callback_url: str = ""
    created_at: datetime


class FiledBulk(Struct, frozen=True, kw_only=True):
    """The work items of a bulk request, in its order."""

    items: list[Filed]


class CallbackSecret(Struct, frozen=True, kw_only=True):
    """What receivers check callbacks with (Standard Webhooks)."""

    channel: ChannelName
    secret: str
