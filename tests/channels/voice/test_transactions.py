"""Transactions: when what is sent again, and what their users hear of it."""

from itertools import count

import pytest

from channels.voice.sip.flow import Flow
from channels.voice.sip.message import Message, Request, Response, response_to
from channels.voice.sip.transactions import (
    Acknowledged,
    Answered,
    Asked,
    Cancelled,
    Id,
    Over,
    Result,
    Send,
    Stray,
    Transactions,
)
from tests.support.sip import request

UDP = Flow(transport="UDP", host="192.0.2.1", port=5060)
TCP = Flow(transport="TCP", host="192.0.2.1", port=40_000, connection=7)


def many(most: int = 1_000) -> Transactions:
    names = count(1)
    return Transactions(name=lambda: f"name{next(names)}", most=most)


def sent(results: Result) -> list[Message]:
    return [out.message for out in results if isinstance(out, Send)]


def statuses(results: Result) -> list[int]:
    return [m.status for m in sent(results) if isinstance(m, Response)]


def heard(results: Result) -> list[object]:
    return [out for out in results if not isinstance(out, Send)]


def walk(house: Transactions, until: float) -> list[tuple[float, Result]]:
    """All that happens by itself, and when."""
    found = []
    while (at := house.deadline()) is not None and at <= until:
        found.append((at, house.on_time(at)))
    return found


def times(walked: list[tuple[float, Result]]) -> list[float]:
    return [at for at, results in walked if sent(results)]


def asked(house: Transactions, given: Request, flow: Flow = UDP, now: float = 0.0) -> Asked:
    (found,) = (out for out in house.receive(given, flow, now) if isinstance(out, Asked))
    return found


def answer(asked_: Request, status: int, tag: str = "callee") -> Response:
    return response_to(asked_, status, tag=tag)


# -- ours -----------------------------------------------------------------------------------


def test_an_invite_is_repeated_at_doubling_intervals_and_given_up_after_32_seconds() -> None:
    house = many()
    id_, first = house.ask(request("INVITE"), UDP, 0.0)
    assert len(sent(first)) == 1
    walked = walk(house, 100)
    assert times(walked) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert (walked[-1][0], walked[-1][1]) == (32.0, [Over(id_, "timeout")])
    assert len(house) == 0


def test_other_requests_are_repeated_every_four_seconds_at_most() -> None:
    house = many()
    id_, _ = house.ask(request("OPTIONS"), UDP, 0.0)
    walked = walk(house, 100)
    assert times(walked)[:6] == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5]
    assert walked[-1] == (32.0, [Over(id_, "timeout")])


def test_a_provisional_response_stops_an_invite_and_slows_down_the_others() -> None:
    house = many()
    invite, options = request("INVITE"), request("OPTIONS", branch="z9hG4bKo")
    house.ask(invite, UDP, 0.0)
    house.ask(options, UDP, 0.0)
    house.receive(answer(invite, 180), UDP, 0.2)
    house.receive(answer(options, 100), UDP, 0.2)
    assert times(walk(house, 31.9))[:3] == [0.5, 4.5, 8.5]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_on_a_stream_nothing_is_sent_twice(method: str) -> None:
    house = many()
    id_, _ = house.ask(request(method), TCP, 0.0)
    assert walk(house, 100) == [(32.0, [Over(id_, "timeout")])]


def test_a_refused_invite_is_acknowledged_each_time_and_told_once() -> None:
    house = many()
    invite = request("INVITE", "Route: <sip:edge;lr>")
    id_, _ = house.ask(invite, UDP, 0.0)
    busy = answer(invite, 486)
    results = house.receive(busy, UDP, 1.0)
    (ack,) = sent(results)
    assert isinstance(ack, Request)
    assert (ack.method, ack.target, ack.via.branch) == ("ACK", invite.target, "z9hG4bKa1")
    assert (ack.to.tag, ack.cseq) == ("callee", (1, "ACK"))
    assert ack.all("route") == ["<sip:edge;lr>"]
    assert heard(results) == [Answered(id_, busy, UDP)]
    again = house.receive(busy, UDP, 2.0)
    assert sent(again) == [ack]
    assert not heard(again)
    walk(house, 33.1)
    assert len(house) == 0


def test_every_2xx_to_an_invite_is_told_for_each_must_be_acknowledged() -> None:
    house = many()
    invite = request("INVITE")
    id_, _ = house.ask(invite, UDP, 0.0)
    one, other = answer(invite, 200, "one"), answer(invite, 200, "other")
    for ok in (one, one, other):
        assert house.receive(ok, UDP, 1.0) == [Answered(id_, ok, UDP)]
    walk(house, 40)
    assert house.receive(one, UDP, 50.0) == [Stray(one, UDP)]
    assert not house.receive(answer(invite, 486), UDP, 50.0)
    assert house.dropped["response to nothing"] == 1


def test_cancel_waits_for_the_first_sign_of_the_other_side() -> None:
    house = many()
    invite = request("INVITE")
    id_, _ = house.ask(invite, UDP, 0.0)
    assert not house.cancel(id_, 0.1)
    results = house.receive(answer(invite, 180), UDP, 0.2)
    (cancel,) = sent(results)
    assert isinstance(cancel, Request)
    assert (cancel.method, cancel.cseq, cancel.via.text) == (
        "CANCEL",
        (1, "CANCEL"),
        invite.via.text,
    )
    assert not cancel.to.tag
    assert not house.cancel(id_, 0.3)
    assert not heard(house.receive(answer(cancel, 200), UDP, 0.3))
    assert heard(house.receive(answer(invite, 487), UDP, 0.4))


def test_an_invite_that_nobody_ends_after_cancel_is_over_32_seconds_later() -> None:
    house = many()
    invite = request("INVITE")
    id_, _ = house.ask(invite, UDP, 0.0)
    house.receive(answer(invite, 180), UDP, 1.0)
    assert not walk(house, 1_000)
    house.cancel(id_, 1_000)
    assert walk(house, 2_000)[-1] == (1_032.0, [Over(id_, "timeout")])
    assert len(house) == 0


def test_a_broken_way_ends_what_waits_on_it_and_nothing_else() -> None:
    house = many()
    one, _ = house.ask(request("OPTIONS"), TCP, 0.0)
    house.ask(request("OPTIONS", branch="z9hG4bKb"), UDP, 0.0)
    assert house.broken(TCP, 1.0) == [Over(one, "broken")]
    assert len(house) == 1


# -- theirs ---------------------------------------------------------------------------------


def test_an_invite_is_told_once_and_answered_trying_at_once() -> None:
    house = many()
    results = house.receive(request("INVITE"), UDP, 0.0)
    assert statuses(results) == [100]
    (news,) = heard(results)
    assert isinstance(news, Asked)
    assert statuses(house.receive(request("INVITE"), UDP, 0.5)) == [100]
    house.reply(news.id, answer(news.request, 180, news.tag), 1.0)
    again = house.receive(request("INVITE"), UDP, 1.5)
    assert (statuses(again), heard(again)) == ([180], [])


def test_a_refusal_is_repeated_until_it_is_acknowledged() -> None:
    house = many()
    news = asked(house, request("INVITE"))
    house.reply(news.id, answer(news.request, 480, news.tag), 0.0)
    assert times(walk(house, 9)) == [0.5, 1.5, 3.5, 7.5]
    assert not house.receive(request("ACK"), UDP, 9.0)
    assert times(walk(house, 100)) == []
    assert len(house) == 0


def test_a_refusal_that_nobody_acknowledges_is_over_after_32_seconds() -> None:
    house = many()
    news = asked(house, request("INVITE"))
    house.reply(news.id, answer(news.request, 480, news.tag), 0.0)
    assert walk(house, 100)[-1] == (32.0, [Over(news.id, "unacknowledged")])
    assert len(house) == 0


def test_an_answered_invite_absorbs_repetitions_and_hands_on_the_ack() -> None:
    house = many()
    news = asked(house, request("INVITE"))
    house.reply(news.id, answer(news.request, 200, news.tag), 0.0)
    assert not house.receive(request("INVITE"), UDP, 1.0)
    ack = request("ACK", branch="z9hG4bKack")
    (told,) = house.receive(ack, UDP, 1.0)
    assert isinstance(told, Acknowledged)
    (told,) = house.receive(request("ACK"), UDP, 1.0)  # the INVITE's branch, as old phones have it
    assert isinstance(told, Acknowledged)
    walk(house, 32)
    assert len(house) == 0


def test_other_requests_are_answered_again_with_the_same() -> None:
    house = many()
    news = asked(house, request("BYE"))
    assert not house.receive(request("BYE"), UDP, 0.1)
    first = house.reply(news.id, answer(news.request, 200, news.tag), 0.2)
    assert sent(house.receive(request("BYE"), UDP, 5.0)) == sent(first)
    assert not house.reply(news.id, answer(news.request, 500), 6.0)
    walk(house, 33)
    assert len(house) == 0


def test_what_we_never_answer_leaves_nothing_behind() -> None:
    house = many()
    news = asked(house, request("INFO"))
    assert walk(house, 100) == [(32.0, [Over(news.id, "unanswered")])]
    assert len(house) == 0


def test_cancel_is_answered_and_told_once() -> None:
    house = many()
    news = asked(house, request("INVITE"))
    results = house.receive(request("CANCEL"), UDP, 1.0)
    assert statuses(results) == [200]
    assert heard(results) == [Cancelled(news.id)]
    again = house.receive(request("CANCEL"), UDP, 1.5)
    assert (statuses(again), heard(again)) == ([200], [])
    (ok,) = sent(again)
    assert ok.to.tag == news.tag


def test_cancel_comes_to_nothing_when_it_is_late_or_strange() -> None:
    house = many()
    assert statuses(house.receive(request("CANCEL", branch="z9hG4bKnone"), UDP, 0.0)) == [481]
    news = asked(house, request("INVITE"))
    stranger = Flow(transport="UDP", host="198.51.100.9", port=5060)
    spoofed = house.receive(request("CANCEL"), stranger, 0.5)
    assert (statuses(spoofed), heard(spoofed)) == ([481], [])
    house.reply(news.id, answer(news.request, 200, news.tag), 1.0)
    late = house.receive(request("CANCEL", cseq=1), UDP, 1.5)
    assert heard(late) == []


def test_the_same_request_by_two_ways_is_one_call() -> None:
    house = many()
    asked(house, request("INVITE"))
    assert statuses(house.receive(request("INVITE", branch="z9hG4bKother"), UDP, 0.1)) == [482]
    asked(house, request("INVITE", branch="z9hG4bKelse", call_id="another"))
    # CANCEL has the INVITE's CSeq, and a re-INVITE has a tag: neither is a copy.
    assert statuses(house.receive(request("CANCEL"), UDP, 0.2)) == [200]
    asked(house, request("INVITE", branch="z9hG4bKre", callee="<sip:b@x>;tag=ours"))


def test_an_old_client_without_branches_is_understood() -> None:
    house = many()
    first = request("INVITE", branch="1")
    news = asked(house, first)
    assert statuses(house.receive(first, UDP, 0.5)) == [100]
    asked(house, request("INVITE", branch="1", call_id="two"))
    house.reply(news.id, answer(news.request, 486, news.tag), 1.0)
    assert not house.receive(request("ACK", branch="1"), UDP, 1.0)


def test_more_than_can_be_held_is_refused_with_a_time() -> None:
    house = many(most=1)
    asked(house, request("OPTIONS"))
    (busy,) = sent(house.receive(request("INVITE", branch="z9hG4bK2", cseq=2), UDP, 0.0))
    assert isinstance(busy, Response)
    assert (busy.status, busy.first("retry-after")) == (503, "5")
    assert len(house) == 1


# -- where answers go -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("via", "flow", "port", "params"),
    [
        ("UDP 192.0.2.1:5070", UDP, 5_070, {}),
        ("UDP 192.0.2.1", UDP, 5_060, {}),
        ("UDP 10.0.0.5:5070", UDP, 5_070, {"received": "192.0.2.1"}),
        ("UDP 10.0.0.5:5070;maddr=203.0.113.1", UDP, 5_070, {"received": "192.0.2.1"}),
        ("UDP 10.0.0.5:5070;received=203.0.113.1", UDP, 5_070, {"received": "192.0.2.1"}),
        ("TCP 10.0.0.5:5070", TCP, 40_000, {"received": "192.0.2.1"}),
    ],
)
def test_answers_go_where_the_request_came_from(
    via: str, flow: Flow, port: int, params: dict[str, str]
) -> None:
    given = request("OPTIONS", via=via).with_fields(
        [("via", f"SIP/2.0/{via};branch=z9hG4bKx"), ("via", "SIP/2.0/UDP far;branch=z9hG4bKy")],
        without=("via",),
    )
    house = many()
    news = asked(house, given, flow)
    (out,) = house.reply(news.id, answer(news.request, 200, news.tag), 0.0)
    assert isinstance(out, Send)
    assert (out.flow.host, out.flow.port) == (flow.host, port)
    top, below = out.message.all("via")
    assert below == "SIP/2.0/UDP far;branch=z9hG4bKy"
    assert {n: v for n, v in out.message.via.params.items() if n == "received"} == params
    assert top.startswith(f"SIP/2.0/{via.partition(';')[0]}")


def test_who_asks_with_rport_is_answered_at_the_port_it_came_from() -> None:
    behind_nat = Flow(transport="UDP", host="203.0.113.7", port=61_000)
    house = many()
    news = asked(house, request("OPTIONS", via="UDP 10.0.0.5:5060"), behind_nat)
    (out,) = house.reply(news.id, answer(news.request, 200, news.tag), 0.0)
    assert isinstance(out, Send)
    assert out.flow == behind_nat
    params = out.message.via.params
    assert (params["received"], params["rport"]) == ("203.0.113.7", "61000")


def test_a_branch_in_use_is_not_used_again() -> None:
    house = many()
    house.ask(request("OPTIONS"), UDP, 0.0)
    with pytest.raises(ValueError, match="in use"):
        house.ask(request("OPTIONS"), UDP, 0.0)
    assert not house.reply(Id(ours=False, key=("gone",)), answer(request("BYE"), 200), 0.0)
