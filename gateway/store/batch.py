"""A run of journal entries as what ``commit_batch`` and its companions take. Pure.

The companions are ``commit_sites`` (0010), ``commit_directory`` (0015), ``commit_colleagues``
(0024) and ``commit_ties`` (0027).

Several changes of one row in a run become one write of its last value: the database is asked for
the version before the first. Each value is encoded once. The tuples follow the ``…_in`` types.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, get_args

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.bad_addresses import BadAddress
from gateway.core.calendars import Calendar
from gateway.core.clocks import ServicePolicy
from gateway.core.colleagues import ColleagueMark, ColleagueMessage
from gateway.core.ids import AttachmentId, CaseId, ItemId, MessageId
from gateway.core.inbound import Decided
from gateway.core.macros import Macro
from gateway.core.rules.rule import Rule
from gateway.core.stops import Stop
from gateway.core.thresholds import Alarm
from gateway.core.ties import CasePlace, ItemPlace, MessagePlace
from gateway.core.timetable import Entry, Key, key_of
from gateway.core.wordings import Canned, Letter
from gateway.store.codec import bounded, encode, text

Row = tuple[Any, ...]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class PgBatch:
    """Collects entries; ``arguments`` gives what ``commit_batch`` takes after node and epoch.

    Everything is encoded as it is added: the work is done in small pieces while an earlier batch
    is under way, and nothing but sending is left for the moment when the connection is free.
    """

    def __init__(self) -> None:
        self.entries: list[e.Entry] = []
        self._at, self._at_us = _EPOCH, 0
        self._events: list[Row] = []
        self._cases: dict[str, Row] = {}
        self._items: dict[str, Row] = {}
        self._messages: dict[MessageId, Row] = {}
        self._files: dict[AttachmentId, MessageId] = {}
        self._deliveries: dict[MessageId, dict[str, Any]] = {}
        self._outbox: dict[str, Row] = {}
        self._statuses: dict[str, Row] = {}
        self._agents: dict[str, Row] = {}
        self._queues: dict[str, Row] = {}
        self._sites: dict[str, Row] = {}
        self._entries: dict[Key, Row] = {}
        self._commands: dict[tuple[str, str], Row] = {}
        self._done: dict[str, Row] = {}
        self._said: dict[str, Row] = {}
        self._marks: dict[tuple[str, str], Row] = {}
        self._places: tuple[dict[str, Row], ...] = ({}, {}, {})

    def add(self, entry: e.Entry) -> None:
        for row in entry.rows:
            self._TAKES[type(row)](self, row)
        position, event = entry.position, entry.event
        kind, about = _KINDS[type(event)]
        self.entries.append(entry)
        self._events.append(
            (
                position.epoch,
                position.offset,
                self._us(entry.at),
                kind,
                *about(entry),
                encode(event),
            )
        )

    def _us(self, at: datetime) -> int:
        """Microseconds of the Unix epoch; entries of one record share their time."""
        if at is not self._at:
            self._at, self._at_us = at, (at - _EPOCH) // _MICROSECOND
        return self._at_us

    # A row that changes again in the same run keeps the version that must be there now.

    def _take_item(self, row: m.Item) -> None:
        known = self._items.get(row.id)
        self._items[row.id] = _item(row.version - 1 if known is None else known[0], row)

    def _take_case(self, row: m.Case) -> None:
        known = self._cases.get(row.id)
        self._cases[row.id] = _case(row.version - 1 if known is None else known[0], row)

    def _take_outgoing(self, row: m.Outgoing) -> None:
        known = self._outbox.get(row.id)
        self._outbox[row.id] = _outgoing(row.version - 1 if known is None else known[0], row)

    def _take_status(self, row: m.AgentStatus) -> None:
        known = self._statuses.get(row.name)
        self._statuses[row.name] = _status(row.version - 1 if known is None else known[0], row)

    def _take_message(self, row: m.Message) -> None:
        self._messages[row.id] = _message(row)
        for file in row.attachments:
            self._files[file.id] = row.id

    def _take_command(self, row: m.CommandRecord) -> None:
        # The first answer stands.
        self._commands.setdefault(
            (row.agent, row.id), (text(row.agent), text(row.id), row.at, row.answer)
        )

    def _take_delivery(self, row: m.DeliveryUpdate) -> None:
        patch = self._deliveries.setdefault(row.message, {})
        patch |= {"delivery": row.delivery, "delivery_reason": row.reason}
        if row.external_id:
            patch["external_id"] = row.external_id

    def _take_amended(self, row: m.Amended) -> None:
        said = row.message
        patch = self._deliveries.setdefault(said.id, {})
        patch |= {"body": said.body, "html": said.html}
        if said.edited_at:
            patch["edited_at"] = said.edited_at
        if said.deleted_at:
            patch["deleted_at"] = said.deleted_at

    def _take_done(self, row: m.InboundDone) -> None:
        self._done[row.id] = (row.id, row.status, encode(_decided(row)))

    def _take_agent(self, row: m.AgentProfile) -> None:
        self._agents[row.name] = (text(row.name), row.active, encode(row))

    def _take_queue(self, row: m.Queue) -> None:
        self._queues[row.name] = (text(row.name), encode(row))

    def _take_site(self, row: m.Site) -> None:
        self._sites[row.name] = (text(row.name), encode(row))

    def _take_entry(self, row: Entry) -> None:
        kind, name = key = key_of(row)
        self._entries[key] = (kind, text(name), encode(row))

    def _take_said(self, row: ColleagueMessage) -> None:
        self._said[row.id] = _said(row)

    def _take_mark(self, row: ColleagueMark) -> None:
        key = text(row.reader), text(row.chat)
        self._marks[key] = (*key, row.message)

    def _take_case_place(self, row: CasePlace) -> None:
        self._places[0][row.case] = (row.case, row.into)

    def _take_message_place(self, row: MessagePlace) -> None:
        self._places[1][row.message] = (row.message, row.case, row.seq, row.to, row.to_seq)

    def _take_item_place(self, row: ItemPlace) -> None:
        self._places[2][row.item] = (row.item, row.case)

    # A function by type is found ten times faster than by a ladder of cases. Of the class, not of
    # the object: there it would be a cycle, and every batch would wait for the collector.
    _TAKES: ClassVar[Mapping[type[Any], Callable[["PgBatch", Any], None]]] = {
        m.Item: _take_item,
        m.Case: _take_case,
        m.Outgoing: _take_outgoing,
        m.AgentStatus: _take_status,
        m.Message: _take_message,
        m.CommandRecord: _take_command,
        m.DeliveryUpdate: _take_delivery,
        m.Amended: _take_amended,
        m.InboundDone: _take_done,
        m.AgentProfile: _take_agent,
        m.Queue: _take_queue,
        m.Site: _take_site,
        Calendar: _take_entry,
        ServicePolicy: _take_entry,
        Rule: _take_entry,
        Macro: _take_entry,
        Alarm: _take_entry,
        BadAddress: _take_entry,
        Stop: _take_entry,
        Canned: _take_entry,
        Letter: _take_entry,
        ColleagueMessage: _take_said,
        ColleagueMark: _take_mark,
        CasePlace: _take_case_place,
        MessagePlace: _take_message_place,
        ItemPlace: _take_item_place,
    }

    def arguments(self) -> tuple[list[Row], ...]:
        return (
            self._events,
            *_new_and_changed(self._cases),
            *_new_and_changed(self._items),
            list(self._messages.values()),
            list(self._files.items()),
            [_delivery(*known) for known in self._deliveries.items()],
            *_new_and_changed(self._outbox),
            *_new_and_changed(self._statuses),
            list(self._agents.values()),
            list(self._queues.values()),
            list(self._commands.values()),
            list(self._done.values()),
            list(self._sites.values()),
            list(self._entries.values()),
            list(self._said.values()),
            list(self._marks.values()),
            *(list(rows.values()) for rows in self._places),
        )


def _new_and_changed(rows: Mapping[str, Row]) -> tuple[list[Row], list[Row]]:
    """Those that no version of must be there, and the others."""
    new: list[Row] = []
    changed: list[Row] = []
    for row in rows.values():
        (changed if row[0] else new).append(row)
    return new, changed


About = tuple[CaseId | None, ItemId | None]
"""The case and item an event belongs to, for the trace."""


def _its_case(entry: e.Entry) -> About:
    event: Any = entry.event
    return event.case.id, None


def _its_item(entry: e.Entry) -> About:
    event: Any = entry.event
    return event.item.case, event.item.id


def _both_named(entry: e.Entry) -> About:
    event: Any = entry.event
    return (event.case, event.item) if event.case is not None else _from_rows(entry)


def _case_named(entry: e.Entry) -> About:
    event: Any = entry.event
    return (event.case, None) if event.case is not None else _from_rows(entry)


def _from_rows(entry: e.Entry) -> About:
    """The event's rows know what it does not say."""
    item = getattr(entry.event, "item", None)
    for row in entry.rows:
        if isinstance(row, m.Item):
            return row.case, item or row.id
        if isinstance(row, m.Outgoing) and row.case is not None:
            return row.case, row.item
    return None, item


def _about(kind: type[Any]) -> Callable[[e.Entry], About]:
    if kind is e.CaseOpened:
        return _its_case
    if kind in (e.ItemCreated, e.ItemAdopted):
        return _its_item
    fields = kind.__struct_fields__
    if "case" in fields:
        return _both_named if "item" in fields else _case_named
    return _from_rows


_KINDS: Mapping[type[Any], tuple[str, Callable[[e.Entry], About]]] = {
    kind: (kind.__struct_config__.tag, _about(kind)) for kind in get_args(e.Event)
}
"""By type of event: what it is called in the journal, and how to find what it is about."""


def _case(expected: int, case: m.Case) -> Row:
    return (
        expected,
        case.id,
        case.number,
        case.version,
        text(case.channel),
        case.status,
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
        item.state,
        None if item.ended_at is None else item.state,
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


def _delivery(message: MessageId, patch: dict[str, Any]) -> Row:
    return message, bounded(patch.get("external_id", "")) or None, encode(patch)


def _outgoing(expected: int, row: m.Outgoing) -> Row:
    open_states = (m.OutboundState.PENDING, m.OutboundState.ATTEMPTING)
    settled = row.state not in open_states
    return (
        expected,
        row.id,
        row.version,
        row.state,
        row.state if settled else None,
        text(row.channel),
        row.case,
        encode(row),
    )


def _said(row: ColleagueMessage) -> Row:
    return (
        row.id,
        text(row.chat),
        text(row.by),
        None if row.agent is None else text(row.agent),
        row.item,
        row.case,
        row.state,
        "open" if row.open else "done" if row.rule else None,
        row.at,
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
