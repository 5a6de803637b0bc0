"""A house in which anything legal may happen in any order, and what must hold after each step."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec.structs import replace

from gateway.core import acts
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core import outbox as sending
from gateway.core.capacity import COST, INTERRUPTIBLE, INTERRUPTING
from gateway.core.closing import set_site
from gateway.core.errors import OutcomeUnknown, Refused, TryAgain, Undeliverable
from gateway.core.ids import (
    AgentName,
    CaseId,
    ItemId,
    MessageId,
    NodeName,
    OfferId,
    QueueName,
    SiteName,
    SkillName,
)
from gateway.core.lifecycle import ENDED, IN_HAND
from gateway.core.model import (
    AgentProfile,
    CaseStatus,
    ChannelKind,
    Delivery,
    Item,
    ItemState,
    OutboundState,
    Presence,
)
from gateway.core.overflow import Wanted
from gateway.core.pool import Capacity, Tally
from gateway.core.repair import problems
from gateway.core.reservation import Reservation
from gateway.core.routing.fit import lacks, passed_lately, unavailable
from gateway.core.routing.need import Need, need_of
from gateway.core.sites import closed_among
from tests.support.builders import MAIL, House, agent, chat, mail, queue, task

T = TypeVar("T")
CREW = ["ana", "bob", "cid"]
NAMES = st.sampled_from(CREW)
QUEUES = st.sampled_from([QueueName(q) for q in ("general", "sales", "shelf")])
SKILLS = st.dictionaries(st.sampled_from(["de", "fr"]), st.integers(1, 3), max_size=2)
PICK = st.integers(0, 10_000)
HOOK = "https://erp.example.org/hook"


PLACES = ["port", "hill"]


def seated(name: str, skills: dict[str, int]) -> AgentProfile:
    """Two at the port, one on the hill or wherever the skills say."""
    at = PLACES[(name == CREW[2]) ^ (skills.get("fr") == 3)]
    return replace(agent(name, skills), site=SiteName(at))


def pick(choices: list[T], n: int) -> T:
    return choices[n % len(choices)]


class Switchroom(RuleBasedStateMachine):
    """``core.desk``, ``intake``, ``deadlines``, ``acts``, ``outbox`` and ``routing`` together."""

    @initialize(levels=st.lists(SKILLS, min_size=3, max_size=3))
    def open(self, levels: list[dict[str, int]]) -> None:
        crew = [seated(name, skills) for name, skills in zip(CREW, levels, strict=True)]
        self.keys = 0
        self.house = House(
            *crew,
            queues=[
                queue("general"),
                queue("sales", affinity_seconds=0.0, wrapup_required=False, priority=1),
                queue("shelf", take_allowed=True),
            ],
        )
        self.house.ledger.observe(self.watch)
        self.tally = Tally(self.house.state)
        self.house.ledger.observe(self.tally.note)
        for name in CREW[:2]:
            self.house.sign_in(name)

    def watch(self, entry: e.Entry) -> None:
        """Offers go only to who is there, ready, qualified and has room."""
        if not isinstance(entry.event, e.OfferMade):
            return
        state, offer = self.house.state, entry.event.offer
        item = state.items[entry.event.item]
        status, profile = state.statuses[offer.agent], state.profiles[offer.agent]
        assert status.tabs > 0
        assert status.presence is Presence.READY
        site = state.sites.get(profile.site)
        there = [p.name for p in state.profiles.values() if p.site == profile.site]
        assert site is None or offer.agent not in closed_among(site, there)
        direct = offer.reason.startswith("transferred to you")
        assert direct or offer.agent not in state.reserved
        others = [i for i in state.in_hand(offer.agent) if i.id != item.id]
        aside = INTERRUPTIBLE if item.kind in INTERRUPTING else ()
        assert sum(COST[i.kind] for i in (item, *others) if i is item or i.kind not in aside) <= 100
        if not direct:
            assert lacks(profile, need_of(state, item)) is None

    # -- customers --------------------------------------------------------------------------

    @rule(
        kind=st.sampled_from([mail, chat, task]),
        to=QUEUES,
        skills=SKILLS,
        points=st.integers(-3, 3),
    )
    def somebody_new_writes(
        self, kind: Any, to: QueueName, skills: dict[str, int], points: int
    ) -> None:
        fields: dict[str, Any] = {"queue": to, "priority": points}
        fields["skills"] = {SkillName(s): level for s, level in skills.items()}
        if kind is task:
            fields["address"] = HOOK
        self.house.arrive(kind(self.key(), **fields))

    @precondition(lambda self: self.house.tables.cases)
    @rule(n=PICK, ends=st.booleans())
    def somebody_writes_again(self, n: int, ends: bool) -> None:
        known = pick(list(self.house.tables.cases.values()), n)
        if known.kind is ChannelKind.WEBCHAT:
            attributes = {"chat": "ended"} if ends else {}
            self.house.arrive(chat(self.key(), attributes=attributes), conversation=known)
        else:
            self.house.arrive(mail(self.key()), referenced=known, reference="it")

    def key(self) -> str:
        self.keys += 1
        return f"k{self.keys}"

    # -- agents -----------------------------------------------------------------------------

    @rule(name=NAMES)
    def a_desktop_comes(self, name: str) -> None:
        if AgentName(name) in self.house.state.profiles:
            self.house.sign_in(name, ready=False)

    @rule(name=NAMES)
    def a_desktop_goes(self, name: str) -> None:
        if name in self.house.state.statuses:
            self.house.drop(name)

    @rule(name=NAMES, state=st.sampled_from(["ready", "ready", "not_ready"]))
    def an_agent_says(self, name: str, state: Any) -> None:
        self.say(name, lambda i: c.State(id=i, state=state))

    @rule(name=NAMES, n=PICK, accepts=st.booleans())
    def an_agent_answers_an_offer(self, name: str, n: int, accepts: bool) -> None:
        offered = self.house.offered_to(name)
        if offered:
            offer = pick(offered, n).offer
            assert offer is not None
            kind = c.Accept if accepts else c.Decline
            self.say(name, lambda i: kind(id=i, offer=offer.id))

    @rule(name=NAMES, n=PICK, then=st.sampled_from([None, "wait", "close"]))
    def an_agent_writes(self, name: str, n: int, then: Any) -> None:
        self.on_mine(name, n, lambda i, x: c.Send(id=i, item=x, body="Hello", then=then))

    @rule(name=NAMES, n=PICK)
    def an_agent_notes(self, name: str, n: int) -> None:
        self.on_mine(name, n, lambda i, x: c.Note(id=i, item=x, body="Hm"))

    @rule(name=NAMES, n=PICK, after=st.sampled_from([None, 50, 5000]))
    def an_agent_parks(self, name: str, n: int, after: int | None) -> None:
        until = self.house.clock.now() + timedelta(seconds=after) if after else None
        self.on_mine(name, n, lambda i, x: c.Park(id=i, item=x, until=until))

    @rule(name=NAMES, n=PICK)
    def an_agent_resumes(self, name: str, n: int) -> None:
        self.on_mine(name, n, lambda i, x: c.Resume(id=i, item=x))

    @rule(name=NAMES, n=PICK, note=st.sampled_from(["", "Why"]))
    def an_agent_wraps_up(self, name: str, n: int, note: str) -> None:
        self.on_mine(name, n, lambda i, x: c.Wrapup(id=i, item=x, code="done", note=note))

    @rule(name=NAMES, n=PICK, to=st.one_of(QUEUES, NAMES))
    def an_agent_transfers(self, name: str, n: int, to: str) -> None:
        target: dict[str, Any] = {"agent": to} if to in CREW else {"queue": to}
        self.on_mine(name, n, lambda i, x: c.Transfer(id=i, item=x, **target))

    @rule(name=NAMES, n=PICK)
    def an_agent_takes(self, name: str, n: int) -> None:
        items = list(self.house.state.items)
        if items:
            self.say(name, lambda i: c.Take(id=i, item=pick(items, n)))

    @rule(name=NAMES)
    def an_agent_composes(self, name: str) -> None:
        self.say(name, lambda i: c.Compose(id=i, channel=MAIL, body="Hi", to="x@example.org"))

    @precondition(lambda self: self.house.tables.cases)
    @rule(name=NAMES, n=PICK, tags=st.booleans())
    def an_agent_opens_a_case_again(self, name: str, n: int, tags: bool) -> None:
        found = self.house.state.adopt(pick(list(self.house.tables.cases.values()), n))
        items = [i for i in self.house.tables.items.values() if i.case == found.id]
        last = max(items, key=lambda i: i.id)
        if tags:
            self.say(name, lambda i: c.TagCase(id=i, case=found.id, add=("vip",)), case=found)
        else:
            self.say(name, lambda i: c.Reopen(id=i, case=found.id), case=found, last_item=last)
        self.house.ledger.release(found.id)

    @rule(name=NAMES)
    def an_agent_asks_for_nonsense(self, name: str) -> None:
        self.refused(name, lambda i: c.Accept(id=i, offer=OfferId("none")))
        self.refused(name, lambda i: c.Send(id=i, item=ItemId("none"), body="x"))
        self.refused(name, lambda i: c.Reopen(id=i, case=CaseId("none")))
        self.refused(name, lambda i: c.Read(id=i, item=ItemId("none"), message=MessageId("x")))

    def on_mine(self, name: str, n: int, make: Any) -> None:
        who = AgentName(name)
        mine = [*self.house.state.in_hand(who), *self.house.state.parked(who)]
        if mine:
            self.say(name, lambda i: make(i, pick(mine, n).id))

    def say(self, name: str, make: Any, **resolved: Any) -> bool:
        before = len(self.house.entries)
        try:
            self.house.say(name, make(self.house.command()), **resolved)
        except Refused:
            done = False
        else:
            done = True
        assert done or len(self.house.entries) == before, "a refused command changes nothing"
        return done

    def refused(self, name: str, make: Any) -> None:
        assert not self.say(name, make)

    # -- supervisors, the outbox, time ------------------------------------------------------

    @precondition(lambda self: self.house.state.items)
    @rule(n=PICK, what=st.integers(0, 4), name=NAMES, to=QUEUES)
    def a_supervisor_acts(self, n: int, what: int, name: str, to: QueueName) -> None:
        state, item = self.house.state, pick(list(self.house.state.items), n)
        sue = AgentName("sue")
        deeds: list[Callable[[], list[e.Change]]] = [
            lambda: acts.assign(state, item, AgentName(name), sue, ""),
            lambda: acts.requeue(state, item, to, sue, ""),
            lambda: acts.close(state, item, sue, ""),
            lambda: acts.cancel(state, item, "sue", ""),
            lambda: acts.reprioritise(state, item, n % 100, sue, ""),
        ]
        try:
            changes = deeds[what]()
        except Refused:
            return
        self.house.record(changes)

    @rule(name=NAMES, skills=SKILLS, active=st.booleans())
    def the_directory_changes(self, name: str, skills: dict[str, int], active: bool) -> None:
        if active:
            changed: e.Event = e.AgentDefined(profile=seated(name, skills), by="sue")
        elif AgentName(name) in self.house.state.profiles:
            changed = e.AgentRemoved(agent=AgentName(name), by="sue")
        else:
            return
        self.house.record([e.Change(changed)])

    @rule(
        name=st.sampled_from(PLACES),
        percent=st.sampled_from([0, 10, 50, 90, 100]),
        in_hand=st.sampled_from(["keep", "return"]),
    )
    def a_site_closes_or_opens(self, name: str, percent: int, in_hand: Any) -> None:
        state, ctx = self.house.state, self.house.ledger.context()
        try:
            changes = set_site(
                state,
                SiteName(name),
                open_percent=percent,
                reason="storm",
                in_hand=in_hand,
                by="sue",
                ctx=ctx,
            )
        except Refused:
            assert not state.at_site(SiteName(name))
            return
        self.house.record(changes)

    @rule(kind=st.sampled_from(list(ChannelKind)), to=QUEUES, skills=SKILLS)
    def another_node_asks_for_somebody(
        self, kind: ChannelKind, to: QueueName, skills: dict[str, int]
    ) -> None:
        house, now = self.house, self.house.clock.now()
        levels = {SkillName(s): level for s, level in skills.items()}
        asked = Wanted(item=ItemId(self.key()), kind=kind, queue=to, skills=levels)
        kept = house.engine.agent_for(asked, now)
        if kept is None:
            return
        assert unavailable(house.state, kept, asked.need) is None
        assert lacks(house.state.profiles[kept], asked.need) is None
        until = now + timedelta(seconds=2)
        promise = Reservation(agent=kept, item=asked.item, asker=NodeName("n2"), until=until)
        house.record([e.Change(e.AgentReserved(reservation=promise))])

    @precondition(lambda self: self.house.state.reserved)
    @rule(n=PICK)
    def what_somebody_was_kept_for_does_not_come(self, n: int) -> None:
        promise = pick(list(self.house.state.reserved.values()), n)
        ended = e.ReservationEnded(agent=promise.agent, item=promise.item, reason="late")
        self.house.record([e.Change(ended)])

    @precondition(lambda self: self.house.state.outbox)
    @rule(n=PICK, outcome=st.integers(0, 3))
    def the_outbox_tries(self, n: int, outcome: int) -> None:
        house = self.house
        order = pick(list(house.state.outbox.values()), n)
        house.record([sending.attempt(order)])
        tried = house.state.outbox[order.id]
        if outcome == 0:
            house.record(sending.sent(tried, "there", Delivery.SENT))
        else:
            error = [TryAgain("busy"), OutcomeUnknown("cut"), Undeliverable("never")][outcome - 1]
            house.record(sending.failed(house.state, tried, error, house.ledger.context()))

    @rule(seconds=st.sampled_from([0.5, 5, 20, 31, 61, 121, 301]))
    def time_passes(self, seconds: float) -> None:
        self.house.pass_time(seconds)

    # -- what must hold ---------------------------------------------------------------------

    @invariant()
    def who_is_closed_out_has_no_offer_and_was_chosen_by_name(self) -> None:
        state = self.house.state
        chosen = {
            agent
            for site in state.sites.values()
            for agent in closed_among(
                site, [p.name for p in state.profiles.values() if p.site == site.name]
            )
        }
        assert state.closed.keys() == chosen
        offered = {i.offer.agent for i in state.items.values() if i.offer}
        assert not offered & chosen

    @invariant()
    def what_is_published_is_what_a_walk_over_everything_counts(self) -> None:
        state, now = self.house.state, self.house.clock.now()
        self.tally.settle()
        told = self.tally.capacity(now)
        fresh = Tally(state)
        fresh.settle()
        assert since_it_began(told) == fresh.capacity(now)
        here = [s for s in state.statuses.values() if s.tabs]
        assert told.agents.connected == len(here)
        assert told.agents.busy == sum(1 for s in here if state.in_hand(s.name))
        assert told.items == Counter(i.state.value for i in state.items.values())
        for name in state.queues:
            self.check_published(told, name)

    def check_published(self, told: Capacity, name: QueueName) -> None:
        state, now = self.house.state, self.house.clock.now()
        said = {queue.name: queue for queue in told.queues}[name]
        waits = (ItemState.QUEUED, ItemState.OFFERED)
        waiting = [i for i in state.items.values() if i.queue == name and i.state in waits]
        since = [(now - (i.queued_at or i.created_at)).total_seconds() for i in waiting]
        assert said.waiting == len(waiting)
        assert abs(said.longest_wait - max(since, default=0.0)) < 0.001
        for kind in ChannelKind:
            for skills in ((), (("de", 2),), (("de", 1), ("fr", 2))):
                need = Need(kind, name, tuple((SkillName(s), level) for s, level in skills))
                free = [
                    p
                    for p in state.profiles.values()
                    if lacks(p, need) is None and unavailable(state, p.name, need) is None
                ]
                assert told.fit(need) >= len(free)
                assert told.fit(need) == len(free) or len(skills) > 1

    @invariant()
    def each_item_is_in_one_place(self) -> None:
        state = self.house.state
        held: Counter[ItemId] = Counter()
        for name in state._in_hand:
            held.update(i.id for i in state.in_hand(name))
        expected = Counter(i.id for i in state.items.values() if i.state in IN_HAND)
        assert held == expected
        assert state._in_hand.keys() <= state.profiles.keys(), (
            "somebody who is gone holds something"
        )
        for item in state.items.values():
            self.check_place(item)

    def check_place(self, item: Item) -> None:
        assert item.state not in ENDED
        assert (item.offer is not None) == (item.state is ItemState.OFFERED)
        assert (item.agent is not None) == (item.state in (ItemState.ASSIGNED, ItemState.WRAPPING))
        holder = item.offer.agent if item.offer else item.agent
        if holder is not None:
            assert item.id in {i.id for i in self.house.state.in_hand(holder)}
        if item.state is ItemState.QUEUED:
            assert item.queued_at is not None
        if item.state in (ItemState.HELD, ItemState.SCHEDULED) and item.last_agent:
            assert item.id in {i.id for i in self.house.state.parked(item.last_agent)}

    @invariant()
    def the_disk_has_what_memory_has(self) -> None:
        """Versions are checked as they are written; here every row as it is now."""
        state, disk = self.house.state, self.house.tables
        opened = {k: i for k, i in disk.items.items() if i.state not in ENDED}
        assert opened == state.items
        assert {i.case for i in opened.values()} == state.cases.keys()
        assert all(disk.cases[k] == case for k, case in state.cases.items())
        at_home = {k: s for k, s in disk.statuses.items() if s.home is not None}
        assert at_home == state.statuses
        waiting = (OutboundState.PENDING, OutboundState.ATTEMPTING)
        assert {k: o for k, o in disk.outbox.items() if o.state in waiting} == state.outbox
        profiles: dict[AgentName, AgentProfile] = {
            k: p for k, p in disk.profiles.items() if p.active
        }
        assert profiles == state.profiles
        assert disk.sites == state.sites

    @invariant()
    def nothing_waits_beside_who_could_take_it(self) -> None:
        state, now = self.house.state, self.house.clock.now()
        for item in state.items.values():
            if item.state is not ItemState.QUEUED or self.is_awaited(item):
                continue
            need = need_of(state, item)
            for name, profile in state.profiles.items():
                could = lacks(profile, need) is None and unavailable(state, name, need) is None
                assert not could or passed_lately(item, name, now) is not None

    def is_awaited(self, item: Item) -> bool:
        """For a short while an item waits for its last agent, who is there, fits and is full."""
        state, now = self.house.state, self.house.clock.now()
        profile = state.profiles.get(item.last_agent) if item.last_agent else None
        queue_of = state.queues[item.queue]
        if profile is None or item.queued_at is None:
            return False
        need = need_of(state, item)
        full = unavailable(state, profile.name, need) == "has no capacity left"
        within = now < item.queued_at + timedelta(seconds=queue_of.affinity_seconds)
        passed = passed_lately(item, profile.name, now) is not None
        return full and within and not passed and lacks(profile, need) is None

    @invariant()
    def no_offer_outlives_its_deadline(self) -> None:
        now = self.house.clock.now()
        offers = [i.offer for i in self.house.state.items.values() if i.offer]
        assert all(offer.deadline >= now for offer in offers)

    @invariant()
    def cases_are_as_their_items_are(self) -> None:
        disk = self.house.tables
        busy = {i.case for i in self.house.state.items.values()}
        for key, case in ((CaseId(k), v) for k, v in disk.cases.items()):
            ended = case.status in (CaseStatus.SOLVED, CaseStatus.CLOSED)
            assert ended != (key in busy), f"{case.status} with open work: {key in busy}"
            assert sorted(disk.said.get(key, {})) == list(range(1, case.last_seq + 1))

    @invariant()
    def there_is_nothing_to_repair(self) -> None:
        assert problems(self.house.state, self.house.ledger.context()) == []


TestSwitchroom = Switchroom.TestCase
TestSwitchroom.settings = settings(
    max_examples=80,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],
)


def since_it_began(told: Capacity) -> Capacity:
    """Without what is counted from the beginning on: no walk over what is there finds that."""
    nothing = {"told": 0, "told_error": 0.0, "told_absolute": 0.0}
    counts = {"taken": 0, "missed": 0, "declined": 0}
    return replace(told, queues=tuple(replace(q, **nothing, **counts) for q in told.queues))
