"""Who should have which duty: one holder, no needless moves, and every node of one mind."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from gateway.core.duties import (
    ABLE,
    CALM_SECONDS,
    NAMED,
    NEAR,
    TURN_SECONDS,
    Duty,
    Facts,
    Give,
    Look,
    Member,
    Take,
    Wish,
    better_at,
    decide,
    holders,
    observe,
)
from gateway.core.ids import NodeName

NAMES = [NodeName(name) for name in ("n1", "n2", "n3")]
N1, N2, N3 = NAMES
BOX = "mailbox support at imap.firm.example, INBOX"


def member(node: NodeName, life: str = "1", **more: object) -> Member:
    return replace(Member(node=node, life=f"{node}/{life}", state="serving"), **more)


def wish(node: NodeName, duty: str = BOX, life: str = "1", rank: int = ABLE) -> Wish:
    return Wish(duty=duty, node=node, life=f"{node}/{life}", rank=rank)


def held(node: NodeName, duty: str = BOX, life: str = "1", epoch: int = 1) -> Duty:
    return Duty(name=duty, epoch=epoch, node=node, life=f"{node}/{life}")


def look(
    me: NodeName,
    members: list[Member] | None = None,
    duties: list[Duty] | None = None,
    wishes: list[Wish] | None = None,
) -> Look:
    members = [member(node) for node in NAMES] if members is None else members
    life = next(m.life for m in members if m.node == me)
    wishes = [wish(node) for node in NAMES] if wishes is None else wishes
    return Look(life=life, members=tuple(members), duties=tuple(duties or ()), wishes=tuple(wishes))


def steps(me: NodeName, seen: Look, after: float = 0.0) -> list[Take | Give]:
    facts = observe(Facts(me=me), seen, 0.0)
    return decide(observe(facts, seen, after), after)


def test_a_duty_that_nobody_had_is_taken_by_one_node_and_all_agree_which() -> None:
    assert [step.duty for step in steps(N1, look(N1))] == [BOX]
    assert steps(N2, look(N2)) == steps(N3, look(N3)) == []


def test_the_least_loaded_takes_what_is_free() -> None:
    duties = [held(N1, "a"), held(N1, "b"), held(N2, "c")]
    wishes = [wish(node, duty) for node in (N1, N2, N3) for duty in ("a", "b", "c", BOX)]
    (take,) = steps(N3, look(N3, duties=duties, wishes=wishes))
    assert isinstance(take, Take)
    assert take.duty == BOX
    assert take.reason == (
        "nobody has had it before; n3 has the fewest, 0, of 3 nodes that can do it"
    )
    assert steps(N1, look(N1, duties=duties, wishes=wishes)) == []


def test_several_free_duties_are_spread() -> None:
    wishes = [wish(node, f"box {n}") for node in NAMES for n in range(6)]
    taken = {node: len(steps(node, look(node, wishes=wishes))) for node in NAMES}
    assert taken == {N1: 2, N2: 2, N3: 2}


def test_the_preferred_node_comes_before_the_preferred_region_before_the_others() -> None:
    wishes = [wish(N1), wish(N2, rank=NEAR), wish(N3, rank=NAMED)]
    (take,) = steps(N3, look(N3, wishes=wishes))
    assert take.reason.endswith("n3 is the preferred node")
    without = [member(N1), member(N2), member(N3, state="leaving")]
    (take,) = steps(N2, look(N2, without, wishes=wishes))
    assert take.reason.endswith("n2 is in the preferred region")


def test_while_its_holder_lives_nobody_else_wants_it() -> None:
    for silent in (0.0, 3.0, 1_000.0):
        assert steps(N2, look(N2, duties=[held(N1)]), silent) == []


def test_who_was_fenced_has_nothing_any_more_once_its_estate_is_settled() -> None:
    fenced = member(N1, "fenced by n2", fenced=True, settling=True)
    settled = replace(fenced, settling=False)
    duties = [held(N1)]
    assert steps(N2, look(N2, [fenced, member(N2), member(N3)], duties), 60.0) == []
    (take,) = steps(N2, look(N2, [settled, member(N2), member(N3)], duties))
    assert take == Take(
        BOX, 1, "n1 was taken over; n2 has the fewest, 0, of 2 nodes that can do it"
    )


def test_who_began_anew_takes_its_own_again_under_a_new_epoch() -> None:
    again = [member(N1, "2")]
    wishes = [wish(N1, life="2")]
    (take,) = steps(N1, look(N1, again, [held(N1, life="1", epoch=4)], wishes))
    assert take == Take(BOX, 4, "n1 has begun anew; only n1 can do it")


def test_who_stopped_is_not_waited_for() -> None:
    members = [member(N1, state="stopped"), member(N2)]
    (take,) = steps(N2, look(N2, members, [held(N1)]))
    assert take.reason.startswith("n1 has stopped")


def test_a_node_that_leaves_joins_or_has_an_heir_takes_nothing() -> None:
    for state in ("leaving", "joining", "stopped"):
        assert steps(N1, look(N1, [member(N1, state=state)])) == []
    assert steps(N1, look(N1, [member(N1, settling=True)])) == []
    assert steps(N1, look(N1, [member(N1)], wishes=[wish(N1, life="0")])) == []


def test_the_next_in_line_takes_what_the_first_leaves_lying() -> None:
    seen = look(N2)
    assert steps(N2, seen, TURN_SECONDS - 0.1) == []
    (take,) = steps(N2, seen, TURN_SECONDS)
    assert take.reason.endswith("n1 did not take it in time, n2 is next")
    assert steps(N3, look(N3), TURN_SECONDS) == []
    assert len(steps(N3, look(N3), 2 * TURN_SECONDS)) == 1


def test_a_duty_goes_back_to_where_it_is_preferred_after_a_calm_time_and_not_before() -> None:
    wishes = [wish(N1), wish(N2, rank=NAMED)]
    seen = look(N1, duties=[held(N1)], wishes=wishes)
    assert steps(N1, seen, CALM_SECONDS - 1) == []
    (give,) = steps(N1, seen, CALM_SECONDS)
    assert give == Give(BOX, N2, "n2 is preferred and has served for 300 s without a break")


def test_a_break_of_the_other_or_of_our_sight_begins_the_calm_time_anew() -> None:
    wishes = [wish(N1), wish(N2, rank=NAMED)]
    calm = look(N1, duties=[held(N1)], wishes=wishes)
    anew = [member(N1), member(N2, "2"), member(N3)]
    rest = look(N1, anew, [held(N1)], [wish(N1), wish(N2, life="2", rank=NAMED)])
    for trouble in (None, rest):
        facts = observe(Facts(me=N1), calm, 0.0)
        facts = observe(facts, trouble, CALM_SECONDS - 1)
        last = rest if trouble is rest else calm
        facts = observe(facts, last, CALM_SECONDS + 1)
        assert decide(facts, CALM_SECONDS + 1) == []
        facts = observe(facts, last, 2 * CALM_SECONDS + 1)
        assert len(decide(facts, 2 * CALM_SECONDS + 1)) == 1


def test_one_duty_at_a_time_goes_back() -> None:
    names = ["a", "b", "c"]
    wishes = [wish(N1, n) for n in names] + [wish(N2, n, rank=NEAR) for n in names]
    seen = look(N1, duties=[held(N1, n) for n in names], wishes=wishes)
    assert [step.duty for step in steps(N1, seen, CALM_SECONDS)] == ["a"]


def test_who_asks_gets_it_at_once() -> None:
    asked = replace(held(N1), asked="n3/1")
    (give,) = steps(N1, look(N1, duties=[asked]))
    assert give == Give(BOX, N3, "n3 asked for it")
    free = replace(asked, node=None, life=None)
    (take,) = steps(N3, look(N3, duties=[free]))
    assert take.duty == BOX
    assert steps(N1, look(N1, duties=[free])) == []


def test_who_asked_in_an_earlier_life_has_not_asked() -> None:
    asked = replace(held(N1), asked="n3/0")
    assert steps(N1, look(N1, duties=[asked])) == []


def test_who_comes_back_asks_for_what_it_suits_better() -> None:
    wishes = [wish(N1, "a"), wish(N2, "a", rank=NEAR), wish(N1, "b"), wish(N2, "b")]
    facts = observe(
        Facts(me=N2), look(N2, duties=[held(N1, "a"), held(N1, "b")], wishes=wishes), 0.0
    )
    assert better_at(facts) == ["a"]


def test_what_is_not_done_here_any_more_is_given_up() -> None:
    (give,) = steps(N1, look(N1, duties=[held(N1)], wishes=[wish(N2)]))
    assert give == Give(BOX, None, "n1 does not do it any more")


LIVES = st.sampled_from(["1", "2"])


@st.composite
def looks(draw: st.DrawFn) -> tuple[tuple[Member, ...], tuple[Duty, ...], tuple[Wish, ...]]:
    members = tuple(
        Member(
            node=node,
            life=f"{node}/{draw(LIVES)}",
            state=draw(st.sampled_from(["serving", "serving", "leaving", "stopped"])),
            fenced=draw(st.booleans()) and draw(st.booleans()),
            settling=draw(st.booleans()) and draw(st.booleans()),
        )
        for node in NAMES
    )
    names = [f"box {n}" for n in range(draw(st.integers(1, 5)))]
    duties = []
    for name in names:
        node = draw(st.sampled_from([None, *NAMES]))
        life = None if node is None else f"{node}/{draw(LIVES)}"
        epoch = draw(st.integers(1, 9))
        duties.append(Duty(name=name, epoch=epoch, node=node, life=life))
    wishes = tuple(
        wish(node, name, draw(LIVES), draw(st.sampled_from([NAMED, NEAR, ABLE])))
        for name in names
        for node in NAMES
        if draw(st.booleans())
    )
    return members, tuple(duties), wishes


@given(looks(), st.floats(0, 1_000))
@settings(max_examples=300)
def test_no_two_nodes_want_the_same_duty_at_once_and_none_a_living_nodes(
    rows: tuple[tuple[Member, ...], tuple[Duty, ...], tuple[Wish, ...]], now: float
) -> None:
    members, duties, wishes = rows
    wanted: Counter[str] = Counter()
    for me in NAMES:
        life = next(m.life for m in members if m.node == me)
        seen = Look(life=life, members=members, duties=duties, wishes=wishes)
        for step in decide(observe(Facts(me=me), seen, now), now):
            if isinstance(step, Take):
                wanted[step.duty] += 1
                assert step.duty not in holders(seen)
                assert any(w.duty == step.duty and w.node == me for w in wishes)
            else:
                assert holders(seen).get(step.duty, me) == me
    assert all(count == 1 for count in wanted.values())
    free = {w.duty for w in wishes} - set(
        holders(Look(life="", members=members, duties=duties, wishes=wishes))
    )
    may = {m.life for m in members if m.state == "serving" and not m.fenced and not m.settling}
    assert {w.duty for w in wishes if w.life in may and w.duty in free} == set(wanted)


class Cluster(RuleBasedStateMachine):
    """Nodes that look when they like, over rows that change by compare-and-set."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.members = {node: member(node) for node in NAMES}
        self.lives = dict.fromkeys(NAMES, 1)
        self.duties: dict[str, Duty] = {}
        self.ranks = {N1: NEAR, N2: ABLE, N3: NAMED}
        self.facts = {node: Facts(me=node) for node in NAMES}
        self.moves = 0
        self.trouble = True

    def seen(self, me: NodeName) -> Look:
        wishes = tuple(
            Wish(duty=BOX, node=n, life=m.life, rank=self.ranks[n]) for n, m in self.members.items()
        )
        return Look(
            life=self.members[me].life,
            members=tuple(self.members.values()),
            duties=tuple(self.duties.values()),
            wishes=wishes,
        )

    @rule(me=st.sampled_from(NAMES), late=st.booleans())
    def looks(self, me: NodeName, late: bool) -> None:
        self.facts[me] = observe(self.facts[me], self.seen(me), self.now)
        if not late:
            self.acts(me)

    @rule(me=st.sampled_from(NAMES))
    def acts(self, me: NodeName) -> None:
        """Also on a look that is old."""
        seen = self.facts[me].look
        if seen is None or seen.life != self.members[me].life:
            return  # its own right to write is checked by every statement
        for step in decide(self.facts[me], self.now):
            row = self.duties.get(step.duty)
            match step:
                case Take(seen=epoch) if (row.epoch if row else 0) == epoch:
                    taken = Duty(name=BOX, epoch=epoch + 1, node=me, life=seen.life)
                    self.duties[step.duty] = taken
                    self.moves += 1
                case Give() if row is not None and (row.node, row.life) == (me, seen.life):
                    self.duties[step.duty] = replace(row, node=None, life=None)

    @rule(seconds=st.sampled_from([0.5, 2.0, 60.0, CALM_SECONDS]))
    def waits(self, seconds: float) -> None:
        self.now += seconds

    @rule(node=st.sampled_from(NAMES), state=st.sampled_from(["serving", "leaving"]))
    def changes(self, node: NodeName, state: str) -> None:
        self.members[node] = replace(self.members[node], state=state)

    @rule(node=st.sampled_from(NAMES))
    def dies_and_comes_back(self, node: NodeName) -> None:
        self.lives[node] += 1
        self.members[node] = member(node, str(self.lives[node]))
        self.facts[node] = Facts(me=node)

    @invariant()
    def calm_comes_to_the_preferred_node_and_stays_there(self) -> None:
        saved = self.now, dict(self.duties), dict(self.facts), dict(self.members)
        self.members = {n: replace(m, state="serving") for n, m in self.members.items()}
        for _ in range(4):
            for node in NAMES:
                self.looks(node, late=False)
            self.now += CALM_SECONDS
        row = self.duties[BOX]
        assert (row.node, row.life) == (N3, self.members[N3].life)
        moves = self.moves
        for node in NAMES:
            self.looks(node, late=False)
        assert self.moves == moves
        self.now, self.duties, self.facts, self.members = saved


TestCluster = Cluster.TestCase
TestCluster.settings = settings(max_examples=40, stateful_step_count=20)
