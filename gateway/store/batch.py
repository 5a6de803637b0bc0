"""A run of journal entries as the arguments of ``commit_batch`` (migration 0004). Pure.

Several changes of one row in a run become one write of its last value: the database is asked for
the version before the first. Each value is encoded once. The tuples follow the ``…_in`` types.
"""

from collections.abc import Sequence
from typing import Any

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.ids import AttachmentId, CaseId, MessageId
from gateway.core.inbound import Decided
from gateway.store.codec import bounded, encode, text

Row = tuple[Any, ...]
Versioned = m.Case | m.Item | m.Outgoing | m.AgentStatus


class Batch:
    """Collects entries; ``arguments`` gives what ``commit_batch`` takes after node and epoch."""

    def __init__(self) -> None:
        self._events: list[Row] = []
        self._cases: dict[str, tuple[int, m.Case]] = {}
        self._items: dict[str, tuple[int, m.Item]] = {}
        self._messages: dict[MessageId, m.Message] = {}
        self._files: dict[AttachmentId, MessageId] = {}
        self._deliveries: dict[MessageId, dict[str, str]] = {}
        self._outbox: dict[str, tuple[int, m.Outgoing]] = {}
        self._statuses: dict[str, tuple[int, m.AgentStatus]] = {}
        self._agents: dict[str, m.AgentProfile] = {}
        self._queues: dict[str, m.Queue] = {}
        self._commands: dict[tuple[str, str], m.CommandRecord] = {}
        self._done: dict[str, m.InboundDone] = {}

    def add(self, entry: e.Entry) -> None:
        for row in entry.rows:
            self._put(row)
        case, item = _about(entry)
        position, event = entry.position, entry.event
        kind = event.__struct_config__.tag
        self._events.append(
            (position.epoch, position.offset, entry.at, kind, case, item, encode(event))
        )

    def _put(self, row: e.Row) -> None:
        match row:
            case m.Item():
                _keep(self._items, row.id, row)
            case m.Case():
                _keep(self._cases, row.id, row)
            case m.AgentStatus():
                _keep(self._statuses, row.name, row)
            case m.Outgoing():
                _keep(self._outbox, row.id, row)
            case m.Message():
                self._messages[row.id] = row
                self._files.update((file.id, row.id) for file in row.attachments)
            case _:
                self._put_rarer(row)

    def _put_rarer(
        self,
        row: m.CommandRecord | m.DeliveryUpdate | m.InboundDone | m.AgentProfile | m.Queue,
    ) -> None:
        match row:
            case m.CommandRecord():
                self._commands.setdefault((row.agent, row.id), row)
            case m.InboundDone():
                self._done[row.id] = row
            case m.DeliveryUpdate():
                patch = self._deliveries.setdefault(row.message, {})
                patch |= {"delivery": row.delivery, "delivery_reason": row.reason}
                if row.external_id:
                    patch["external_id"] = row.external_id
            case m.AgentProfile():
                self._agents[row.name] = row
            case m.Queue():
                self._queues[row.name] = row

    def arguments(self) -> tuple[list[Row], ...]:
        return (
            self._events,
            [_case(*kept) for kept in self._cases.values()],
            [_item(*kept) for kept in self._items.values()],
            [_message(message) for message in self._messages.values()],
            list(self._files.items()),
            [_delivery(*known) for known in self._deliveries.items()],
            [_outgoing(*kept) for kept in self._outbox.values()],
            [_status(*kept) for kept in self._statuses.values()],
            [(text(a.name), a.active, encode(a)) for a in self._agents.values()],
            [(text(q.name), encode(q)) for q in self._queues.values()],
            [(text(c.agent), text(c.id), c.at, c.answer) for c in self._commands.values()],
            [(d.id, d.status, encode(_decided(d))) for d in self._done.values()],
        )


def batch_of(entries: Sequence[e.Entry]) -> tuple[list[Row], ...]:
    """The arguments for a run of entries."""
    batch = Batch()
    for entry in entries:
        batch.add(entry)
    return batch.arguments()


def _keep(rows: dict[str, tuple[int, Any]], key: str, row: Versioned) -> None:
    known = rows.get(key)
    rows[key] = (row.version - 1 if known is None else known[0], row)


def _about(entry: e.Entry) -> tuple[CaseId | None, str | None]:
    """The case and item an event belongs to, for the trace; its rows know what it does not say."""
    event: Any = entry.event
    case, item = getattr(event, "case", None), getattr(event, "item", None)
    if isinstance(case, m.Case):
        return case.id, None
    if isinstance(item, m.Item):
        return item.case, item.id
    if case is not None:
        return case, item
    for row in entry.rows:
        if isinstance(row, m.Item):
            return row.case, item or row.id
        if isinstance(row, m.Outgoing) and row.case is not None:
            return row.case, row.item
    return None, item


def _case(expected: int, case: m.Case) -> Row:
    return (
        expected,
        case.id,
        case.number,
        case.version,
        text(case.channel),
        case.status.value,
        case.customer.id if case.customer else None,
        encode(case),
    )


def _item(expected: int, item: m.Item) -> Row:
    return (
        expected,
        item.id,
        item.case,
        item.version,
        item.owner,
        item.state.value,
        None if item.ended_at is None else item.state.value,
        text(item.channel),
        text(item.queue),
        item.agent,
        encode(item),
    )


def _message(message: m.Message) -> Row:
    return (
        message.id,
        message.case,
        message.seq,
        message.direction,
        bounded(message.external_id) or None,
        encode(message),
    )


def _delivery(message: MessageId, patch: dict[str, str]) -> Row:
    return message, bounded(patch.get("external_id", "")) or None, encode(patch)


def _outgoing(expected: int, row: m.Outgoing) -> Row:
    open_states = (m.OutboundState.PENDING, m.OutboundState.ATTEMPTING)
    settled = row.state not in open_states
    return (
        expected,
        row.id,
        row.version,
        row.state.value,
        row.state.value if settled else None,
        text(row.channel),
        row.case,
        encode(row),
    )


def _status(expected: int, status: m.AgentStatus) -> Row:
    return expected, text(status.name), status.version, status.epoch, status.home, encode(status)


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
