"""Everything that can happen, as closed types.

An event says what happened, in the past tense, with ids and small values; message bodies and
other large or personal content are rows written by the same commit (``Change.rows``), never
part of an event. Field and type names are stored for years: add, never rename.

Each event stands in the module of its subject and in the union at that module's end; this
package hands all of them on.
"""

from datetime import datetime

from msgspec import Struct

from gateway.core.bad_addresses import BadAddress
from gateway.core.calendars import Calendar
from gateway.core.clocks import ServicePolicy
from gateway.core.colleagues import ColleagueMark, ColleagueMessage
from gateway.core.events.agents import *
from gateway.core.events.asked import *
from gateway.core.events.care import *
from gateway.core.events.cases import *
from gateway.core.events.cluster import *
from gateway.core.events.colleagues import *
from gateway.core.events.directory import *
from gateway.core.events.items import *
from gateway.core.events.outside import *
from gateway.core.events.owed import *
from gateway.core.events.records import *
from gateway.core.events.service import *
from gateway.core.events.ties import *
from gateway.core.events.watch import *
from gateway.core.ids import Position
from gateway.core.macros import Macro
from gateway.core.model import (
    AgentProfile,
    AgentStatus,
    Amended,
    Case,
    CommandRecord,
    DeliveryUpdate,
    InboundDone,
    Item,
    Message,
    Outgoing,
    Queue,
    Site,
)
from gateway.core.rules.rule import Rule
from gateway.core.stops import Stop
from gateway.core.thresholds import Alarm
from gateway.core.ties import CasePlace, ItemPlace, MessagePlace
from gateway.core.wordings import Canned, Letter

ItemEvent = (
    ItemCreated
    | ItemMove
    | CareEvent
    | WatchEvent
    | AskedEvent
    | ItemPassed
    | ServiceEvent
    | OwedEvent
)
OutboundEvent = DeliveryEvent | OutboundPassed
Event = (
    CaseEvent
    | TieEvent
    | ItemEvent
    | PresenceEvent
    | AgentPassed
    | DirectoryEvent
    | OutboundEvent
    | ChannelEvent
    | NodeEvent
    | RecordsEvent
    | ColleagueEvent
)
"""The closed list: what is not in it is not written."""

Row = (
    Item
    | Case
    | Message
    | Amended
    | Outgoing
    | AgentStatus
    | AgentProfile
    | Queue
    | Site
    | Calendar
    | ServicePolicy
    | Rule
    | Macro
    | Canned
    | Letter
    | Alarm
    | BadAddress
    | Stop
    | CommandRecord
    | InboundDone
    | DeliveryUpdate
    | ColleagueMessage
    | ColleagueMark
    | CasePlace
    | MessagePlace
    | ItemPlace
)
"""A value that the commit of an event also writes into a table of current state."""


class Change(Struct, frozen=True, gc=False):
    """What a decision asks for: an event, and content that the same commit must write."""

    event: Event
    rows: tuple[Row, ...] = ()


class Entry(Struct, frozen=True, gc=False):
    """An event at its place in the journal, with every row as it was right after it."""

    position: Position
    at: datetime
    event: Event
    rows: tuple[Row, ...]
