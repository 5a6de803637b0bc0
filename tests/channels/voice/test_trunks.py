"""Trunks: which are there, which is next, and whose word is taken."""

import pytest

from channels.voice.sip.leg import Pinged
from channels.voice.sip.message import Request, response_to
from channels.voice.trunks import Trunk, Trunks
from tests.support.sipnet import Network


def two() -> Trunks:
    first = Trunk(name="first", uri="sip:192.0.2.10", allow=("192.0.2.0/28", "2001:db8::/64"))
    second = Trunk(name="second", uri="sip:198.51.100.1", allow=("198.51.100.1",))
    return Trunks([first, second])


def names(found: list[Trunk]) -> list[str]:
    return [trunk.name for trunk in found]


def test_each_is_asked_at_once_and_then_every_half_minute() -> None:
    trunks = two()
    assert names(trunks.to_ask(0)) == ["first", "second"]
    assert trunks.to_ask(1) == []
    assert trunks.deadline() is None
    assert not trunks.answered("first", 200, 1)
    assert trunks.deadline() == 31
    assert names(trunks.to_ask(31)) == ["first"]


@pytest.mark.parametrize(
    ("status", "up"),
    [(200, True), (404, True), (405, True), (503, False), (408, False), (None, False)],
)
def test_any_answer_but_503_is_a_sign_of_life(status: int | None, up: bool) -> None:
    trunks = two()
    trunks.to_ask(0)
    assert trunks.answered("first", status, 1) is not up
    assert trunks.is_up("first") is up
    assert names(trunks.in_turn()) == (["first", "second"] if up else ["second", "first"])


def test_one_that_is_down_is_asked_soon_and_back_at_its_place_when_it_answers() -> None:
    trunks = two()
    trunks.to_ask(0)
    trunks.answered("second", 200, 1)
    trunks.answered("first", None, 32)
    assert trunks.deadline() == 31
    assert "first" in names(trunks.to_ask(37))
    assert trunks.answered("first", 200, 37.5)
    assert names(trunks.in_turn()) == ["first", "second"]


def test_a_failed_call_takes_a_trunk_down_until_it_answers() -> None:
    trunks = two()
    for trunk in trunks.to_ask(0):
        trunks.answered(trunk.name, 200, 1)
    assert trunks.failed("first", 2)
    assert not trunks.failed("first", 3)
    assert names(trunks.in_turn(["second"])) == ["first"]
    assert names(trunks.in_turn()) == ["second", "first"]
    assert trunks.deadline() == 7


def test_one_without_options_is_never_asked_and_always_tried() -> None:
    trunks = Trunks([Trunk(name="mute", uri="sip:x", options=False)])
    assert trunks.to_ask(0) == []
    assert trunks.deadline() is None
    assert not trunks.failed("mute", 1)
    assert trunks.is_up("mute")


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.14", "first"),
        ("192.0.2.16", None),
        ("::ffff:192.0.2.1", "first"),
        ("2001:db8::7", "first"),
        ("198.51.100.1", "second"),
        ("nonsense", None),
        ("", None),
    ],
)
def test_only_a_trunks_own_addresses_speak_for_it(address: str, whose: str | None) -> None:
    found = two().whose(address)
    assert (found.name if found else None) == whose


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="/99"):
        Trunks([Trunk(name="x", uri="sip:x", allow=("10.0.0.0/99",))])


def test_options_goes_out_and_its_outcome_comes_back() -> None:
    net = Network()
    net.take(0, net.agents[0].ping("one", "sip:192.0.2.2", net.flow_to(1), net.now))
    net.run()
    assert net.heard[0] == [Pinged("one", 200)]
    net.deaf.add(1)
    net.take(0, net.agents[0].ping("two", "sip:192.0.2.2", net.flow_to(1), net.now))
    asked = net.last("OPTIONS")
    assert isinstance(asked, Request)
    net.arrive(0, response_to(asked, 100))
    net.run()
    assert net.heard[0][1:] == [Pinged("two", None)]
    assert net.empty()
