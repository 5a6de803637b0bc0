"""What colleagues may say to each other, about what, and what the rules of the house make of it."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.colleagues import chat_of
from gateway.core.desk import Desk, RefusedOnRecord, Resolved, decide
from gateway.core.desk.colleagues import MOST_IN_GROUP
from gateway.core.desk.hand import About
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ItemId, MessageId, RuleName
from gateway.core.model import Item
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.when import When
from tests.core.desk.looks import ID
from tests.support.builders import House, agent

ANA, BOB = AgentName("ana"), AgentName("bob")


def rule(**then: Any) -> Rule:
    return Rule(
        name=RuleName("cards"), on=("colleague",), when=When(words=("card",)), then=Then(**then)
    )


def told(house: House, command: Any, about: About | None = None, by: AgentName = ANA) -> Any:
    desk = Desk(
        state=house.state,
        agent=house.state.profiles[by],
        ctx=house.ledger.context(),
        resolved=Resolved(about=about),
    )
    return decide(desk, command)


def said(house: House, body: str, **more: Any) -> tuple[e.ColleagueWrote, Any, Any]:
    """The event, its message, and the answer."""
    [change], answer = told(house, c.Peer(id=ID, agent=BOB, body=body), **more)
    return change.event, change.rows[0], answer


def test_a_message_is_written_with_its_event_which_does_not_say_what_it_says(
    house: House,
) -> None:
    event, message, answer = said(house, "Is his card stolen?")
    assert (message.by, message.agent, message.body) == (ANA, BOB, "Is his card stolen?")
    assert (event.message, event.by, event.agent, event.state) == (message.id, ANA, BOB, "sent")
    assert (answer["message"], "held" in answer) == (message.id, False)
    assert message.chat == chat_of(BOB, ANA, "") == chat_of(ANA, BOB, "")


@pytest.mark.parametrize(
    ("whom", "code", "field"),
    [
        ({}, "bad_frame", "agent"),
        ({"agent": BOB, "group": "all"}, "bad_frame", "agent"),
        ({"agent": ANA}, "bad_frame", "agent"),
        ({"agent": AgentName("zoe")}, "not_found", "agent"),
        ({"group": "nobody's"}, "not_found", "group"),
    ],
)
def test_nobody_can_be_told_who_is_not_there(
    house: House, whom: Any, code: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        told(house, c.Peer(id=ID, body="Hello", **whom))
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_group_of_more_than_can_be_told_at_once_is_refused_with_its_size(house: House) -> None:
    for n in range(MOST_IN_GROUP + 1):
        one = replace(agent(f"agent-{n}"), groups=("everybody",))
        house.state.profiles[one.name] = one
    with pytest.raises(Refused, match="'everybody' has 501 members") as refused:
        told(house, c.Peer(id=ID, group="everybody", body="Hello"))
    assert (refused.value.code, refused.value.field) == ("not_allowed", "group")


def test_a_group_is_told_as_long_as_somebody_is_in_it(house: House) -> None:
    team = replace(agent("bob"), groups=("team",))
    house.record([e.Change(e.AgentDefined(profile=team, by="test"))])
    [change], _ = told(house, c.Peer(id=ID, group="team", body="Hello"))
    assert (change.event.group, change.rows[0].group) == ("team", "team")


def test_one_speaks_of_an_item_that_one_has_or_that_was_spoken_of_before(
    house: House, held: Item
) -> None:
    _, message, _ = said(house, "Look", about=About(item=held, spoken=False))
    assert message.item is None  # the command did not say so

    def about(by: AgentName, *, spoken: bool) -> Any:
        whom = BOB if by == ANA else ANA
        command = c.Peer(id=ID, agent=whom, item=held.id, body="Look")
        return told(house, command, About(item=held, spoken=spoken), by)[0][0].rows[0]

    assert about(ANA, spoken=False).number == held.number
    assert about(BOB, spoken=True).case == held.case
    with pytest.raises(Refused, match="not in your hands"):
        about(BOB, spoken=False)
    with pytest.raises(Refused, match="no such work item"):
        told(house, c.Peer(id=ID, agent=BOB, item=ItemId("x"), body="Look"))


def test_a_rule_points_at_it_holds_it_or_does_not_let_it_be_said(house: House) -> None:
    house.record([e.Change(e.RuleDefined(rule=rule(tell="a card number"), by="test"))])
    event, message, answer = said(house, "his CARD is 4111 1111")
    assert (message.state, message.open, message.reason) == ("sent", True, "a card number")
    assert (event.rule, event.because) == ("cards", "says “card”")
    assert "held" not in answer
    assert said(house, "hello")[1].open is False

    house.record([e.Change(e.RuleDefined(rule=rule(hold="a card number"), by="test"))])
    event, message, answer = said(house, "his card is 4111 1111")
    assert (event.state, message.state, message.open) == ("held", "held", True)
    assert answer["held"] == "a card number"

    house.record([e.Change(e.RuleDefined(rule=rule(refuse="no cards here"), by="test"))])
    with pytest.raises(RefusedOnRecord, match="no cards here") as refused:
        said(house, "his card is 4111 1111")
    assert (refused.value.code, refused.value.field) == ("refused_by_rule", "body")
    [tried] = refused.value.changes
    assert (tried.rows[0].state, tried.rows[0].open) == ("barred", True)  # type: ignore[union-attr]


def test_what_is_known_of_the_item_counts_for_the_rules(house: House, held: Item) -> None:
    only = Rule(
        name=RuleName("mails"),
        on=("colleague",),
        when=When(kinds=(held.kind,)),
        then=Then(tell="about a mail"),
    )
    house.record([e.Change(e.RuleDefined(rule=only, by="test"))])
    assert said(house, "hello")[1].open is False
    command = c.Peer(id=ID, agent=BOB, item=held.id, body="hello")
    [change], _ = told(house, command, About(item=held, spoken=False))
    assert change.rows[0].reason == "about a mail"


def test_how_far_one_has_read_is_kept_by_chat(house: House) -> None:
    read = c.PeerRead(id=ID, agent=BOB, message=MessageId("0190A000-0000-7000-8000-000000000039"))
    [change], _ = told(house, read)
    assert change.rows[0].chat == chat_of(ANA, BOB, "")
    assert change.rows[0].message == "0190a000-0000-7000-8000-000000000039"
    with pytest.raises(Refused) as refused:
        told(house, c.PeerRead(id=ID, agent=BOB, message=MessageId("'; drop")))
    assert refused.value.field == "message"
