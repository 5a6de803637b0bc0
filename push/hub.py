"""Agents' streams and the desktops that listen to them.

The hub consumes committed entries and nothing else. A desktop joins at a place in the journal:
its snapshot is the state right after the entry at ``Attached.position``, so it is welcomed when
the feed has reached that entry, and gets every frame from there on, none before and none twice.

Frames of entries that are told of together leave together: a desktop costs one write for them.

Invariants: the streams' numbers rise by one with each frame; a desktop in ``_tabs`` has been
sent everything up to its stream's ``seq`` but what is in ``_unsent``, which is empty between
calls from outside; all memory for replay is bounded, each stream's by number and size, the sum
by ``budget_bytes``, streams without a desktop by time and number.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import structlog

from gateway.core import events as e
from gateway.core.colleagues import ColleagueMessage
from gateway.core.ids import AgentName, CaseId, Position
from gateway.core.model import AgentProfile, Case, Item, ItemState, Site
from gateway.ports import Attached
from push.colleagues import COLLEAGUES, Colleagues
from push.feed import Mirror, concerned, project, viewer
from push.protocol import (
    Alert,
    Close,
    Moved,
    NumberedFrame,
    ResumeFrom,
    Snapshot,
    TypingFrame,
    encoder,
)
from push.stream import AgentStream, Why

BUDGET_BYTES = 64 * 1024 * 1024
KEEP_SECONDS = 120.0
KEEP_STREAMS = 4_096
_OF_AGENTS = frozenset({e.AgentAttached, e.AgentRemoved, e.AgentDefined, e.AgentHandedOver})
_log = structlog.get_logger("push")


class Listener(Protocol):
    """One tab, as the hub sees it."""

    agent: AgentName
    resume: ResumeFrom | None

    def post(self, *frames: str | bytes) -> None:
        """Write without waiting, in this order; never raises."""
        ...

    def welcome(self, epoch: int, seq: int) -> None:
        """The claim has committed: greet, and begin to answer."""
        ...

    def lose(self, code: int, reason: str) -> None:
        """Close the tab's socket, soon."""
        ...


class Hub:
    """See the module's docstring. ``monotonic`` gives seconds for the times of retention."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        budget_bytes: int = BUDGET_BYTES,
        keep_seconds: float = KEEP_SECONDS,
        keep_streams: int = KEEP_STREAMS,
    ) -> None:
        self.frames = 0
        self.resyncs = 0
        self.replays = 0
        self.snapshots = 0
        self._monotonic = monotonic
        self._budget = budget_bytes
        self._keep_seconds = keep_seconds
        self._keep_streams = keep_streams
        self._mirror = Mirror()
        self._colleagues = Colleagues()
        self._streams: dict[AgentName, AgentStream] = {}
        self._tabs: dict[AgentName, tuple[Listener, ...]] = {}
        self._arrivals: dict[Position, tuple[Listener, Attached]] = {}
        self._expected: dict[Listener, Position] = {}
        self._left: dict[AgentName, float] = {}
        self._burnt = 0
        self._unsent: dict[AgentName, list[bytes]] = {}
        self._leads: set[AgentName] = set()

    def load(
        self,
        items: Iterable[Item],
        cases: Iterable[Case],
        profiles: Iterable[AgentProfile],
        sites: Iterable[Site] = (),
    ) -> None:
        """Begin, or begin again, with what the node loaded and before it commits anything."""
        for tab in (*(t for tabs in self._tabs.values() for t in tabs), *self._expected):
            tab.lose(Close.DRAIN, "the node begins again")
        self._burnt = max((s.seq + 1 for s in self._streams.values()), default=self._burnt)
        self._tabs.clear()
        self._expected.clear()
        self._arrivals.clear()
        self._streams.clear()
        self._left.clear()
        self._mirror = Mirror()
        self._colleagues = Colleagues()
        profiles = tuple(profiles)
        self._colleagues.load(profiles)
        self._mirror.load(items, cases, profiles, sites)
        self._leads = {profile.name for profile in profiles if _leads(profile)}

    # -- coming and going -------------------------------------------------------------------

    @property
    def tabs(self) -> int:
        """Desktops that are welcomed and listening."""
        return sum(map(len, self._tabs.values()))

    @property
    def kept_bytes(self) -> int:
        """What is kept for replay."""
        return sum(stream.kept_bytes for stream in self._streams.values())

    def seq(self, agent: AgentName) -> int:
        """The number of the agent's newest frame."""
        stream = self._streams.get(agent)
        return stream.seq if stream is not None else 0

    def arrive(self, tab: Listener, attached: Attached) -> None:
        """The tab is to be welcomed once the feed has reached its attachment."""
        self._arrivals[attached.position] = (tab, attached)
        self._expected[tab] = attached.position

    def leave(self, tab: Listener) -> None:
        """The tab is gone, welcomed or not."""
        position = self._expected.pop(tab, None)
        if position is not None:
            self._arrivals.pop(position, None)
        others = tuple(t for t in self._tabs.get(tab.agent, ()) if t is not tab)
        if others:
            self._tabs[tab.agent] = others
        elif self._tabs.pop(tab.agent, None) is not None:
            self._left[tab.agent] = self._monotonic()

    def sweep(self) -> None:
        """Let go of what has been kept long enough, or is more than we want to keep."""
        oldest = self._monotonic() - self._keep_seconds
        for agent, since in list(self._left.items()):
            if since > oldest and len(self._left) <= self._keep_streams:
                break
            del self._left[agent]
            self._forget(agent)
        kept = self.kept_bytes
        if kept > self._budget:
            share = self._budget / kept
            for stream in self._streams.values():
                stream.trim(int(stream.kept_bytes * share))

    def _forget(self, agent: AgentName) -> None:
        stream = self._streams.pop(agent, None)
        if stream is not None:
            self._burnt = max(self._burnt, stream.seq + 1)

    # -- what has been committed ------------------------------------------------------------

    def consume(self, entries: Sequence[e.Entry]) -> None:
        """Tell everyone concerned; a fault in one entry costs its agents a snapshot, no more."""
        for entry in entries:
            try:
                self._consume(entry)
            except Exception:  # noqa: BLE001 - the journal's callback: one entry may not stop it
                _log.exception("an entry could not be shown", position=entry.position)
                for agent in concerned(entry):
                    self._resync(agent, "something could not be shown")
        self._send()

    def _consume(self, entry: e.Entry) -> None:
        frames = project(entry, self._mirror)
        if type(entry.event) in _OF_AGENTS:
            self._heed(entry.event)
        elif type(entry.event) in COLLEAGUES:
            frames = [*frames, *self._colleagues.told(entry)]
        for agent, frame in frames:
            self._tell(agent, frame)
        if type(entry.event) is e.ServiceLevelEscalated:
            self.alert(entry.event)
        if self._arrivals and (arrival := self._arrivals.pop(entry.position, None)):
            self._welcome(*arrival)

    def _heed(self, event: e.Event) -> None:
        """What ends an agent's desktops or begins their numbers anew."""
        match event:
            case e.AgentAttached(claims=True, agent=agent, epoch=epoch):
                self._claimed(agent, epoch)
            case e.AgentHandedOver(agent=agent, url=url, reason=reason):
                self._send_away(agent, url, reason)
            case e.AgentRemoved(agent=agent):
                self._leads.discard(agent)
                self._colleagues.drop(agent)
                self._dismiss(agent)
            case e.AgentDefined(profile=profile):
                self._leads.discard(profile.name)
                self._colleagues.put(profile)
                if not profile.active:
                    self._dismiss(profile.name)
                elif _leads(profile):
                    self._leads.add(profile.name)
            case _:
                pass

    # -- what colleagues at other nodes say ------------------------------------------------------

    def concerns(self, event: e.ColleagueWrote | e.ColleagueReviewed) -> bool:
        """Whether anybody is to be told of it here: who comes later asks for what there is."""
        return not self._streams.keys().isdisjoint(self._colleagues.concerned(event))

    def tell_of(self, message: ColleagueMessage) -> None:
        """What was said at another node, and is on disk."""
        for agent, frame in self._colleagues.shown(message):
            self._tell(agent, frame)
        self._send()

    def lose_track(self, event: e.ColleagueWrote | e.ColleagueReviewed) -> None:
        """It cannot be told: whoever is concerned comes again and asks for what there is."""
        for agent in self._colleagues.concerned(event):
            self._resync(agent, "something could not be shown")

    def _tell(self, agent: AgentName, frame: NumberedFrame) -> None:
        stream = self._streams.get(agent)
        if stream is None:
            return
        self.frames += 1
        text = stream.append(frame)
        unsent = self._unsent.get(agent)
        if unsent is None:
            self._unsent[agent] = [text]
        else:
            unsent.append(text)

    def _send(self) -> None:
        """Hand each desktop what was told since the last time, in one go."""
        unsent, self._unsent = self._unsent, {}
        tabs = self._tabs
        for agent, frames in unsent.items():
            for tab in tabs.get(agent, ()):
                tab.post(*frames)

    def _claimed(self, agent: AgentName, epoch: int) -> None:
        self._send()
        for tab in self._tabs.pop(agent, ()):
            tab.lose(Close.DRAIN, "the agent was claimed anew")
        stream = self._streams.get(agent)
        if stream is not None:
            stream.restart(epoch)

    def _welcome(self, tab: Listener, attached: Attached) -> None:
        self._send()
        agent = tab.agent
        self._expected.pop(tab, None)
        stream = self._streams.get(agent)
        if stream is None:
            # Numbers that a forgotten stream has used may not come again within the epoch.
            stream = AgentStream(agent, attached.epoch, self._burnt)
            self._streams[agent] = stream
        self._left.pop(agent, None)
        missed = stream.resume(tab.resume)
        tab.welcome(stream.epoch, stream.seq)
        if isinstance(missed, Why):
            self.snapshots += 1
            tab.post(encoder.encode(snapshot(stream, attached)))
        else:
            self.replays += 1
            tab.post(*missed)
        self._tabs[agent] = (*self._tabs.get(agent, ()), tab)

    def _send_away(self, agent: AgentName, url: str, reason: str) -> None:
        """Another node is the agent's home: there the desktops go, and have a snapshot."""
        self._send()
        moved = encoder.encode(Moved(url=url, reason=reason)) if url else b""
        for tab in self._leaving(agent):
            if moved:
                tab.post(moved)
            tab.lose(Close.DRAIN, reason)
        self._forget(agent)

    def _leaving(self, agent: AgentName) -> list[Listener]:
        """The agent's desktops, welcomed or not, which get nothing any more from here."""
        expected = [tab for tab in self._expected if tab.agent == agent]
        for tab in expected:
            self._arrivals.pop(self._expected.pop(tab))
        return [*self._tabs.pop(agent, ()), *expected]

    def _dismiss(self, agent: AgentName) -> None:
        self._send()
        for tab in self._tabs.get(agent, ()):
            tab.lose(Close.BAD_TOKEN, "the agent is no longer in the directory")

    def _resync(self, agent: AgentName, reason: str) -> None:
        """Only a snapshot can help: have the tabs come again, with nothing to resume from."""
        self._send()
        self.resyncs += 1
        stream = self._streams.get(agent)
        if stream is not None:
            stream.break_off()
        for tab in self._leaving(agent):
            tab.lose(Close.DRAIN, reason)

    # -- passing signs ----------------------------------------------------------------------

    def alert(self, event: e.ServiceLevelEscalated) -> None:
        """Supervisors are told what is overdue, at whichever node. Not counted, not kept."""
        if event.act != "notify":
            return
        clock = event.service.clock(event.clock)
        frame = Alert(
            item=event.item,
            number=event.number,
            queue=event.queue,
            clock=event.clock,
            due_at=clock.breached_at if clock is not None else None,
        )
        text = encoder.encode(frame)
        for agent in self._leads:
            for tab in self._tabs.get(agent, ()):
                tab.post(text)

    def typing(self, case: CaseId, who: str, *, on: bool) -> None:
        """The customer types: whoever has the case in hand sees it. Not counted, not kept."""
        for item in self._mirror.items_of(case):
            agent = viewer(item)
            if agent is None or item.state is ItemState.OFFERED or agent not in self._tabs:
                continue
            text = encoder.encode(TypingFrame(item=item.id, who=who, on=on))
            for tab in self._tabs[agent]:
                tab.post(text)


def snapshot(stream: AgentStream, attached: Attached) -> Snapshot:
    """The attachment's snapshot at its place in the stream."""
    view = attached.snapshot
    return Snapshot(
        epoch=stream.epoch,
        seq=stream.seq,
        state=view.state,
        capacity=view.capacity,
        offers=view.offers,
        items=view.items,
    )


def _leads(profile: AgentProfile) -> bool:
    return profile.active and profile.role != "agent"
