"""The directory follows the other nodes: who and what was made, changed or removed there.

Their journals say which names have changed; what they are now is read from the tables. So when two
nodes change one entry at the same time, everybody ends with what the database has, whoever's
journal is read first. It is taken in as if it had happened here, but for the journal: that has it
already. What follows from it here (what a removed agent has in hand goes back) is ours to decide.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Never, Protocol

import structlog

from gateway.cluster.tail import Tail
from gateway.core import events as e
from gateway.core.backoff import reconnect_delay
from gateway.core.bad_addresses import BadAddress
from gateway.core.calendars import Calendar
from gateway.core.clocks import ServicePolicy
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NodeName, Position, QueueName, SiteName
from gateway.core.macros import Macro
from gateway.core.model import AgentProfile, Item, Queue, Site
from gateway.core.reactions import reactions
from gateway.core.rules.rule import Rule
from gateway.core.state import NodeState
from gateway.core.stops import Stop
from gateway.core.thresholds import Alarm
from gateway.core.timetable import Entry, Key, gone, key_of
from gateway.core.wordings import Canned, Letter, WordsKind
from gateway.flow.ledger import Ledger
from gateway.ports import PeerEntry
from gateway.store.contract import Unavailable

ANOTHER = "another node"
Sleep = Callable[[float], Awaitable[None]]
_KINDS = (
    *(e.AgentDefined, e.AgentRemoved, e.QueueDefined, e.QueueRemoved, e.SiteChanged),
    *(e.CalendarDefined, e.CalendarRemoved, e.ServicePolicyDefined, e.ServicePolicyRemoved),
    *(e.RuleDefined, e.RuleRemoved, e.MacroDefined, e.MacroRemoved),
    *(e.WordsDefined, e.WordsRemoved),
    *(e.AlarmRaised, e.AlarmEnded),
    *(e.AddressFailed, e.AddressWorks, e.ContactStopped, e.ContactResumed),
)
_log = structlog.get_logger("directory")


class DirectoryRows(Protocol):
    """The tables of the directory (``store.directory``). All raise ``Unavailable``."""

    async def profiles(self, names: Collection[AgentName]) -> dict[AgentName, AgentProfile]: ...

    async def queues(self, names: Collection[QueueName]) -> dict[QueueName, Queue]: ...

    async def sites(self, names: Collection[SiteName]) -> dict[SiteName, Site]: ...

    async def entries(self, keys: Collection[Key]) -> dict[Key, Entry]: ...


class Directory:
    """See the module's docstring; ``run`` follows until cancelled. ``followed`` counts entries."""

    def __init__(
        self, ledger: Ledger, rows: DirectoryRows, tail: Tail, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.followed = 0
        self._ledger = ledger
        self._rows = rows
        self._sleep = sleep
        self._agents: set[AgentName] = set()
        self._queues: set[QueueName] = set()
        self._sites: set[SiteName] = set()
        self._entries: set[Key] = set()
        self._own: dict[str, int] = {}
        self._news = asyncio.Event()
        ledger.observe(self._note_own)
        tail.subscribe(self._note, _KINDS)

    def _note_own(self, entry: e.Entry) -> None:
        """What was changed here last, and where in our journal."""
        if entry.position.epoch == 0:
            return
        match entry.event:
            case e.AgentDefined(profile=profile):
                self._own[profile.name] = entry.position.offset
            case e.AgentRemoved(agent=agent):
                self._own[agent] = entry.position.offset
            case e.QueueDefined(queue=queue):
                self._own[queue.name] = entry.position.offset
            case e.QueueRemoved(queue=name):
                self._own[name] = entry.position.offset
            case e.SiteChanged(site=site):
                self._own[site.name] = entry.position.offset
            case _:
                if (key := _key_of(entry.event)) is not None:
                    self._own["/".join(key)] = entry.position.offset

    def _note(self, _node: NodeName, entries: Sequence[PeerEntry]) -> None:
        for entry in entries:
            match entry.event:
                case e.AgentDefined(profile=profile):
                    self._agents.add(profile.name)
                case e.AgentRemoved(agent=agent):
                    self._agents.add(agent)
                case e.QueueDefined(queue=queue):
                    self._queues.add(queue.name)
                case e.QueueRemoved(queue=name):
                    self._queues.add(name)
                case e.SiteChanged(site=site):
                    self._sites.add(site.name)
                case _:
                    if (key := _key_of(entry.event)) is not None:
                        self._entries.add(key)
        self._news.set()

    async def run(self) -> Never:
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            agents, self._agents = self._agents, set()
            queues, self._queues = self._queues, set()
            sites, self._sites = self._sites, set()
            entries, self._entries = self._entries, set()
            try:
                await self.refresh(agents, queues, sites, entries)
            except Unavailable:
                self._agents |= agents
                self._queues |= queues
                self._sites |= sites
                self._entries |= entries
                self._news.set()
                await self._sleep(reconnect_delay(failures, random.random()))  # noqa: S311 - jitter
                failures += 1
            else:
                failures = 0

    # -- for those who cannot wait for the tail -----------------------------------------------

    async def meet(self, agent: AgentName) -> None:
        """Look whether there is an agent of that name whom another node has made just now."""
        if agent not in self._ledger.state.profiles:
            await self.refresh({agent}, ())

    async def learn(self, items: Iterable[Item], agents: Iterable[AgentName]) -> None:
        """Know the queues of items that come from another node, and who works there.

        And what their clocks are counted by: without it they would be counted wrong.
        """
        state = self._ledger.state
        items = tuple(items)
        services = [item.service for item in items if item.service is not None]
        keys: set[Key] = {("calendar", one.calendar) for one in services if one.calendar}
        keys |= {("service_policy", one.policy) for one in services if one.policy}
        unknown = {key for key in keys if state.entry(key) is None}
        queues = {item.queue for item in items} - state.queues.keys()
        await self.refresh(set(agents) - state.profiles.keys(), queues, (), unknown)

    # -- taking in --------------------------------------------------------------------------

    async def refresh(
        self,
        agents: Collection[AgentName],
        queues: Collection[QueueName],
        sites: Collection[SiteName] = (),
        entries: Collection[Key] = (),
    ) -> None:
        """Take these in as the tables have them. Raises ``Unavailable``."""
        ledger = self._ledger
        while agents or queues or sites or entries:
            # What we changed ourselves counts as soon as it is on disk, and is read with the rest.
            on_disk = ledger.position.offset - ledger.uncommitted
            profiles = await self._rows.profiles(agents)
            named = await self._rows.queues(queues)
            placed = await self._rows.sites(sites)
            declared = await self._rows.entries(entries)
            try:
                await ledger.gate.passed()
            except Refused:
                return  # the node ends
            asked = (*agents, *queues, *sites, *map("/".join, entries))
            newer = {str(n) for n in asked if self._own.get(n, 0) > on_disk}
            self._take_in(
                [profiles.get(name) or _nobody(name) for name in agents if name not in newer],
                [named.get(name) or _nothing(name) for name in queues if name not in newer],
                [placed[name] for name in sites if name in placed and name not in newer],
                [declared.get(k) or gone(k) for k in entries if "/".join(k) not in newer],
            )
            agents = [name for name in agents if name in newer]
            queues = [name for name in queues if name in newer]
            sites = [name for name in sites if name in newer]
            entries = [key for key in entries if "/".join(key) in newer]
            if newer:
                last = max(self._own[name] for name in newer)
                await ledger.committed(Position(ledger.epoch, last))

    def _take_in(
        self,
        profiles: Iterable[AgentProfile],
        queues: Iterable[Queue],
        sites: Iterable[Site],
        entries: Iterable[Entry],
    ) -> None:
        state = self._ledger.state
        events = [
            changed
            for entry in entries
            if (changed := _changed(entry, state.entry(key_of(entry)))) is not None
        ]
        events += _changed_agents(state, profiles)
        for queue in queues:
            before = state.queues.get(queue.name)
            if queue.active and queue != before:
                events.append(e.QueueDefined(queue=queue, by=ANOTHER))
            elif not queue.active and before is not None:
                events.append(e.QueueRemoved(queue=queue.name, by=ANOTHER))
        events += [e.SiteChanged(site=s) for s in sites if s != state.sites.get(s.name)]
        if not events:
            return
        self.followed += len(events)
        self._ledger.follow(events)
        ctx = self._ledger.context()
        for event in events:
            if changes := reactions(state, event, (), ctx):
                self._ledger.record(changes)


def _changed_agents(state: NodeState, profiles: Iterable[AgentProfile]) -> list[e.Event]:
    events: list[e.Event] = []
    for profile in profiles:
        known = state.profiles.get(profile.name)
        if profile.active and profile != known:
            events.append(e.AgentDefined(profile=profile, by=ANOTHER))
        elif not profile.active and known is not None:
            events.append(e.AgentRemoved(agent=profile.name, by=ANOTHER))
    return events


def _key_of(event: e.Event) -> Key | None:
    """What in the directory an event is about."""
    found: Key | None = None
    match event:
        case e.CalendarDefined(calendar=Calendar(name=name)) | e.CalendarRemoved(calendar=name):
            found = "calendar", str(name)
        case e.ServicePolicyDefined(policy=ServicePolicy(name=name)):
            found = "service_policy", name
        case e.ServicePolicyRemoved(policy=name):
            found = "service_policy", name
        case e.RuleDefined(rule=Rule(name=name)) | e.RuleRemoved(rule=name):
            found = "rule", str(name)
        case e.MacroDefined(macro=Macro(name=name)) | e.MacroRemoved(macro=name):
            found = "macro", str(name)
        case e.WordsDefined(words=words):
            found = key_of(words)
        case e.WordsRemoved(words=kind, name=name):
            found = kind, name
        case e.AlarmRaised(alarm=Alarm(name=name)) | e.AlarmEnded(alarm=name):
            found = "alarm", str(name)
        case _:
            found = _mark_of(event)
    return found


def _mark_of(event: e.Event) -> Key | None:
    """The same of marks on addresses."""
    match event:
        case e.AddressFailed(address=BadAddress(name=name)) | e.AddressWorks(address=name):
            return "bad_address", str(name)
        case e.ContactStopped(stop=Stop(name=name)) | e.ContactResumed(stop=name):
            return "stop", str(name)
        case _:
            return None


def _changed(entry: Entry, known: Entry | None) -> e.Event | None:
    """What has happened to it, if anything has."""
    if not entry.active:
        return _removed(entry) if known is not None else None
    return _defined(entry) if entry != known else None


def _defined(entry: Entry) -> e.Event:
    match entry:
        case Calendar():
            return e.CalendarDefined(calendar=entry, by=ANOTHER)
        case ServicePolicy():
            return e.ServicePolicyDefined(policy=entry, by=ANOTHER)
        case Rule():
            return e.RuleDefined(rule=entry, by=ANOTHER)
        case Macro():
            return e.MacroDefined(macro=entry, by=ANOTHER)
        case Alarm() | BadAddress() | Stop():
            return _begun(entry)
        case Canned() | Letter():
            return e.WordsDefined(words=entry, by=ANOTHER)


def _removed(entry: Entry) -> e.Event:
    match entry:
        case Calendar(name=name):
            return e.CalendarRemoved(calendar=name, by=ANOTHER)
        case ServicePolicy(name=policy):
            return e.ServicePolicyRemoved(policy=policy, by=ANOTHER)
        case Rule(name=rule):
            return e.RuleRemoved(rule=rule, by=ANOTHER)
        case Macro(name=macro):
            return e.MacroRemoved(macro=macro, by=ANOTHER)
        case Canned() | Letter():
            words: WordsKind = "canned" if isinstance(entry, Canned) else "letter"
            return e.WordsRemoved(words=words, name=entry.name, by=ANOTHER)
        case Alarm() | BadAddress() | Stop():
            return _over(entry)


def _nobody(name: AgentName) -> AgentProfile:
    return AgentProfile(name=name, active=False)


def _nothing(name: QueueName) -> Queue:
    return Queue(name=name, active=False)


def _begun(entry: Alarm | BadAddress | Stop) -> e.Event:
    if isinstance(entry, Stop):
        return e.ContactStopped(stop=entry)
    if isinstance(entry, BadAddress):
        return e.AddressFailed(address=entry)
    return e.AlarmRaised(alarm=entry)


def _over(entry: Alarm | BadAddress | Stop) -> e.Event:
    if isinstance(entry, Stop):
        return e.ContactResumed(stop=entry.name, by=ANOTHER)
    if isinstance(entry, BadAddress):
        return e.AddressWorks(address=entry.name, by=ANOTHER)
    return e.AlarmEnded(
        alarm=entry.name,
        queue=entry.queue,
        threshold=entry.threshold,
        value=entry.value,
        reason="it is over",
    )
