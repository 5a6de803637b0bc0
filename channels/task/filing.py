"""A task as the node takes it in, and the answer to who filed it. Pure."""

import hashlib
from datetime import UTC, datetime

from channels.guard import problem_of_url
from channels.task.schema import Filed, Task, TaskCustomer
from gateway.core.errors import Refused
from gateway.core.ids import ChannelName, QueueName, SkillName
from gateway.core.inbound import Claim, Decided, Inbound
from gateway.core.model import ChannelKind

MAX_KEY = 255


def check(task: Task, *, private: bool, where: str = "") -> None:
    """What types cannot say. Raises ``Refused``; ``where`` stands before the field's name."""
    if not task.title.strip():
        raise Refused("bad_field", "say in a few words what is to be done", f"{where}title")
    if task.callback_url:
        problem = problem_of_url(task.callback_url, private=private)
        if problem is not None:
            raise Refused("bad_field", f"the callback URL {problem}", f"{where}callback_url")
    if task.customer is not None and not canonical(task.customer):
        raise Refused(
            "bad_field",
            f"{task.customer.value!r} is no {task.customer.kind}",
            f"{where}customer.value",
        )


def canonical(customer: TaskCustomer) -> str:
    """The identity in the form in which identities are compared; empty if it is none."""
    value = customer.value.strip()
    match customer.kind:
        case "email":
            local, at, domain = value.rpartition("@")
            return value.lower() if at and local and domain and " " not in value else ""
        case "phone":
            digits = "".join(c for c in value if c.isdigit() and c.isascii())
            plain = value.removeprefix("+").replace(" ", "").replace("-", "")
            is_number = plain.replace("(", "").replace(")", "").replace(".", "") == digits
            return f"+{digits}" if is_number and value.startswith("+") and digits else ""
        case _:
            return value


def inbound_of(
    task: Task, *, channel: ChannelName, key: str, digest: str, at: datetime, filer: str
) -> Inbound:
    """``digest`` of the request stands in ``client_id``, so that a repeat can be told apart.

    ``filer`` is whose token filed it.
    """
    who = task.customer
    return Inbound(
        channel=channel,
        kind=ChannelKind.TASK,
        key=key,
        at=at,
        identity=Claim(kind=who.kind, value=canonical(who), name=who.name, verified=who.verified)
        if who
        else None,
        subject=task.title,
        body=task.body,
        language=task.language,
        client_id=digest,
        address=task.callback_url,
        queue=task.queue,
        category=task.category,
        skills={SkillName(s): n for s, n in task.skills.items()},
        priority=task.priority,
        due_at=_utc(task.due_at),
        attributes=dict(task.attributes),
        machine=True,
        filer=filer,
    )


def filed(
    task: Task, decided: Decided, *, channel: ChannelName, queue: QueueName, at: datetime
) -> Filed:
    """The answer: a function of the request and what became of it, so a repeat gets the same."""
    if decided.item is None or decided.case is None:
        raise Refused("conflict", decided.reason or "this became no work item")
    return Filed(
        id=decided.item,
        number=decided.number or 0,
        case=decided.case,
        channel=channel,
        queue=queue,
        title=task.title,
        category=task.category,
        skills={SkillName(s): n for s, n in task.skills.items()},
        language=task.language,
        priority=task.priority,
        due_at=_utc(task.due_at),
        customer=task.customer,
        callback_url=task.callback_url,
        created_at=at,
    )


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at is not None else None


def digest_of(body: bytes) -> str:
    """What tells one request body from another."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def inbox_key(who: str, header: str, place: int | None = None) -> str:
    """The inbox key of an ``Idempotency-Key``: everybody has keys of their own."""
    if not 1 <= len(header) <= MAX_KEY or not header.isprintable():
        raise Refused(
            "bad_field", f"a key has 1 to {MAX_KEY} printable characters", "Idempotency-Key"
        )
    key = hashlib.sha256(f"{who}\n{header}".encode()).hexdigest()
    return f"idem:{key}" if place is None else f"idem:{key}:{place}"
