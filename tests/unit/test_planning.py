"""Days that have not happened: the routing's own code in virtual time."""

import math
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli import simulate as command
from gateway.cli.simulated import Simulated
from gateway.core.ids import QueueName
from gateway.core.model import ChannelKind, Queue
from gateway.core.policy import Policy as Rules
from gateway.failures import Failed
from gateway.sim.ceiling import possible
from gateway.sim.compare import (
    AS_IT_IS,
    Policy,
    Row,
    Tried,
    baselines,
    compare,
    compared,
    margin,
    policies,
)
from gateway.sim.day import throw
from gateway.sim.figures import Served, percentile, waits
from gateway.sim.floor import Floor
from gateway.sim.hands import Act, Hands
from gateway.sim.scenario import (
    BadScenario,
    Crew,
    Flow,
    Scenario,
    Spread,
    load,
    parse,
    scaled,
    shipped,
)

GENERAL = QueueName("general")
FIVE = {"priority": 5}
TEN_MINUTES = Spread(median=600, p90=601)


def a_day(*, contacts: int = 60, agents: int = 5, patience: float | None = None) -> Scenario:
    """Chats within one hour, ten minutes of work each."""
    return Scenario(
        name="test",
        queues=(Queue(name=GENERAL),),
        flows=(
            Flow(
                name="chat",
                kind=ChannelKind.VOICE,
                queue=GENERAL,
                contacts=contacts,
                handle=TEN_MINUTES,
                within=30,
                patience=patience,
                hours=(1.0, *[0.0] * 23),
            ),
        ),
        crews=(Crew(name="crew", agents=agents),),
    )


def run(scenario: Scenario, seed: int = 1) -> bytes:
    result = Floor(throw(scenario, seed), scenario.queues).run("x")
    return msgspec.json.encode(msgspec.structs.replace(result, seconds=0.0, cpu_seconds=0.0))


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_scenario_can_be_played(name: str) -> None:
    scenario = scaled(load(name), 200 / load(name).contacts)
    result = Floor(throw(scenario, 1), scenario.queues).run(name)
    assert result.waits.contacts > 100
    assert result.waits.answered > 50


def test_the_great_house_is_as_great_as_the_brief_says() -> None:
    great = load("great-house")
    assert (great.contacts, great.agents) == (250_000, 11_700)
    assert {flow.kind for flow in great.flows} == {*ChannelKind} - {
        ChannelKind.WHATSAPP,
        ChannelKind.TELEGRAM,
        ChannelKind.CALLBACK,
    }
    assert len(great.flows[0].languages) == 24
    assert len(great.flows[0].topics) == 40


@given(st.integers(1, 1_000))
def test_the_same_seed_gives_the_same_day(seed: int) -> None:
    assert run(a_day(contacts=10), seed) == run(a_day(contacts=10), seed)


@given(st.integers(1, 10_000))
def test_every_contact_is_answered_given_up_or_still_waiting(seed: int) -> None:
    scenario = a_day(contacts=40, agents=2, patience=300)
    day = throw(scenario, seed)
    found = Floor(day, scenario.queues).run("x").waits
    assert found.contacts == len(day.contacts)
    assert found.answered + found.abandoned + found.waiting == found.contacts
    assert found.p50 <= found.p90 <= found.p95 <= found.p99 <= found.longest


def test_enough_agents_answer_at_once_and_too_few_let_wait() -> None:
    enough = Floor(throw(a_day(agents=60), 1), [Queue(name=GENERAL)]).run("x")
    few = Floor(throw(a_day(agents=5), 1), [Queue(name=GENERAL)]).run("x")
    assert enough.waits.service_level > 0.99
    assert few.waits.service_level < 0.5
    # Sixty calls of ten minutes for five: the last is answered after about an hour and a half.
    assert few.waits.longest > 3_000
    assert few.load.mean > enough.load.mean


def test_who_has_patience_only_for_a_while_gives_up() -> None:
    scenario = a_day(agents=1, patience=60)
    found = Floor(throw(scenario, 1), scenario.queues).run("x").waits
    assert found.abandoned > found.answered


def test_nobody_works_longer_than_their_shift_but_to_finish_what_they_hold() -> None:
    scenario = msgspec.structs.replace(
        a_day(), crews=(Crew(name="early", agents=3, begins=0, ends=0.25),)
    )
    result = Floor(throw(scenario, 1), scenario.queues).run("x")
    assert result.waits.waiting > 0
    assert result.waits.answered <= 3 * 3


def test_policies_meet_the_same_contacts() -> None:
    seen: list[str] = []
    tried = [Tried(Policy(name=AS_IT_IS)), Tried(Policy(name="other", every_queue=FIVE))]
    days = [throw(a_day(), seed) for seed in (1, 2)]
    rows = compare(days, a_day().queues, tried, seen.append)
    assert [row.policy for row in rows] == [AS_IT_IS, "other"]
    assert rows[0].service_level == rows[1].service_level, "one queue: priority changes nothing"
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Policy(name="p", every_queue={"colour": 1}), "a queue has no 'colour'"),
        (Policy(name="p", queues={"general": {"priority": "high"}}), "Expected `int`"),
        (Policy(name="p", queues={"gone": {}}), "there is no queue 'gone'"),
        (Policy(name="p", every_queue={"policy": {"chioce": "x"}}), "policy has no 'chioce'"),
        (Policy(name="p", every_queue={"policy": "strict"}), "Expected `object`"),
        (Policy(name="p", every_queue={"policy": {"choice": "dice"}}), "Invalid enum value"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_with_its_name(policy: Policy, words: str) -> None:
    with pytest.raises(BadScenario, match=words):
        compare([throw(a_day(), 1)], a_day().queues, [Tried(policy)])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('queue = "mails"', 'queue = "gone"', "there is no queue 'gone'"),
        ("en = 7, es = 3", "en = 7, xx = 3", "nobody has 'xx'"),
        ("begins = 7", "begins = 19", "ends before it begins"),
        ("p90 = 900", "p90 = 9", "p90 is below the median"),
        ("contacts = 400", "contacts = -1", ">= 0"),
        ("stagger", "stager", "unknown field"),
        ('"5" = 1', '"five" = 1', "no number"),
    ],
)
def test_a_scenario_that_cannot_be_says_where(old: str, new: str, words: str) -> None:
    text = Path(__file__).parents[2] / "gateway" / "sim" / "scenarios" / "small-desk.toml"
    with pytest.raises(BadScenario, match=words):
        parse(text.read_text(encoding="utf-8").replace(old, new, 1))


def test_a_scenario_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(BadScenario, match="great-house"):
        load("great-hose")


def test_a_file_of_policies_is_read_and_a_bad_one_named(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('[[policy]]\nname = "a"\n[policy.every_queue]\naffinity_seconds = 0\n')
    assert policies(file) == [Policy(name="a", every_queue={"affinity_seconds": 0})]
    file.write_text("[[policy]]\n")
    with pytest.raises(BadScenario, match="name"):
        policies(file)


def test_a_file_with_two_policies_of_one_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('[[policy]]\nname = "as it is"\n')
    with pytest.raises(BadScenario, match="two policies 'as it is'"):
        policies(file)


def test_of_a_queues_policy_only_what_is_named_is_changed() -> None:
    queue = Queue(name=GENERAL, policy=Rules(value_seconds=5, choice="round_robin"))
    other = Policy(name="p", every_queue={"policy": {"value_seconds": 7}}).applied([queue])[0]
    assert other.policy == Rules(value_seconds=7, choice="round_robin")


def test_the_baselines_are_a_plain_line_and_the_longest_idle() -> None:
    plain, idle = (policy.applied([Queue(name=GENERAL)])[0].policy for policy in baselines())
    assert (plain.choice, plain.urgency, plain.priority_seconds, plain.value_seconds) == (
        "longest_idle",
        0,
        0,
        0,
    )
    assert idle == Rules(choice="longest_idle")


def test_the_command_shows_a_table_and_a_bar(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    chart = tmp_path / "day.svg"
    command.simulate(scale=0.2, seeds=1, chart=chart)
    said = capsys.readouterr().out
    assert "small-desk: " in said
    assert "as it is" in said
    assert "FIFO by queue" in said
    assert "█" in said
    drawn = ET.fromstring(chart.read_text())
    assert "http" not in chart.read_text().replace("http://www.w3.org/2000/svg", "")
    assert drawn.tag.endswith("svg")
    with pytest.raises(Failed, match="--scale"):
        command.simulate(scale=2)


def test_the_report_is_json_or_a_table_for_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    command.simulate(scale=0.1, seeds=1, json=True, baselines=False, agents="+50%")
    found = msgspec.json.decode(capsys.readouterr().out, type=list[Simulated])
    assert [row.policy for row in found[0].rows] == ["as it is", "as it is, +50% agents"]
    assert [row.agents for row in found[0].rows] == [2, 3]
    assert found[0].rows[0].asa >= found[0].rows[1].asa
    command.simulate(scale=0.1, seeds=1, markdown=True, baselines=False)
    assert capsys.readouterr().out.count("\n|") == 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("+5%", [1.05]),
        ("-10%, 0%, +2.5%", [0.9, 1.025]),
        ("-10%..+10%", [0.9, 0.95, 1.05, 1.1]),
    ],
)
def test_staffing_is_given_as_a_share_or_a_range(text: str, found: list[float]) -> None:
    assert command.shares(text) == found


@pytest.mark.parametrize("text", ["5", "+10%..-10%", "-100%", "1%..2%..3%", "many"])
def test_a_staffing_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Failed, match="--agents"):
        command.shares(text)


@given(st.integers(1, 200), st.floats(0.05, 3))
def test_more_or_fewer_agents_leave_the_others_as_they_are(agents: int, share: float) -> None:
    day = throw(a_day(contacts=1, agents=agents), 1)
    names = [shift.profile.name for shift in day.staffed(share).shifts]
    assert len(names) == len({*names}) == math.floor(agents * share)
    if share >= 1:
        assert {shift.profile.name for shift in day.shifts} <= {*names}


def test_a_mail_stands_still_while_a_chat_is_in_hand() -> None:
    planned: list[tuple[float, Act]] = []
    done: list[float] = []
    hands = Hands(lambda at, act: planned.append((at, act)))
    hands.begin(0)
    hands.take(0)
    hands.work(0, 100, lambda: done.append(planned[-1][0]))
    hands.take(40)
    hands.interrupt(40)
    planned.pop(0)[1]()
    assert not done, "sixty seconds are left"
    hands.put_down(500, interrupts=True)
    at, act = planned[-1]
    act()
    assert (at, done) == (560, [560])
    hands.put_down(560, interrupts=False)
    assert hands.occupancy(1120) == 0.5


# -- days that are kept for judging -------------------------------------------------------------


@pytest.mark.parametrize("name", shipped())
def test_no_shipped_scenario_is_judged_by_a_day_that_its_policy_was_chosen_on(name: str) -> None:
    scenario = load(name)
    assert len(scenario.held_out) >= 3
    assert not {*scenario.held_out} & {*scenario.seeds}


def test_a_day_that_is_held_out_and_chosen_on_is_refused() -> None:
    text = Path(__file__).parents[2] / "gateway" / "sim" / "scenarios" / "small-desk.toml"
    with pytest.raises(BadScenario, match="seed 3 is held out"):
        parse(text.read_text(encoding="utf-8").replace("held_out = [201", "held_out = [3", 1))


def test_the_days_held_out_are_played_and_compared_one_by_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command.simulate(scale=0.2, seeds=3, held_out=True, json=True)
    found = msgspec.json.decode(capsys.readouterr().out, type=list[Simulated])[0]
    assert found.days == ("seed 201", "seed 202", "seed 203")
    assert [len(row.days) for row in found.rows] == [3, 3, 3]
    assert found.rows[0].asa == sorted(day.asa for day in found.rows[0].days)[1], "the median"
    command.simulate(scale=0.2, seeds=3, held_out=True, markdown=True)
    assert "as it is less longest idle" in capsys.readouterr().out


def test_a_margin_says_on_how_many_days_it_is_so() -> None:
    def row(*asa: float) -> Row:
        results = [Floor(throw(a_day(contacts=3), 1), a_day().queues).run("x") for _ in asa]
        made = compared("x", results)
        days = [msgspec.structs.replace(d, asa=n) for d, n in zip(made.days, asa, strict=True)]
        return msgspec.structs.replace(made, days=tuple(days))

    found = margin(row(1, 5, 9, 2), row(2, 5.01, 8, 4), "asa")
    assert (found.better, found.level, found.worse) == (2, 1, 1), "less of a wait is better"
    assert (found.least, found.most) == (-2, 1)


def test_what_can_be_in_time_is_what_somebody_is_there_for() -> None:
    scenario = msgspec.structs.replace(
        a_day(contacts=400), crews=(Crew(name="late", agents=1, begins=0.5, ends=24),)
    )
    share = possible(throw(scenario, 1))
    assert 0.4 < share < 0.65, "half of them come half an hour too early"
    many = msgspec.structs.replace(
        scenario, crews=(Crew(name="late", agents=400, begins=0.5, ends=24),)
    )
    day = throw(many, 1)
    assert Floor(day, many.queues).run("x").waits.service_level == pytest.approx(possible(day))
    assert possible(throw(a_day(contacts=0), 1)) == 1


# -- figures ----------------------------------------------------------------------------------


def test_the_service_level_is_of_all_that_came() -> None:
    served = [
        Served(flow="f", wait=10, within=20, answered=True),
        Served(flow="f", wait=30, within=20, answered=True),
        Served(flow="f", wait=5, within=20, answered=False),
    ]
    found = waits(served, [100.0])
    assert (found.service_level, found.asa, found.longest) == (0.25, 20, 100)
    assert (found.answered, found.abandoned, found.waiting) == (2, 1, 1)


def test_nothing_at_all_is_no_division_by_zero() -> None:
    assert waits([]).service_level == 1


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.1, 0.5, 0.9, 0.99]))
def test_a_percentile_is_a_value_that_enough_do_not_exceed(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in ordered
    assert sum(1 for v in ordered if v <= found) >= math.ceil(share * len(ordered))
