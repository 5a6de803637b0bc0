"""The front door's rules: what they find in a contact, what they decide, what is wrong there."""

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ids import ChannelName, QueueName, RuleName, SkillName
from gateway.core.model import ChannelKind
from gateway.core.rules.facts import Facts
from gateway.core.rules.problems import House, problems
from gateway.core.rules.rule import Rule, Then, in_order
from gateway.core.rules.run import run
from gateway.core.rules.when import Velocity, When, check, covers
from gateway.core.rules.words import LONGEST_TEXT, found, is_findable, plain

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUSE = House(queues={"general", "refunds", "fraud"}, skills={"refunds"}, channels={"mail"})


def rule(name: str, **known: Any) -> Rule:
    return Rule(name=RuleName(name), **known)


def contact(**known: Any) -> Facts:
    return Facts(**{"kind": ChannelKind.EMAIL, "channel": ChannelName("mail"), "at": NOW, **known})


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("refund", "I want a REFUND, now"),
        ("refund*", "are these refundable?"),
        ("devolucion", "Quiero una devolución."),
        ("Devolución", "quiero una DEVOLUCION"),
        ("lost card", "I have lost\n  card and purse"),
        ("退款", "我想要退款谢谢"),
        ("クレジット", "クレジットカードを無くした"),
        ("ｒｅｆｕｎｄ", "a refund"),
        ("straße", "in der STRASSE"),
        ("c++", "I write C++ all day"),
        ("$", "it cost 5 $"),
    ],
)
def test_words_are_found_whatever_their_form(words: str, text: str) -> None:
    assert found((words,), plain(text)) == words


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("refund", "these are refundable"),
        ("card", "a postcard"),
        ("card", "card_number"),
        ("lost card", "lost my card"),
        ("(", "no brackets here"),
    ],
)
def test_a_word_is_not_found_inside_another(words: str, text: str) -> None:
    assert found((words,), plain(text)) is None


@pytest.mark.parametrize("nothing", ["*", " ", "...", "-*"])
def test_what_has_no_letter_cannot_be_looked_for(nothing: str) -> None:
    assert not is_findable(nothing)


@given(st.text(max_size=200))
def test_no_text_upsets_the_search(text: str) -> None:
    found((text or "x", "refund*"), plain(text))


@pytest.mark.parametrize(
    ("when", "facts"),
    [
        (When(), contact()),
        (When(kinds=(ChannelKind.EMAIL, ChannelKind.SMS)), contact()),
        (When(to=("refunds@*",)), contact(to=("a@x.example", "Refunds@Shop.example"))),
        (When(senders=("*@bank.example",)), contact(sender="ann@bank.example")),
        (When(languages=("es",)), contact(language="es-AR")),
        (When(words=("refund", "money back")), contact(body="I want my money back")),
        (When(subject_words=("urgent",)), contact(subject="URGENT!")),
        (When(fields={"topic": ("billing", "cards")}), contact(fields={"topic": "Cards"})),
        (When(fields={"order": ("*",)}), contact(fields={"order": 17})),
        (When(fields={"premium": ("true",)}), contact(fields={"premium": True})),
        (When(value_from=3, value_to=5), contact(value=4)),
        (When(verified=False), contact()),
        (When(open_case=True), contact(open_cases=2)),
        (When(open=False), contact(open=False)),
        (When(open=True), contact(open=None)),
        (When(unless=When(machine=True)), contact()),
        (When(any=(When(words=("a",)), When(words=("b",)))), contact(body="b")),
        (
            When(velocity=Velocity(contacts=3, seconds=60)),
            contact(recent=tuple(NOW - timedelta(seconds=s) for s in (10, 59, 61))),
        ),
    ],
)
def test_conditions_that_hold(when: When, facts: Facts) -> None:
    assert check(when, facts).holds


@pytest.mark.parametrize(
    ("when", "facts", "because"),
    [
        (When(kinds=(ChannelKind.SMS,)), contact(), "kind email"),
        (When(to=("a@b.example",)), contact(), "came to no address"),
        (When(senders=("?nn@x",)), contact(sender="ann@x"), "from ann@x"),
        (When(languages=("zh-CN",)), contact(language="zh-TW"), "language zh-TW"),
        (When(languages=("e",)), contact(language="es"), "language es"),
        (When(words=("refund",)), contact(body="hello"), "none of its words"),
        (When(fields={"topic": ("a",)}), contact(), "says nothing under 'topic'"),
        (When(fields={"topic": ("a",)}), contact(fields={"topic": "b"}), "topic is 'b'"),
        (When(value_from=3), contact(value=2), "value 2"),
        (When(verified=True), contact(), "identity not verified"),
        (When(unless=When(words=("hi",))), contact(body="hi"), "but says “hi”"),
        (
            When(velocity=Velocity(contacts=2, seconds=60)),
            contact(recent=(NOW - timedelta(seconds=61),)),
            "1 messages within 60 s",
        ),
    ],
)
def test_a_condition_that_does_not_hold_is_named(when: When, facts: Facts, because: str) -> None:
    verdict = check(when, facts)
    assert (verdict.holds, verdict.because) == (False, because)


def test_all_conditions_must_hold_and_all_are_told() -> None:
    when = When(words=("refund",), languages=("en",), value_from=2)
    assert check(when, contact(language="en-GB", body="refund!", value=2)).because == (
        "language en-GB, value 2, says “refund”"
    )


def test_the_first_rule_that_says_something_decides_and_skills_and_tags_add_up() -> None:
    outcome = run(
        [
            rule(
                name="money",
                when=When(words=("refund",)),
                then=Then(queue=QueueName("refunds"), skills={SkillName("cards"): 1}, tags=("m",)),
            ),
            rule(name="never", when=When(machine=True), then=Then(priority=99)),
            rule(
                name="all",
                then=Then(
                    queue=QueueName("general"),
                    priority=5,
                    skills={SkillName("cards"): 3, SkillName("legal"): 1},
                    tags=("m", "n"),
                ),
            ),
        ],
        contact(body="a refund"),
    )
    assert outcome.then == Then(
        queue=QueueName("refunds"),
        priority=5,
        skills={SkillName("cards"): 3, SkillName("legal"): 1},
        tags=("m", "n"),
    )
    assert [(one.rule, one.held, one.decided) for one in outcome.looked] == [
        ("money", True, ("queue", "skills", "tags")),
        ("never", False, ()),
        ("all", True, ("priority", "skills", "tags")),
    ]
    assert outcome.reason.startswith(
        "rule 'money' (says “refund”): queue, skills, tags; rule 'all'"
    )


def test_a_rule_that_stops_is_the_last() -> None:
    rules = [
        rule(name="first", then=Then(priority=1), stop=True),
        rule(name="second", then=Then(category="x")),
    ]
    assert run(rules, contact()).then == Then(priority=1)
    assert run(rules, contact()).looked[-1].rule == "first"


def test_rules_are_gone_through_by_order_and_then_by_name_without_those_put_out() -> None:
    rules = (
        rule(name="b"),
        rule(name="late", order=200),
        rule(name="a"),
        rule(name="early", order=1),
        rule(name="out", enabled=False),
    )
    assert [r.name for r in in_order(rules)] == ["early", "a", "b", "late"]


# -- what is wrong with rules -----------------------------------------------------------------

DECIDED = Then(queue=QueueName("refunds"))


@pytest.mark.parametrize(
    ("one", "field"),
    [
        (rule(name="r", then=Then(queue=QueueName("refnuds"))), "then.queue"),
        (rule(name="r", when=When(words=("*",))), "when.words"),
        (rule(name="r", when=When(value_from=3, value_to=2)), "when.value_from"),
        (rule(name="r", when=When(any=(When(words=("!",)),))), "when.any[0].words"),
        (
            rule(name="r", when=When(languages=("es-AR",), unless=When(languages=("es",)))),
            "when.unless",
        ),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(one: Rule, field: str) -> None:
    assert [(p.grade, p.field) for p in problems([one], HOUSE)] == [("error", field)]


@pytest.mark.parametrize(
    ("one", "field"),
    [
        (rule(name="r", then=Then(skills={SkillName("refnuds"): 1})), "then.skills"),
        (rule(name="r", when=When(queues=(QueueName("gone"),))), "when.queues"),
        (rule(name="r", when=When(channels=(ChannelName("gone"),))), "when.channels"),
    ],
)
def test_a_name_that_nothing_has_is_warned_of(one: Rule, field: str) -> None:
    assert [(p.grade, p.field) for p in problems([one], HOUSE)] == [("warning", field)]


def test_a_rule_behind_one_that_always_stops_before_it_is_warned_of() -> None:
    first = rule(name="a", when=When(languages=("es",)), then=DECIDED, stop=True)
    second = rule(name="b", when=When(languages=("es-AR",), words=("x",)), then=DECIDED)
    assert [(p.rule, p.field) for p in problems([first, second], HOUSE)] == [("b", "when")]
    wider = rule(name="b", when=When(words=("x",)), then=DECIDED)
    assert problems([first, wider], HOUSE) == []


def test_rules_that_contradict_are_warned_of() -> None:
    first = rule(name="a", when=When(words=("x", "y")), then=DECIDED)
    second = rule(name="b", when=When(words=("x",)), then=Then(queue=QueueName("fraud")))
    assert [(p.rule, p.field) for p in problems([first, second], HOUSE)] == [("b", "then.queue")]
    agreeing = rule(name="b", when=When(words=("x",)), then=DECIDED)
    assert problems([first, agreeing], HOUSE) == []


LANGUAGES = st.sampled_from(["es", "es-AR", "en", "zh-TW"])
WORDS = st.sampled_from(["refund", "card", "lost card", "退款"])
SIMPLE = st.builds(
    When,
    kinds=st.lists(st.sampled_from([*ChannelKind][:3]), max_size=2).map(tuple),
    languages=st.lists(LANGUAGES, max_size=2).map(tuple),
    words=st.lists(WORDS, max_size=2).map(tuple),
    fields=st.dictionaries(
        st.sampled_from(["topic", "order"]),
        st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=2).map(tuple),
        max_size=2,
    ),
    value_from=st.none() | st.integers(0, 3),
    value_to=st.none() | st.integers(0, 3),
    machine=st.none() | st.booleans(),
    velocity=st.none()
    | st.builds(Velocity, contacts=st.integers(2, 3), seconds=st.sampled_from([10.0, 60.0])),
)
WHENS = st.builds(
    lambda one, unless, some: msgspec.structs.replace(one, unless=unless, any=some),
    SIMPLE,
    st.none() | SIMPLE,
    st.lists(SIMPLE, max_size=2).map(tuple),
)
CONTACTS = st.builds(
    contact,
    kind=st.sampled_from([*ChannelKind][:3]),
    language=LANGUAGES | st.just(""),
    body=st.lists(WORDS, max_size=2).map(" ".join),
    fields=st.dictionaries(st.sampled_from(["topic", "order"]), st.sampled_from(["a", "b"])),
    value=st.integers(0, 3),
    machine=st.booleans(),
    recent=st.lists(st.sampled_from([5, 30, 90]), max_size=3).map(
        lambda ago: tuple(NOW - timedelta(seconds=s) for s in sorted(ago))
    ),
)


def narrowed(wide: When, other: When) -> When:
    """``wide`` with conditions of ``other`` where it has none."""
    nothing = When()
    return msgspec.structs.replace(
        wide,
        **{
            name: getattr(other, name)
            for name in wide.__struct_fields__
            if getattr(wide, name) == getattr(nothing, name)
        },
    )


@given(WHENS, WHENS, CONTACTS)
def test_what_covers_another_holds_wherever_that_does(
    wide: When, other: When, facts: Facts
) -> None:
    narrow = narrowed(wide, other)
    assert covers(wide, narrow)
    for one in (narrow, other):
        if covers(wide, one) and check(one, facts).holds:
            assert check(wide, facts).holds


@given(WHENS)
def test_every_condition_covers_itself_and_survives_being_written_down(when: When) -> None:
    assert covers(when, when)
    assert msgspec.json.decode(msgspec.json.encode(when), type=When) == when


@given(st.lists(st.builds(rule, name=st.text(max_size=3), when=WHENS), max_size=5), CONTACTS)
def test_the_same_contact_gets_the_same_outcome(rules: list[Rule], facts: Facts) -> None:
    again = msgspec.json.decode(msgspec.json.encode(facts), type=Facts)
    assert run(rules, facts) == run(rules, again)


def test_what_is_looked_for_in_a_text_that_takes_itself_apart_is_cut_to_the_longest() -> None:
    """One Arabic ligature (U+FDFA) is eighteen letters when it is taken apart."""
    assert len(plain("\ufdfa" * 50_000)) <= LONGEST_TEXT


@given(
    words=st.text("ab *_退-", min_size=1, max_size=4).filter(is_findable),
    text=st.text("ab c_退é-", max_size=12),
)
def test_a_word_stands_where_nothing_of_a_word_stands_beside_it(words: str, text: str) -> None:
    edge = "[^\\W退]"  # scripts without spaces have no edges
    bare, whole = plain(words).rstrip("*").strip(), not plain(words).endswith("*")
    before = f"(?<!{edge})" if re.match(edge, bare[0]) else ""
    after = f"(?!{edge})" if whole and re.match(edge, bare[-1]) else ""
    expected = re.search(before + re.escape(bare) + after, plain(text)) is not None
    assert (found((words,), plain(text)) is not None) is expected


@given(pattern=st.text("ab*", max_size=8), address=st.text("ab", max_size=8))
def test_a_star_in_an_address_stands_for_anything(pattern: str, address: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), address) is not None
    when = When(senders=(pattern or "x",))
    assert check(when, contact(sender=address)).holds is (expected and bool(pattern))


def test_an_address_cannot_make_a_pattern_try_again_and_again() -> None:
    """With each star tried everywhere this would take longer than the universe is old."""
    assert not check(When(senders=("*a" * 60 + "b",)), contact(sender="a" * 320)).holds


# -- too many ----------------------------------------------------------------------------------


def nest(depth: int) -> When:
    when = When(words=("a",))
    for _ in range(depth):
        when = When(any=(when,))
    return when


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (nest(900), "5 deep at most"),
        (nest(6), "5 deep at most"),
        (When(any=(When(any=(When(kinds=(ChannelKind.EMAIL,)),) * 50),) * 5), "200 sets"),
    ],
)
def test_conditions_without_end_are_refused_with_the_field(when: When, why: str) -> None:
    (found,) = problems([rule("deep", when=when)], HOUSE)
    assert (found.field, found.grade) == ("when.any", "error")
    assert why in found.detail


def test_more_sets_in_one_any_than_there_may_be_are_refused_with_the_field() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"length <= 50 - at `\$.any`"):
        msgspec.convert({"any": [{}] * 51}, When)


def test_more_rules_or_sets_than_there_may_be_are_refused_by_name() -> None:
    many = [rule(f"r{n}") for n in range(1_001)]
    (found,) = problems(many, HOUSE)
    assert (found.rule, found.field) == ("r1000", "name")
    full = [rule(f"r{n}", when=When(any=(When(words=("a",)),) * 50)) for n in range(99)]
    (found,) = problems(full, HOUSE)
    assert (found.rule, "in all rules" in found.detail) == ("r98", True)


def alike(n: int) -> Rule:
    return rule(f"r{n:04}", when=When(languages=(f"l{n}",)), then=Then(queue=QueueName("refunds")))


def tagging(n: int) -> Rule:
    level = n % 4
    known: Any = ("tagged",)
    then = Then(tags=(f"t{level + 1}" if level < 3 else "end",))
    return Rule(name=RuleName(f"r{n:04}"), on=known, when=When(tags=(f"t{level}",)), then=then)


@pytest.mark.parametrize("one", [alike, tagging])
def test_a_thousand_rules_take_no_longer_than_ten_times_a_hundred(
    one: Callable[[int], Rule],
) -> None:
    """Counted in calls, not in time: they do not depend on who else is at work."""

    def calls(count: int) -> int:
        rules = [one(n) for n in range(count)]
        made = 0

        def note(_frame: object, event: str, _arg: object) -> None:
            nonlocal made
            made += event == "call"

        sys.setprofile(note)
        try:
            problems(rules, HOUSE)
        finally:
            sys.setprofile(None)
        return made

    assert calls(1_000) < 30 * calls(100)


def test_of_many_rules_the_one_in_the_way_is_still_found() -> None:
    wide = rule("r0000", when=When(words=("a", "w500")), then=Then(queue=QueueName("x")), order=1)
    many = [
        rule(f"r{n:04}", when=When(words=(f"w{n}",)), then=Then(queue=QueueName("refunds")))
        for n in range(1, 900)
    ]
    names = House(queues=["x", "refunds"], skills=[])
    assert [p.rule for p in problems([wide, *many], names)] == ["r0500"]
