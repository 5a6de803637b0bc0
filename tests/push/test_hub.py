"""Streams and tabs, where the random interleavings of ``test_law`` do not look."""

from datetime import UTC, datetime

from gateway.core import events as e
from gateway.core.clocks import Act, Clock, Service
from gateway.core.ids import AgentName
from gateway.core.model import AgentProfile, Item
from push.hub import Hub
from push.protocol import (
    Alert,
    ItemFrame,
    ResumeFrom,
    ServerFrame,
    Snapshot,
    TypingFrame,
    decode_server,
)
from tests.support.pushworld import World

ANA = AgentName("ana")
DUE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class Tab:
    """Implements ``hub.Listener``."""

    def __init__(self, agent: str = "ana", resume: ResumeFrom | None = None) -> None:
        self.agent = AgentName(agent)
        self.resume = resume
        self.frames: list[ServerFrame] = []
        self.posts = 0
        self.welcomed: tuple[int, int] | None = None
        self.lost: tuple[int, str] | None = None

    def post(self, *frames: str | bytes) -> None:
        self.posts += 1
        self.frames += map(decode_server.decode, frames)

    def welcome(self, epoch: int, seq: int) -> None:
        self.welcomed = (epoch, seq)

    def lose(self, code: int, reason: str) -> None:
        self.lost = (code, reason)


class Place(World):
    """A world with a hub."""

    def __init__(self, **options: float) -> None:
        super().__init__("ana", "ben")
        self.hub = Hub(self.clock.monotonic, **options)  # type: ignore[arg-type]
        self.hub.load((), (), self.state.profiles.values())
        self.subscribe(self.hub.consume)

    def come(self, tab: Tab, *, commit: bool = True) -> Tab:
        self.hub.arrive(tab, self.attach(tab.agent, str(id(tab))))
        if commit:
            self.commit()
        return tab

    def go(self, tab: Tab) -> None:
        self.hub.leave(tab)
        self.detach(tab.agent, str(id(tab)), "gone")


def test_nothing_is_shown_before_the_attachment_has_committed() -> None:
    place = Place()
    tab = place.come(Tab(), commit=False)
    place.give("ana")
    assert (tab.welcomed, tab.frames) == (None, [])
    place.commit(1)
    assert tab.welcomed is not None
    assert [type(f) for f in tab.frames] == [Snapshot]


def test_who_leaves_before_the_commit_is_not_welcomed_and_not_kept() -> None:
    place = Place()
    tab = place.come(Tab(), commit=False)
    place.go(tab)
    place.commit()
    assert tab.welcomed is None
    assert place.hub.tabs == 0


def test_a_tab_that_comes_back_gets_only_what_it_missed() -> None:
    place = Place()
    tab = place.come(Tab())
    assert tab.welcomed is not None
    place.go(tab)
    item = place.give("ana")
    place.commit()
    back = place.come(Tab(resume=ResumeFrom(*tab.welcomed)))
    assert not any(isinstance(f, Snapshot) for f in back.frames)
    assert place.hub.replays == 1
    assert place.state.items[item.id].agent == ANA
    assert [f.seq for f in back.frames] == [1]  # type: ignore[union-attr]


def test_what_commits_together_leaves_together() -> None:
    place = Place()
    ana, ben = place.come(Tab()), place.come(Tab("ben"))
    before = ana.posts, ben.posts
    for _ in range(3):
        place.give("ana")
        place.give("ben")
    place.commit()
    assert (ana.posts, ben.posts) == (before[0] + 1, before[1] + 1)
    assert [f.seq for f in ana.frames[1:]] == list(range(1, place.hub.seq(ANA) + 1))  # type: ignore[union-attr]


def test_who_joins_amid_entries_that_commit_together_sees_those_before_in_the_snapshot_only() -> (
    None
):
    place = Place()
    here = place.come(Tab())
    first = place.give("ana")
    joins = place.come(Tab(), commit=False)
    second = place.give("ana")
    place.commit()
    snapshot, *later = joins.frames
    assert isinstance(snapshot, Snapshot)
    assert [i.id for i in snapshot.items] == [first.id]
    assert joins.welcomed == (1, snapshot.seq)
    assert [f.seq for f in later] == list(range(snapshot.seq + 1, place.hub.seq(ANA) + 1))  # type: ignore[union-attr]
    assert {f.item.id for f in later if isinstance(f, ItemFrame)} == {second.id}
    assert here.frames[-len(later) :] == later


def test_what_was_told_before_a_fault_leaves_before_the_close() -> None:
    place = Place()
    ana = place.come(Tab())
    broken = place.give("ana")
    place.commit()
    del place.hub._mirror.cases[broken.case]
    told = len(ana.frames)
    new = place.give("ana")
    place.happen(e.ItemReprioritised(item=broken.id, by="boss", priority=9))
    unseen = place.give("ana")
    place.commit()
    assert ana.lost is not None
    shown = {f.item.id for f in ana.frames[told:] if isinstance(f, ItemFrame)}
    assert new.id in shown
    assert unseen.id not in shown


def test_a_stream_nobody_listens_to_is_forgotten_and_its_numbers_never_come_again() -> None:
    place = Place(keep_seconds=60)
    tab = place.come(Tab())
    place.give("ana")
    place.commit()
    seen = ResumeFrom(epoch=1, seq=place.hub.seq(ANA))
    place.go(tab)
    place.commit()
    place.clock.seconds += 59
    place.hub.sweep()
    assert place.hub.seq(ANA) == seen.seq
    place.clock.seconds += 2
    place.hub.sweep()
    assert place.hub.seq(ANA) == 0
    back = place.come(Tab(resume=seen))
    assert [type(f) for f in back.frames] == [Snapshot]
    assert place.hub.seq(ANA) > seen.seq


def test_a_stream_with_a_listener_is_never_forgotten() -> None:
    place = Place(keep_seconds=60)
    place.come(Tab())
    other = place.come(Tab())
    place.go(other)
    place.give("ana")
    place.commit()
    place.clock.seconds += 1_000
    place.hub.sweep()
    assert place.hub.seq(ANA) > 0


def test_all_replay_memory_together_stays_within_its_budget() -> None:
    place = Place(budget_bytes=20_000)
    place.come(Tab())
    place.come(Tab("ben"))
    for _ in range(20):
        place.give("ana")
        place.give("ben")
    place.commit()
    assert place.hub.kept_bytes > 20_000
    place.hub.sweep()
    assert 0 < place.hub.kept_bytes <= 20_000


def test_one_entry_that_cannot_be_shown_costs_its_agent_a_snapshot_and_nobody_else() -> None:
    place = Place()
    ana, ben = place.come(Tab()), place.come(Tab("ben"))
    item = place.give("ana")
    place.commit()
    del place.hub._mirror.cases[item.case]
    place.happen(e.ItemReprioritised(item=item.id, by="boss", priority=9))
    place.give("ben")
    place.commit()
    assert place.hub.resyncs == 1
    assert ana.lost is not None
    assert ben.lost is None
    assert len(ben.frames) > 1
    back = place.come(Tab(resume=ResumeFrom(1, place.hub.seq(ANA) - 1)))
    (shown,) = back.frames
    assert isinstance(shown, Snapshot)
    assert [i.id for i in shown.items] == [item.id]


def test_a_new_claim_restarts_the_stream_and_parts_with_the_old_tabs() -> None:
    place = Place()
    old = place.come(Tab())
    assert old.welcomed == (1, 0)
    place.give("ana")
    place.commit()
    assert place.hub.seq(ANA) > 0
    place.state.claimed.clear()
    new = place.come(Tab(resume=ResumeFrom(1, 0)))
    assert new.welcomed == (2, 0)
    assert [type(f) for f in new.frames] == [Snapshot]
    assert old.lost is not None


def test_an_agent_taken_out_of_the_directory_is_signed_out() -> None:
    for gone in (
        e.AgentRemoved(agent=ANA, by="admin"),
        e.AgentDefined(profile=AgentProfile(name=ANA, active=False), by="admin"),
    ):
        place = Place()
        tab = place.come(Tab())
        place.happen(gone)
        place.commit()
        assert tab.lost is not None
        assert tab.lost[0] == 4401


def test_a_node_that_begins_again_parts_with_everybody() -> None:
    place = Place()
    here, coming = place.come(Tab()), place.come(Tab("ben"), commit=False)
    place.hub.load((), (), place.state.profiles.values())
    assert here.lost is not None
    assert coming.lost is not None
    assert place.hub.tabs == 0
    place.commit()
    assert coming.welcomed is None


def test_typing_is_shown_to_the_holder_and_not_to_who_is_only_offered() -> None:
    place = Place()
    ana, ben = place.come(Tab()), place.come(Tab("ben"))
    held, offered = place.give("ana"), place.arrive()
    place.offer(offered, "ben")
    place.commit()
    place.hub.typing(held.case, "Ana", on=True)
    place.hub.typing(offered.case, "Ana", on=True)
    assert [f.item for f in ana.frames if isinstance(f, TypingFrame)] == [held.id]
    assert not any(isinstance(f, TypingFrame) for f in ben.frames)


def escalated(item: Item, act: Act) -> e.ServiceLevelEscalated:
    late = Clock(kind="first_reply", breached_at=DUE)
    return e.ServiceLevelEscalated(
        item=item.id,
        clock="first_reply",
        act=act,
        service=Service(clocks=(late,)),
        number=item.number,
        queue=item.queue,
    )


def test_supervisors_are_told_what_is_overdue_when_the_policy_says_so_and_nobody_else() -> None:
    place = Place()
    lead = AgentProfile(name=AgentName("sue"), role="supervisor")
    place.happen(e.AgentDefined(profile=lead, by="admin"))
    place.commit()
    ana, sue = place.come(Tab()), place.come(Tab("sue"))
    item = place.arrive()
    place.happen(escalated(item, "raise"))
    place.happen(escalated(item, "notify"))
    assert not any(isinstance(f, Alert) for f in sue.frames), "not on disk yet"
    place.commit()
    (alert,) = [f for f in sue.frames if isinstance(f, Alert)]
    assert (alert.item, alert.number, alert.queue) == (item.id, item.number, item.queue)
    assert (alert.clock, alert.due_at) == ("first_reply", DUE)
    assert not any(isinstance(f, Alert) for f in ana.frames)


def test_who_is_a_supervisor_no_more_is_told_of_nothing() -> None:
    place = Place()
    for role in ("admin", "agent"):
        lead = AgentProfile(name=AgentName("sue"), role=role)
        place.happen(e.AgentDefined(profile=lead, by="admin"))
    place.commit()
    sue = place.come(Tab("sue"))
    place.happen(escalated(place.arrive(), "notify"))
    place.commit()
    assert not any(isinstance(f, Alert) for f in sue.frames)
