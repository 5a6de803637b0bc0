"""One node's picture of the world, folded from events.

``folds.apply`` is the only thing that changes it. Held here: the directory, all open items with
their case headers, agents' status, the outbox. Bodies, customers and ended cases are in the
database.
"""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, TypeVar

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.bad_addresses import BadAddress
from gateway.core.budget import Budget
from gateway.core.ids import (
    AgentName,
    AlarmName,
    CalendarName,
    CaseId,
    ChannelName,
    CustomerId,
    ItemId,
    MacroName,
    NodeName,
    OutboundId,
    PolicyName,
    QueueName,
    RuleName,
    SiteName,
    SkillName,
)
from gateway.core.languages import Tongues
from gateway.core.lifecycle import ENDED, step
from gateway.core.macros import Macro
from gateway.core.model import (
    AgentProfile,
    AgentStatus,
    Case,
    ChannelKind,
    Item,
    ItemState,
    Outgoing,
    Queue,
    Site,
)
from gateway.core.paces import Paces
from gateway.core.reservation import Reservation
from gateway.core.rules.book import RuleBook
from gateway.core.rules.rule import Rule
from gateway.core.sites import Seats
from gateway.core.stops import Stop
from gateway.core.thresholds import Alarm
from gateway.core.timetable import Entry, Key, Timetable
from gateway.core.wordings import Canned, Letter, Wordings

Rows = tuple[e.Row, ...]
FORGOTTEN_KEPT = 10_000
"""Case headers kept after they were let go: far more than one database read can outlast."""

_NO_ITEMS: dict[ItemId, None] = {}


K = TypeVar("K")
V = TypeVar("V", Macro, BadAddress, Stop, Alarm)


def _put(known: dict[K, V], name: K, entry: V) -> None:
    """Take it if it is active; what was known under its name goes, and it stands last."""
    known.pop(name, None)
    if entry.active:
        known[name] = entry


class NodeState:
    """What a node knows in memory; see the module's docstring."""

    def __init__(self, node: NodeName) -> None:
        self.node = node
        self.items: dict[ItemId, Item] = {}
        self.cases: dict[CaseId, Case] = {}
        self.profiles: dict[AgentName, AgentProfile] = {}
        self.statuses: dict[AgentName, AgentStatus] = {}
        self.queues: dict[QueueName, Queue] = {}
        self.seats = Seats()
        self.sites, self.closed = self.seats.sites, self.seats.closed
        self.just_closed: list[AgentName] = []
        self.timetable = Timetable()
        self.rules = RuleBook()
        self.macros: dict[MacroName, Macro] = {}
        self.alarms: dict[AlarmName, Alarm] = {}
        self.bad_addresses: dict[str, BadAddress] = {}
        self.stops: dict[str, Stop] = {}
        self.wordings = Wordings()
        self.reserved: dict[AgentName, Reservation] = {}
        self.kept_for: dict[ItemId, AgentName] = {}
        self.outbox: dict[OutboundId, Outgoing] = {}
        self.channels: dict[ChannelName, ChannelKind] = {}
        self.addresses: dict[ChannelName, str] = {}
        self.ours: dict[str, ChannelName] = {}
        self.paces = Paces(node)
        self.budget = Budget()
        self.claimed: set[AgentName] = set()
        self._forgotten: OrderedDict[CaseId, Case] = OrderedDict()
        self.skill_holders: dict[SkillName, dict[AgentName, None]] = {}
        self.tongues = Tongues(self.skill_holders)
        self._of_case: dict[CaseId, dict[ItemId, None]] = {}
        self._of_customer: dict[CustomerId, dict[ItemId, None]] = {}
        self._in_hand: dict[AgentName, dict[ItemId, None]] = {}
        self._parked: dict[AgentName, dict[ItemId, None]] = {}

    # -- questions --------------------------------------------------------------------------

    def items_of_case(self, case: CaseId) -> list[Item]:
        """The case's open items, oldest first."""
        return [self.items[i] for i in self._of_case.get(case, _NO_ITEMS)]

    def talks_of_case(self, case: CaseId) -> list[Item]:
        """Those of them that are no call-back and no promise."""
        items = self.items_of_case(case)
        return [i for i in items if i.callback is None and i.promise is None]

    def items_of_customer(self, customer: CustomerId) -> list[Item]:
        """The customer's open items, oldest first."""
        return [self.items[i] for i in self._of_customer.get(customer, _NO_ITEMS)]

    def in_hand(self, agent: AgentName) -> list[Item]:
        """Items offered to the agent, assigned, or in wrap-up."""
        hands = self._in_hand.get(agent)
        return [self.items[i] for i in hands] if hands else []

    def count_in_hand(self, agent: AgentName) -> int:
        """How many those are."""
        return len(self._in_hand.get(agent, _NO_ITEMS))

    def parked(self, agent: AgentName) -> list[Item]:
        """Items the agent put aside (held, or scheduled for this agent)."""
        return [self.items[i] for i in self._parked.get(agent, _NO_ITEMS)]

    def status(self, agent: AgentName, now: datetime) -> AgentStatus:
        """The agent's status; one never seen is signed out."""
        known = self.statuses.get(agent)
        return known or AgentStatus(name=agent, since=now, idle_since=now)

    def at_site(self, site: SiteName) -> list[AgentName]:
        """The agents who sit there."""
        return self.seats.at(site)

    # -- loading ----------------------------------------------------------------------------

    def load(
        self,
        *,
        profiles: Iterable[AgentProfile] = (),
        statuses: Iterable[AgentStatus] = (),
        queues: Iterable[Queue] = (),
        sites: Iterable[Site] = (),
        entries: Iterable[Entry] = (),
        cases: Iterable[Case] = (),
        items: Iterable[Item] = (),
        outbox: Iterable[Outgoing] = (),
    ) -> None:
        """Take what the database holds; nobody is connected to a node that has just begun."""
        for profile in profiles:
            self.define_agent(profile)
        self.statuses.update((s.name, replace(s, tabs=0)) for s in statuses)
        self.queues.update((q.name, q) for q in queues)
        for site in sites:
            self.put_site(site)
        self.just_closed.clear()
        for entry in entries:
            self.put_entry(entry)
        self.cases.update((c.id, c) for c in cases)
        for item in items:
            self.put(item)
        self.outbox.update((o.id, o) for o in outbox)

    def entry(self, key: Key) -> Entry | None:
        """What the directory has under a kind and a name."""
        kind, name = key
        if kind == "rule":
            return self.rules.rules.get(RuleName(name))
        if kind == "macro":
            return self.macros.get(MacroName(name))
        if kind in ("bad_address", "stop", "alarm"):
            return self._mark(kind, name)
        if kind in ("canned", "letter"):
            return self.wordings.get(kind, name)
        if kind == "calendar":
            return self.timetable.calendars.get(CalendarName(name))
        return self.timetable.policies.get(PolicyName(name))

    def _mark(self, kind: Literal["bad_address", "stop", "alarm"], name: str) -> Entry | None:
        if kind == "alarm":
            return self.alarms.get(AlarmName(name))
        return (self.stops if kind == "stop" else self.bad_addresses).get(name)

    def is_home_of(self, agent: AgentName) -> bool:
        """Whether the agent's row is held here."""
        known = self.statuses.get(agent)
        return known is not None and known.home == self.node

    def adopt(self, case: Case) -> Case:
        """Keep a case header that was read from the database, unless a newer one is known.

        Between the read and now the node may have changed the case, committed that and forgotten
        it, so what was forgotten lately counts too. At the same version the row is right: what was
        said in an ended case may have been removed from it.
        """
        known = self.cases.get(case.id) or self._forgotten.get(case.id)
        if known is None or known.version <= case.version:
            known = case
        self.cases[case.id] = known
        return known

    def forget_idle_case(self, case: CaseId) -> None:
        """Drop a header that no open item needs."""
        if not self._of_case.get(case) and (known := self.cases.pop(case, None)) is not None:
            self._forgotten[case] = known
            self._forgotten.move_to_end(case)
            if len(self._forgotten) > FORGOTTEN_KEPT:
                self._forgotten.popitem(last=False)

    # -- changes, for ``folds`` only ------------------------------------------------------------

    def define_agent(self, profile: AgentProfile) -> None:
        """Take a directory entry, new, changed or no longer active."""
        old = self.profiles.pop(profile.name, None)
        had, has = old.skills if old else {}, profile.skills if profile.active else {}
        for skill in had:
            self.skill_holders[skill].pop(profile.name, None)
        if profile.active:
            self.profiles[profile.name] = profile
        for skill in has:
            holders = self.skill_holders.setdefault(skill, {})
            if not holders and skill not in had:
                self.tongues.changed()
            holders[profile.name] = None
        if any(not self.skill_holders[skill] for skill in had):
            self.tongues.changed()
        site = profile.site if profile.active else SiteName("")
        self.just_closed += self.seats.sit(profile.name, site)

    def put_site(self, site: Site) -> None:
        """Take how far a site is open; who is taken out of routing follows from it."""
        self.just_closed += self.seats.put(site)

    def put_entry(self, entry: Entry) -> None:
        """Take a calendar, a policy, a rule or a macro: new, changed, no longer active."""
        if isinstance(entry, Macro):
            _put(self.macros, entry.name, entry)
        elif isinstance(entry, BadAddress):
            _put(self.bad_addresses, entry.name, entry)
        elif isinstance(entry, Stop):
            _put(self.stops, entry.name, entry)
        elif isinstance(entry, Alarm):
            _put(self.alarms, entry.name, entry)
        elif isinstance(entry, Canned | Letter):
            self.wordings.put(entry)
        elif not isinstance(entry, Rule):
            self.timetable.put(entry)
        elif entry.active:
            self.rules.put(entry)
        else:
            self.rules.drop(entry.name)

    def take_just_closed(self) -> list[AgentName]:
        """Who was closed out, or let in, since this was asked last."""
        changed, self.just_closed = self.just_closed, []
        return changed

    def reserve(self, reservation: Reservation) -> None:
        """Keep the agent free for one item."""
        self.reserved[reservation.agent] = reservation
        self.kept_for[reservation.item] = reservation.agent

    def end_reservation(self, agent: AgentName) -> bool:
        """Whether there was one."""
        known = self.reserved.pop(agent, None)
        if known is None:
            return False
        del self.kept_for[known.item]
        return True

    def put(self, item: Item) -> None:
        """Take an item's new value; who holds it and where it belongs is kept beside it."""
        old = self.items.get(item.id)
        if item.state in ENDED:
            if old is not None:
                self._unindex(old)
                del self.items[item.id]
            return
        self.items[item.id] = item
        if old is None or old.case != item.case:
            self._refile(item, old)
        shelf, agent = self._shelf(item)
        if old is not None:
            before, holder = self._shelf(old)
            if before is shelf and holder == agent:
                return
            if holder is not None:
                _drop(before, holder, item.id)
        if agent is not None:
            shelf.setdefault(agent, {})[item.id] = None

    def _refile(self, item: Item, old: Item | None) -> None:
        if old is not None:
            _drop(self._of_case, old.case, item.id)
        elif item.customer is not None:
            self._of_customer.setdefault(item.customer.id, {})[item.id] = None
        self._of_case.setdefault(item.case, {})[item.id] = None

    def let_go(self, item: ItemId) -> None:
        """Another node decides about it from now on."""
        self._unindex(self.items.pop(item))

    def _unindex(self, item: Item) -> None:
        shelf, agent = self._shelf(item)
        _drop(self._of_case, item.case, item.id)
        if item.customer is not None:
            _drop(self._of_customer, item.customer.id, item.id)
        if agent is not None:
            _drop(shelf, agent, item.id)

    def _shelf(self, item: Item) -> tuple[dict[AgentName, dict[ItemId, None]], AgentName | None]:
        state = item.state
        if state is ItemState.ASSIGNED or state is ItemState.WRAPPING:
            return self._in_hand, item.agent
        if state is ItemState.OFFERED:
            return self._in_hand, item.offer.agent if item.offer is not None else item.agent
        if state is ItemState.HELD or state is ItemState.SCHEDULED:
            return self._parked, item.last_agent
        return self._parked, None

    def move(self, item_id: ItemId, event: e.ItemMove, **changes: Any) -> Item:
        old = self.items[item_id]
        new = replace(old, state=step(old.state, event), version=old.version + 1, **changes)
        self.put(new)
        return new

    def edit(self, item: Item, **changes: Any) -> Item:
        new = replace(item, version=item.version + 1, **changes)
        self.put(new)
        return new

    def edit_case(self, case: Case, at: datetime, **changes: Any) -> Case:
        new = replace(case, version=case.version + 1, changed_at=at, **changes)
        self.cases[new.id] = new
        return new

    def touch_idle(self, agent: AgentName | None, at: datetime) -> Rows:
        """An agent whose hands have just become empty is idle from now."""
        if agent is None or self._in_hand.get(agent) or agent not in self.statuses:
            return ()
        return (self.edit_status(self.statuses[agent], idle_since=at),)

    def edit_status(self, status: AgentStatus, **changes: Any) -> AgentStatus:
        new = replace(status, version=status.version + 1, **changes)
        self.statuses[new.name] = new
        return new


def _drop(index: dict[Any, dict[ItemId, None]], key: Any, item: ItemId) -> None:
    shelf = index.get(key)
    if shelf is not None:
        shelf.pop(item, None)
        if not shelf:
            del index[key]
