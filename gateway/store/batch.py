"""A run of journal entries as the arguments of ``commit_batch`` (migration 0004). Pure.

Several changes of one row in a run become one write of its last value: the database is asked for
the version before the first. Each value is encoded once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.ids import AttachmentId, CaseId, MessageId
from gateway.core.inbound import Decided
from gateway.store.codec import encode, text

Versioned = m.Case | m.Item | m.Outgoing | m.AgentStatus
VERSIONED: tuple[type[e.Row], ...] = (m.Case, m.Item, m.Outgoing, m.AgentStatus)


class Kept:
    """The versioned rows of one table: for each the version to find, and the last value."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[int, Versioned]] = {}

    def put(self, row: Versioned) -> None:
        key = row.name if isinstance(row, m.AgentStatus) else row.id
        known = self._rows.get(key)
        self._rows[key] = (row.version - 1 if known is None else known[0], row)

    def arrays(self) -> tuple[list[int], list[bytes]]:
        rows = self._rows.values()
        return [expected for expected, _ in rows], [encode(row) for _, row in rows]


class Batch:
    """Collects entries; ``arguments`` gives what ``commit_batch`` takes after node and epoch."""

    def __init__(self) -> None:
        self._epochs: list[int] = []
        self._offsets: list[int] = []
        self._times: list[datetime] = []
        self._cases: list[str | None] = []
        self._items: list[str | None] = []
        self._events: list[bytes] = []
        self._kept: dict[type[e.Row], Kept] = {kind: Kept() for kind in VERSIONED}
        self._messages: dict[MessageId, m.Message] = {}
        self._files: dict[AttachmentId, MessageId] = {}
        self._deliveries: dict[MessageId, dict[str, str]] = {}
        self._agents: dict[str, m.AgentProfile] = {}
        self._queues: dict[str, m.Queue] = {}
        self._commands: dict[tuple[str, str], m.CommandRecord] = {}
        self._done: dict[str, m.InboundDone] = {}

    def add(self, entry: e.Entry) -> None:
        for row in entry.rows:
            self._put(row)
        case, item = _about(entry)
        self._epochs.append(entry.position.epoch)
        self._offsets.append(entry.position.offset)
        self._times.append(entry.at)
        self._cases.append(case)
        self._items.append(item)
        self._events.append(encode(entry.event))

    def _put(self, row: e.Row) -> None:
        match row:
            case m.Item() | m.Case() | m.AgentStatus() | m.Outgoing():
                self._kept[type(row)].put(row)
            case m.Message():
                self._messages[row.id] = row
                self._files.update((file.id, row.id) for file in row.attachments)
            case m.CommandRecord():
                self._commands.setdefault((row.agent, row.id), row)
            case m.DeliveryUpdate():
                self._deliver(row)
            case m.InboundDone():
                self._done[row.id] = row
            case m.AgentProfile():
                self._agents[row.name] = row
            case m.Queue():
                self._queues[row.name] = row

    def _deliver(self, row: m.DeliveryUpdate) -> None:
        doc = self._deliveries.setdefault(row.message, {"id": row.message})
        doc["delivery"] = row.delivery
        doc["delivery_reason"] = row.reason
        if row.external_id:
            doc["external_id"] = row.external_id

    def arguments(self) -> tuple[Any, ...]:
        commands = list(self._commands.values())
        return (
            self._epochs,
            self._offsets,
            self._times,
            self._cases,
            self._items,
            self._events,
            *self._kept[m.Case].arrays(),
            *self._kept[m.Item].arrays(),
            [encode(message) for message in self._messages.values()],
            list(self._files.keys()),
            list(self._files.values()),
            [encode(doc) for doc in self._deliveries.values()],
            *self._kept[m.Outgoing].arrays(),
            *self._kept[m.AgentStatus].arrays(),
            [encode(profile) for profile in self._agents.values()],
            [encode(queue) for queue in self._queues.values()],
            [text(command.agent) for command in commands],
            [text(command.id) for command in commands],
            [command.at for command in commands],
            [command.answer for command in commands],
            list(self._done.keys()),
            [encode(_decided(done)) for done in self._done.values()],
        )


def batch_of(entries: Sequence[e.Entry]) -> tuple[Any, ...]:
    """The arguments for a run of entries."""
    batch = Batch()
    for entry in entries:
        batch.add(entry)
    return batch.arguments()


def _about(entry: e.Entry) -> tuple[CaseId | None, str | None]:
    """The case and item an event belongs to, for the trace; its rows know what it does not say."""
    event: Any = entry.event
    case, item = getattr(event, "case", None), getattr(event, "item", None)
    match case, item:
        case m.Case(), _:
            return case.id, None
        case _, m.Item():
            return item.case, item.id
        case str(), _:
            return CaseId(case), item
        case _:
            pass
    for row in entry.rows:
        match row:
            case m.Item() | m.Outgoing() if row.case is not None:
                return row.case, row.id if isinstance(row, m.Item) else row.item
            case _:
                pass
    return None, item


def _decided(done: m.InboundDone) -> Decided:
    return Decided(
        status=done.status,
        case=done.case,
        item=done.item,
        number=done.number,
        message=done.message,
        seq=done.seq,
        reason=done.reason,
    )
