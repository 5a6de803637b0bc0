"""What is asked of an agent: languages, rings, groups, sites, levels of the help desk."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.ids import AgentName, SiteName, SkillName
from gateway.core.languages import Tongues, nearness
from gateway.core.model import AgentProfile, CaseStatus
from gateway.core.policy import Ring
from gateway.core.routing.fit import lacks, meets
from gateway.core.routing.need import Need, need_of
from gateway.core.routing.standing import Standing, Words
from tests.support.builders import House, agent, mail, needs, queue


def define(house: House, profile: AgentProfile) -> None:
    house.record([e.Change(e.AgentDefined(profile=profile, by="test"))])


# -- languages --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "spoken", "met"),
    [
        ("es-ar", "es", True),
        ("es", "es-ar", True),
        ("es-ar", "es-mx", False),
        ("pt-br", "pt-pt", False),
        ("zh-tw", "zh-cn", False),
        ("zh-tw", "zh", False),
        ("zh-hk", "zh-hant", True),
        ("zh", "zh-cn", True),
        ("zh", "zh-tw", False),
        ("sr-latn", "sr", False),
        ("en", "english", False),
    ],
)
def test_a_language_is_met_by_its_base_but_never_across_scripts(
    asked: str, spoken: str, met: bool
) -> None:
    assert (nearness(asked, spoken) is not None) == met


def test_the_nearest_language_comes_first() -> None:
    held = {SkillName(s): {"ana"} for s in ("es", "es-AR", "es-MX", "de")}
    assert Tongues(held).of("es-ar") == ("es-AR", "es")
    assert Tongues(held).of("es-AR", ("es-419", "es-mx")) == ("es-AR", "es", "es-MX")


def test_who_speaks_the_dialect_is_asked_before_who_speaks_the_language() -> None:
    house = House(agent("ana", es=5), agent("bob", {"es-AR": 1}))
    house.sign_in("ana", "bob")
    first = house.new_item(language="es-AR", priority=9)
    assert house.offered() == {first.id: "bob"}


def test_what_waits_goes_to_whoever_learns_its_language() -> None:
    house = House(agent("ana", de=1), agent("far", hu=1))
    house.sign_in("ana")
    item = house.new_item(language="hu-HU")
    assert house.offered() == {}
    define(house, agent("ana", de=1, hu=1))
    assert house.offered() == {item.id: "ana"}


def test_nobody_waits_for_a_language_that_nobody_speaks_any_more() -> None:
    house = House(agent("ana"), agent("far", hu=1))
    house.sign_in("ana")
    item = house.new_item(language="hu")
    assert house.offered() == {}
    house.record([e.Change(e.AgentRemoved(agent=AgentName("far"), by="test"))])
    assert house.offered() == {item.id: "ana"}


def test_a_language_is_asked_for_as_soon_as_somebody_speaks_it() -> None:
    house = House(agent("ana"))
    item = house.new_item(language="hu")
    define(house, agent("far", hu=1))
    house.sign_in("ana")
    assert house.offered() == {}
    house.sign_in("far")
    assert house.offered() == {item.id: "far"}


def test_other_languages_will_do_where_the_queue_says_so() -> None:
    house = House(agent("ana", {"zh-CN": 1}), queues=[queue(languages={"zh-TW": ("zh-CN",)})])
    house.sign_in("ana")
    item = house.new_item(language="zh-tw")
    assert need_of(house.state, item).languages == ("zh-CN",)
    assert house.offered() == {item.id: "ana"}


# -- who may take it --------------------------------------------------------------------------


def test_a_queue_may_be_for_some_groups_and_sites() -> None:
    front = replace(agent("ana"), groups=("front",), site=SiteName("port"))
    back = replace(agent("bob"), groups=("back",), site=SiteName("port"))
    house = House(front, back, queues=[queue(groups=("back",), sites=(SiteName("port"),))])
    house.sign_in("ana", "bob")
    item = house.new_item()
    assert house.offered() == {item.id: "bob"}


def test_a_case_on_level_two_goes_to_level_two_also_while_it_waits() -> None:
    one, two = replace(agent("ana"), level=1), replace(agent("bob"), level=2)
    house = House(one, two)
    item = house.new_item()
    raised = e.CaseChanged(case=item.case, by="sue", level=2)
    house.record([e.Change(raised)])
    house.sign_in("ana")
    assert house.offered() == {}
    house.sign_in("bob")
    assert house.offered() == {item.id: "bob"}


def test_an_agent_of_no_level_takes_every_level() -> None:
    house = House(agent("ana"), replace(agent("far"), level=3))
    house.sign_in("ana")
    item = house.new_item()
    house.record([e.Change(e.CaseChanged(case=item.case, by="sue", level=3, status=None))])
    assert house.offered() == {item.id: "ana"}
    assert house.state.cases[item.case].status is CaseStatus.OPEN


# -- rings ------------------------------------------------------------------------------------


RINGS: list[tuple[str, Ring, dict[str, Any], AgentProfile]] = [
    ("levels lower by so much", Ring(after=60, lower=2), {}, agent("ana", billing=2)),
    (
        "one level lower",
        Ring(after=60, levels={SkillName("billing"): 1}),
        {},
        agent("ana", billing=1),
    ),
    ("a skill less", Ring(after=60, drop=(SkillName("billing"),)), {}, agent("ana")),
    ("no skills", Ring(after=60, drop=(SkillName("*"),)), {}, agent("ana")),
    (
        "another group",
        Ring(after=60, groups=("back",)),
        {"groups": ("front",)},
        replace(agent("ana", billing=4), groups=("back",)),
    ),
    (
        "every site",
        Ring(after=60, sites=(SiteName("*"),)),
        {"sites": (SiteName("port"),)},
        replace(agent("ana", billing=4), site=SiteName("hill")),
    ),
    (
        "another queue",
        Ring(after=60, queues=(queue("sales").name,)),
        {},
        agent("ana", billing=4, queues=["sales"]),
    ),
    (
        "every queue",
        Ring(after=60, queues=(queue("*").name,)),
        {},
        agent("ana", billing=4, queues=["sales"]),
    ),
    ("the next level", Ring(after=60, desk=(2,)), {}, replace(agent("ana", billing=4), level=2)),
]


@pytest.mark.parametrize(("name", "ring", "policy", "helper"), RINGS, ids=[r[0] for r in RINGS])
def test_a_ring_opens_when_its_time_has_come(
    name: str, ring: Ring, policy: dict[str, Any], helper: AgentProfile
) -> None:
    house = House(helper, queues=[queue(rings=(ring,), **policy), queue("sales")])
    house.sign_in("ana")
    item = house.new_item(requirement=needs(billing=4))
    house.pass_time(59)
    assert house.offered() == {}
    house.pass_time(2)
    assert house.offered() == {item.id: "ana"}
    (opened,) = house.events(e.RingOpened)
    assert (opened.ring, opened.reason) == (1, "it has waited 60 s")


def test_a_ring_may_open_other_languages() -> None:
    rings = (Ring(after=10, languages=("en",)), Ring(after=20, languages=("*",)))
    house = House(agent("ana", en=1), agent("far", hu=1), agent("bob"), queues=[queue(rings=rings)])
    house.sign_in("ana", "bob")
    items = [house.new_item(language="hu") for _ in range(3)]
    house.pass_time(12)
    assert house.offered() == {items[0].id: "ana", items[1].id: "ana"}
    house.pass_time(10)
    assert house.offered()[items[2].id] == "bob"


def test_rings_add_up_and_a_fresh_start_closes_them() -> None:
    rings = (Ring(after=10, lower=1), Ring(after=20, lower=1))
    house = House(agent("ana", billing=2), queues=[queue(rings=rings), queue("sales")])
    item = house.new_item(requirement=needs(billing=4))
    house.pass_time(25)
    waiting = house.state.items[item.id]
    assert waiting.ring == 2
    assert need_of(house.state, waiting).skills == (("billing", 2),)
    moved = e.ItemQueued(item=item.id, queue=queue("sales").name, reason="there", restart=True)
    house.record([e.Change(moved)])
    assert house.state.items[item.id].ring == 0


def test_a_ring_stays_open_when_the_offer_is_declined() -> None:
    house = House(agent("ana", billing=1), queues=[queue(rings=(Ring(after=10, lower=4),))])
    house.sign_in("ana")
    item = house.new_item(requirement=needs(billing=4))
    house.pass_time(11)
    house.decline("ana")
    assert house.state.items[item.id].ring == 1
    house.pass_time(61)
    assert house.offered() == {item.id: "ana"}


def test_a_ring_opens_when_the_expected_wait_is_long() -> None:
    ring = Ring(expected_wait=600, drop=(SkillName("billing"),))
    house = House(agent("ana"), agent("far", billing=1), queues=[queue(rings=(ring,))])
    house.sign_in("ana")
    items = [house.new_item(requirement=needs(billing=1)) for _ in range(3)]
    house.pass_time(16)
    assert set(house.offered()) == {items[2].id}, "the third would wait three times four minutes"
    assert "its expected wait is 720 s" in house.events(e.RingOpened)[0].reason


def test_a_policy_that_changes_opens_what_is_due_for_what_waits() -> None:
    house = House(agent("ana"), queues=[queue()])
    house.sign_in("ana")
    item = house.new_item(requirement=needs(billing=4))
    house.pass_time(100)
    assert house.offered() == {}
    changed = queue(rings=(Ring(after=60, drop=(SkillName("*"),)),))
    house.record([e.Change(e.QueueDefined(queue=changed, by="sue"))])
    assert house.offered() == {item.id: "ana"}


_SKILLS = st.dictionaries(
    st.sampled_from([SkillName(s) for s in ("de", "en", "hu", "billing")]), st.integers(1, 5)
)
_GROUPS = st.lists(st.sampled_from(["front", "back"]), max_size=2).map(tuple)
_SITES = st.lists(st.sampled_from([SiteName("port"), SiteName("hill")]), max_size=2).map(tuple)
_QUEUES = st.lists(st.sampled_from([queue(n).name for n in ("general", "sales")]), max_size=2)
_RING = st.builds(
    Ring,
    after=st.floats(0, 100),
    lower=st.integers(0, 2),
    levels=_SKILLS,
    drop=st.lists(st.sampled_from([SkillName(s) for s in ("de", "billing", "*")])).map(tuple),
    languages=st.lists(st.sampled_from(["en", "de", "*"]), max_size=2).map(tuple),
    queues=_QUEUES.map(tuple),
    groups=_GROUPS,
    sites=_SITES,
    desk=st.lists(st.integers(1, 4), max_size=2).map(tuple),
)
_PROFILE = st.builds(
    AgentProfile,
    name=st.just(AgentName("ana")),
    skills=_SKILLS,
    queues=_QUEUES.map(lambda q: tuple(dict.fromkeys(q))),
    groups=_GROUPS,
    site=st.sampled_from([SiteName(s) for s in ("", "port", "hill")]),
    level=st.integers(0, 4),
)


@given(
    st.lists(_RING, max_size=4).map(tuple), _PROFILE, _SKILLS, _SKILLS, _GROUPS, _SITES,
    st.sampled_from(["", "hu", "de-AT", "fi"]), st.integers(1, 4),
)  # fmt: skip
def test_rings_only_ever_widen(
    rings: tuple[Ring, ...], profile: AgentProfile, asked: Any, more: Any, groups: Any, sites: Any,
    language: str, level: int,
) -> None:  # fmt: skip
    """Whoever may take it at a ring may take it at every later one."""
    house = House(
        profile, agent("far", hu=1, en=1),
        queues=[queue(rings=rings, skills=more, groups=groups, sites=sites), queue("sales")],
    )  # fmt: skip
    house.settles = False
    item = house.new_item(requirement=needs(**asked), language=language)
    house.record([e.Change(e.CaseChanged(case=item.case, by="sue", level=level))])
    may = False
    for opened in range(len(rings) + 1):
        need = need_of(house.state, item, rings=opened)
        fits = lacks(profile, need) is None
        assert fits == meets(profile, need)
        assert fits or not may
        may = fits


@given(st.lists(_PROFILE, max_size=12), _RING, _SKILLS, st.integers(1, 4))
def test_the_index_finds_just_those_who_meet_a_need(
    crew: list[AgentProfile], ring: Ring, asked: dict[SkillName, int], level: int
) -> None:
    profiles = [replace(p, name=AgentName(f"a{n}")) for n, p in enumerate(crew)]
    words, standing = Words(), Standing()
    for n, profile in enumerate(profiles):
        standing.enter(profile.name, n % 3, 1, words.of(profile))
    need = Need(
        kind=mail("m").kind,
        queue=queue().name,
        skills=tuple(sorted(asked.items())),
        languages=tuple(SkillName(s) for s in ring.languages if s != "*"),
        queues=ring.queues,
        groups=ring.groups,
        sites=ring.sites,
        desk=(level,),
    )
    found = list(standing.find(words.asked(need)))
    assert sorted(found) == sorted(p.name for p in profiles if meets(p, need))
    assert found == sorted(found, key=lambda name: (int(name[1:]) % 3, int(name[1:])))
