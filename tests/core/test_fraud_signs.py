"""Signs of fraud: who writes too often, and who claims to be somebody else."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, CommandId, NodeName, RuleName
from gateway.core.inbound import Claim
from gateway.core.model import Case, Item, ItemState
from gateway.core.paces import Paces, Step, keys_of, network
from gateway.core.rules.problems import House as Names
from gateway.core.rules.problems import problems
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.velocity import By, Velocity
from gateway.core.rules.when import When
from tests.support.builders import MAIL, START, House, agent, chat, mail, queue

BOSS = AgentName("boss")
FLAG = Then(tags=("odd",))
HOUR = 3600.0


def a_house(*rules: Rule) -> House:
    ana = replace(agent("ana"), display_name="Ana Morales")
    house = House(ana, queues=[queue("general"), queue("fraud")])
    house.state.addresses[MAIL] = "Support <help@ours.example>"
    house.record([e.Change(e.RuleDefined(rule=rule, by=BOSS)) for rule in rules])
    house.sign_in("ana")
    return house


def rule(then: Then, *on: str, **when: Any) -> Rule:
    known: Any = on or ("contact",)
    return Rule(name=RuleName("signs"), on=known, when=When(**when), then=then)


def who(value: str, name: str = "", *, verified: bool = True, kind: str = "email") -> Claim:
    return Claim(kind=kind, value=value, name=name, verified=verified)


def begin(house: House, key: str, claim: Claim | None, **fields: Any) -> tuple[Case, Item]:
    address = fields.pop("address", claim.value if claim is not None else "")
    decided = house.arrive(mail(key, identity=claim, address=address, **fields))
    assert decided.case is not None
    assert decided.item is not None
    return house.state.cases[decided.case], house.state.items[decided.item]


def is_odd(house: House, key: str, claim: Claim | None, **fields: Any) -> bool:
    return "odd" in begin(house, key, claim, **fields)[0].tags


# -- too often -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "same", "other"),
    [
        ("sender", ["a@x.example"] * 3, "b@x.example"),
        ("domain", ["a@x.example", "b@x.example", "c@x.example"], "a@y.example"),
    ],
)
def test_mails_are_counted_by_address_and_by_domain(by: By, same: list[str], other: str) -> None:
    fast = Velocity(contacts=3, seconds=HOUR, by=by)
    house = a_house(rule(FLAG, velocity=fast))
    found = [is_odd(house, f"m{n}", who(one, verified=False)) for n, one in enumerate(same)]
    assert found == [False, False, True]
    assert not is_odd(house, "other", who(other))


def test_numbers_are_counted_by_their_block_and_chats_by_the_network() -> None:
    fast = Velocity(contacts=2, seconds=HOUR, by="prefix")
    house = a_house(rule(FLAG, velocity=fast))
    assert not is_odd(house, "m1", who("+34600111222", kind="phone"))
    assert is_odd(house, "m2", who("+34600119999", kind="phone"))
    assert not is_odd(house, "m3", who("+34600221222", kind="phone"))
    near = Velocity(contacts=2, seconds=HOUR, by="ip")
    house = a_house(rule(FLAG, velocity=near))
    tags = []
    for n, origin in enumerate(("2001:db8::1", "2001:db8::ffff")):
        visitor = who(f"v{n}", kind="visitor")
        decided = house.arrive(chat(f"c{n}", identity=visitor, origin=origin))
        assert decided.case is not None
        tags.append(house.state.cases[decided.case].tags)
    assert tags == [(), ("odd",)]


def test_what_is_counted_wears_off_and_why_it_held_is_said() -> None:
    fast = Velocity(contacts=2, seconds=HOUR, by="sender")
    house = a_house(rule(FLAG, velocity=fast))
    eva = who("eva@example.org")
    begin(house, "m1", eva)
    case, _ = begin(house, "m2", eva)
    assert "rule 'signs' (2 messages of this sender within 3600 s)" in case.joined_because
    house.clock.seconds += HOUR * 1.05 + 1
    assert not is_odd(house, "m3", eva)


def test_matters_are_counted_apart_from_messages() -> None:
    fast = Velocity(contacts=2, seconds=HOUR, by="sender", of="matters")
    house = a_house(rule(FLAG, "contact", "message", velocity=fast))
    eva = who("eva@example.org")
    case, _ = begin(house, "m1", eva)
    house.state.adopt(case)
    for n in range(3):
        house.arrive(mail(f"r{n}", identity=eva), referenced=house.state.cases[case.id])
    keys = keys_of("email", "eva@example.org")
    counted = house.state.paces.counted([fast], "in", keys, house.clock.now())
    assert counted == {"sender matters 3600": 2}


def test_an_agent_who_writes_too_much_too_fast_is_held() -> None:
    fast = Velocity(contacts=3, seconds=60, by="sender")
    house = a_house(rule(Then(hold="so fast"), "reply", velocity=fast))
    _, item = begin(house, "m1", who("eva@example.org"))
    house.accept("ana")
    told = [
        house.say("ana", c.Send(id=CommandId(f"s{n}"), item=item.id, body="Hello"))
        for n in range(3)
    ]
    assert [answer.get("held", "") for answer in told] == ["", "", "so fast"]


def test_nothing_is_counted_that_no_rule_asks_about() -> None:
    house = a_house(rule(FLAG))
    begin(house, "m1", who("eva@example.org"))
    assert len(house.state.paces) == 0
    assert house.state.paces.news() == []


@given(
    times=st.lists(st.floats(0, 10_000), max_size=60),
    now=st.floats(0, 10_000),
    seconds=st.floats(1, 5_000),
)
def test_counts_are_right_to_a_twentieth_of_the_time(
    times: list[float], now: float, seconds: float
) -> None:
    paces, asked = Paces(NodeName("n1")), [Velocity(contacts=2, seconds=seconds, by="sender")]
    keys = keys_of("email", "eva@example.org")
    for second in times:
        paces.count(asked, "in", "messages", keys, START + timedelta(seconds=second))
    (found,) = paces.counted(asked, "in", keys, START + timedelta(seconds=now)).values()
    width = max(1.0, seconds / 20)
    sure = sum(second > now - seconds for second in times)
    most = sum(second > now - seconds - 2 * width for second in times)
    assert sure <= found - 1 <= most


def test_what_others_have_counted_is_added_and_the_same_again_is_not() -> None:
    asked = [Velocity(contacts=2, seconds=HOUR, by="domain")]
    here, there = Paces(NodeName("n1")), Paces(NodeName("n2"))
    keys = keys_of("email", "eva@example.org")
    for node in (here, there, there):
        node.count(asked, "in", "messages", keys, START)
    (step,) = there.news()
    assert step.count == 2
    for _ in range(3):
        here.put(step)
    assert here.counted(asked, "in", keys, START) == {"domain messages 3600": 4}


def test_a_rule_that_looks_back_a_month_makes_no_work_of_one_that_looks_back_a_minute() -> None:
    paces, keys = Paces(NodeName("n1")), keys_of("email", "eva@example.org")
    minute = Velocity(contacts=2, seconds=60, by="domain")
    month = Velocity(contacts=2, seconds=2_592_000, by="domain")
    for n in range(2_000):
        paces.count([minute, month], "in", "messages", keys, START + timedelta(seconds=3 * n))
    found = paces.counted([minute, month], "in", keys, START + timedelta(seconds=5_997))
    assert 20 <= found["domain messages 60"] <= 23
    assert found["domain messages 2.592e+06"] == 2_001
    assert paces.places < 200


def test_memory_is_bounded_and_what_is_old_is_forgotten() -> None:
    asked = [Velocity(contacts=2, seconds=HOUR, by="sender")]
    paces = Paces(NodeName("n1"), most=10)
    for n in range(100):
        paces.count(asked, "in", "messages", keys_of("email", f"{n}@x.example"), START)
    assert len(paces) == 10
    paces.forget(START + timedelta(hours=2))
    assert len(paces) == 0


def test_what_could_not_be_stored_is_news_again_unless_there_is_newer() -> None:
    paces = Paces(NodeName("n1"))
    old = [Step("w", "k", NodeName("n1"), 0, 1), Step("w", "other", NodeName("n1"), 0, 1)]
    paces.again(old)
    assert sorted(step.key for step in paces.news()) == ["k", "other"]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", ""),
    ],
)
def test_of_ipv6_the_network_is_counted(address: str, counted: str) -> None:
    assert network(address) == counted


# -- somebody else -------------------------------------------------------------------------------


def why_odd(house: House, key: str, claim: Claim, **fields: Any) -> str:
    case, _ = begin(house, key, claim, **fields)
    return case.joined_because if case.tags == ("odd",) else ""


def test_who_calls_itself_as_one_of_us_is_noticed() -> None:
    house = a_house(rule(FLAG, mismatch=("own",)))
    said = why_odd(house, "m1", who("x@evil.example", "Ana  MORALES"))
    assert "calls itself Ana  MORALES, as our agent ana, from x@evil.example" in said
    said = why_odd(house, "m2", who("boss@ours.example", verified=False))
    assert "boss@ours.example is of our own domain, and not proven" in said
    assert not why_odd(house, "m3", who("ana@ours.example", "Ana Morales"))
    assert not why_odd(house, "m4", who("x@example.org", "Ana"))


def test_another_address_in_the_name_is_noticed() -> None:
    house = a_house(rule(FLAG, mismatch=("name",)))
    begin(house, "m1", who("eva@example.org"))
    said = why_odd(house, "m2", who("x@evil.example", "Eva <Eva@example.org>"))
    assert "calls itself Eva@example.org, which is another customer's, from x@evil.example" in said
    assert not why_odd(house, "m3", who("eva@example.org", "eva@example.org"))


def test_answers_that_would_go_to_another_customer_or_to_us_are_noticed() -> None:
    house = a_house(rule(FLAG, mismatch=("reply_to",)))
    begin(house, "m1", who("eva@example.org"))
    said = why_odd(house, "m2", who("x@evil.example"), address="eva@example.org")
    assert "answers go to eva@example.org, which is another customer's" in said
    assert "ours" in why_odd(house, "m3", who("x@evil.example"), address="help@ours.example")
    assert not why_odd(house, "m4", who("x@example.net"), address="office@example.net")


def test_a_form_that_names_what_is_another_customers_is_noticed() -> None:
    house = a_house(rule(FLAG, mismatch=("form",)))
    begin(house, "m1", who("C-1001", kind="account"))
    begin(house, "m2", who("+34600111222", kind="phone"))
    said = why_odd(house, "m3", who("x@example.net"), attributes={"customer_number": "C-1001"})
    assert "says customer_number C-1001, which is another customer's" in said
    number = {"telephone": "+34 600 111 222"}
    assert why_odd(house, "m4", who("x@example.net"), attributes=number)
    mine = {"email": "x@example.net", "customer_number": "C-2002"}
    assert not why_odd(house, "m5", who("x@example.net"), attributes=mine)


def test_who_types_another_address_than_the_site_has_signed_is_noticed() -> None:
    house = a_house(rule(FLAG, mismatch=("signed",)))
    typed = {"site_email": "mia@example.org", "claimed_email": "eva@example.org"}
    said = why_odd(house, "m1", who("mia", kind="account"), attributes=typed)
    assert "the site has signed mia@example.org, and eva@example.org was typed" in said
    same = {"site_email": "mia@example.org", "claimed_email": "Mia@Example.org"}
    assert not why_odd(house, "m2", who("mia", kind="account"), attributes=same)


def test_somebody_else_who_writes_in_a_matter_goes_to_who_knows_about_fraud() -> None:
    then = Then(hold="another sender")
    house = a_house(rule(then, "message", mismatch=("sender",)))
    case, item = begin(house, "m1", who("eva@example.org", "Eva"))
    house.decline("ana")
    for n, one in enumerate(("eva@example.org", "x@evil.example")):
        inbound = mail(f"r{n}", identity=who(one), body="Pay to this account")
        parts = frozenset({"eva@example.org", "x@evil.example"})
        hers = house.state.cases[case.id]
        house.arrive(inbound, referenced=hers, reference="m1", participants=parts)
        held = house.state.items[item.id].state is ItemState.SCHEDULED
        assert held is (one == "x@evil.example")
    (fired,) = house.events(e.RuleFired)
    assert fired.because.startswith("x@evil.example writes in a matter of ")


def test_a_reply_to_somebody_who_has_not_written_is_held() -> None:
    house = a_house(rule(Then(hold="strange"), "reply", mismatch=("*",)))
    _, item = begin(house, "m1", who("eva@example.org"), copies=("tom@example.org",))
    house.accept("ana")
    fine = c.Send(id=CommandId("s1"), item=item.id, body="Hello", cc=("Tom <TOM@example.org>",))
    assert "held" not in house.say("ana", fine)
    odd = c.Send(id=CommandId("s2"), item=item.id, body="Hello", to=("x@evil.example",))
    assert house.say("ana", odd)["held"] == "strange"
    reviews = house.events(e.RuleFired)
    assert reviews[-1].because == "goes to x@evil.example, who has not written in this matter"


@given(st.text(max_size=300), st.dictionaries(st.text(max_size=20), st.text(max_size=60)))
def test_whatever_is_claimed_is_looked_at_without_harm(name: str, form: dict[str, str]) -> None:
    house = a_house(rule(FLAG, mismatch=("*",)))
    begin(house, "m1", who("x@example.net", name), attributes=form)


@pytest.mark.parametrize(
    ("on", "when", "field"),
    [
        ("reply", {"velocity": Velocity(contacts=2, seconds=9)}, "when.velocity.by"),
        ("reply", {"velocity": Velocity(contacts=2, seconds=9, by="ip")}, "when.velocity.by"),
        ("note", {"mismatch": ("*",)}, "when.mismatch"),
        ("silent", {"mismatch": ("*",)}, "when.mismatch"),
        ("contact", {"mismatch": ("sender",)}, "when.mismatch"),
        ("contact", {"any": (When(mismatch=("recipient",)),)}, "when.mismatch"),
        ("reply", {"mismatch": ("name",)}, "when.mismatch"),
    ],
)
def test_a_sign_that_cannot_be_seen_there_is_refused(
    on: str, when: dict[str, Any], field: str
) -> None:
    one = rule(Then(tags=("odd",)), on, **when)
    found = problems([one], Names(queues=[], skills=[]))
    assert field in [problem.field for problem in found if problem.grade == "error"]
