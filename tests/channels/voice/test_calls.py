"""Calls between two user agents: set up, changed, refreshed, ended, and what crosses."""

import pytest

from channels.voice.sip.leg import (
    ChangeAsked,
    Changed,
    ChangeRefused,
    Connected,
    Ended,
    Leg,
    Refused,
    Ringing,
)
from channels.voice.sip.message import Request, Response, response_to
from channels.voice.sip.outgoing import FORKS
from tests.support.sip import OFFER
from tests.support.sipnet import ANSWER, Network, Weather

HELD = OFFER + b"a=sendonly\r\n"


def why(net: Network, end: int) -> list[str]:
    return [e.why for e in net.heard[end] if isinstance(e, Ended)]


def count(net: Network, end: int, kind: type) -> int:
    return sum(isinstance(e, kind) for e in net.heard[end])


def test_a_call_rings_is_queued_answered_and_hung_up() -> None:
    net = Network()
    ours = net.call()
    theirs = net.ringing()
    net.take(1, net.agents[1].ring(theirs, 180, net.now))
    net.take(1, net.agents[1].ring(theirs, 182, net.now, [("subject", "place 3")]))
    net.run(net.now)
    net.take(1, net.agents[1].answer(theirs, ANSWER, net.now))
    net.run(10)
    assert (ours.heard, theirs.heard) == (ANSWER, OFFER)
    net.take(0, net.agents[0].hang_up(ours, net.now))
    net.run()
    assert net.sent() == ["INVITE", "100", "180", "182", "200", "ACK", "BYE", "200"]
    assert [e.response.status for e in net.heard[0] if isinstance(e, Ringing)] == [180, 182]
    assert (why(net, 0), why(net, 1)) == (["ended_by_us"], ["hung_up"])
    assert net.empty()


def test_the_called_end_may_hang_up_first_and_asks_along_the_route() -> None:
    net = Network()
    _, theirs = net.connected()
    net.take(1, net.agents[1].hang_up(theirs, net.now))
    net.run()
    bye = net.last("BYE")
    assert isinstance(bye, Request)
    assert bye.target == "sip:192.0.2.1:5060"
    assert (why(net, 0), why(net, 1)) == (["hung_up"], ["ended_by_us"])
    assert net.empty()


def test_a_caller_who_gives_up_is_known_at_once() -> None:
    net = Network()
    ours = net.call()
    theirs = net.ringing()
    net.take(1, net.agents[1].ring(theirs, 180, net.now))
    net.run(5)
    net.take(0, net.agents[0].hang_up(ours, net.now))
    net.run(5)
    assert (why(net, 0), why(net, 1)) == (["ended_by_us"], ["gave_up"])
    assert net.sent(5) == ["CANCEL", "200", "487", "ACK"]
    net.run()
    assert net.empty()


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() -> None:
    net = Network(Weather(delay=0.2))
    ours = net.call()
    net.run(2)
    theirs = net.ringing()
    net.take(1, net.agents[1].answer(theirs, ANSWER, net.now))
    net.take(0, net.agents[0].hang_up(ours, net.now))
    net.run()
    assert {"CANCEL", "ACK", "BYE"} <= set(net.sent(0, 0))
    assert why(net, 0) == ["ended_by_us"]
    assert count(net, 0, Connected) == 0
    assert len(why(net, 1)) == 1
    assert net.empty()


def test_a_refusal_is_told_with_its_reason() -> None:
    net = Network()
    net.call()
    theirs = net.ringing()
    later = [("retry-after", "3600")]
    net.take(1, net.agents[1].refuse(theirs, 480, net.now, later))
    net.run()
    (refused,) = (e for e in net.heard[0] if isinstance(e, Refused))
    assert refused.status == 480
    assert refused.response is not None
    assert refused.response.first("retry-after") == "3600"
    assert net.empty()


def test_nobody_there_is_told_after_32_seconds() -> None:
    net = Network()
    net.deaf.add(1)
    net.call()
    net.run()
    (refused,) = (e for e in net.heard[0] if isinstance(e, Refused))
    assert (refused.status, net.now) == (408, 32.0)
    assert net.empty()


def test_an_answer_that_is_never_acknowledged_ends_the_call() -> None:
    net = Network()
    net.call()
    theirs = net.ringing()
    net.deaf.add(0)
    net.take(1, net.agents[1].answer(theirs, ANSWER, net.now))
    net.run()
    assert net.sent(0, 1).count("200") >= 10
    assert why(net, 1) == ["no_ack"]
    assert "BYE" in net.sent(31, 1)
    assert net.agents[1].legs == 0


def test_a_call_that_rings_under_ever_new_tags_is_bounded_and_still_answered() -> None:
    net = Network()
    net.deaf.add(1)
    ours = net.call()
    contact = [("contact", "<sip:b@192.0.2.2>")]
    for n in range(FORKS + 20):
        ringing = response_to(ours.invite, 180, tag=f"t{n}", fields=contact)
        net.take(0, net.agents[0].receive(ringing, net.flow_to(1), net.now))
    assert count(net, 0, Ringing) == len(ours.early) == FORKS
    said = [*contact, ("content-type", "application/sdp")]
    answer = response_to(ours.invite, 200, tag=f"t{FORKS + 7}", fields=said, body=ANSWER)
    net.take(0, net.agents[0].receive(answer, net.flow_to(1), net.now))
    assert (ours.state, ours.heard) == ("talking", ANSWER)


def test_a_lost_ack_is_sent_again_as_it_was() -> None:
    net = Network()
    ours = net.call()
    theirs = net.ringing()
    net.take(1, net.agents[1].answer(theirs, ANSWER, net.now))
    net.deaf.add(1)
    net.run(0.4)
    net.deaf.clear()
    net.run(10)
    acks = [m for _, _, m in net.wire if isinstance(m, Request) and m.method == "ACK"]
    assert len(acks) == 2
    assert acks[0] == acks[1]
    assert (ours.state, theirs.state) == ("talking", "talking")


def test_without_an_offer_ours_is_answered_in_the_ack() -> None:
    net = Network()
    ours = net.call(body=b"")
    theirs = net.ringing()
    net.take(1, net.agents[1].answer(theirs, OFFER, net.now))
    net.run(0.1)
    assert ours.heard == OFFER
    assert count(net, 1, Connected) == 0
    net.take(0, net.agents[0].acknowledge(ours, ANSWER, net.now))
    net.run(1)
    assert theirs.heard == ANSWER
    assert theirs.state == "talking"


def test_an_ack_without_the_answer_that_is_due_ends_the_call() -> None:
    net = Network()
    ours = net.call(body=b"")
    theirs = net.ringing()
    net.take(1, net.agents[1].answer(theirs, OFFER, net.now))
    net.run(0.1)
    net.take(0, net.agents[0].acknowledge(ours, b"", net.now))
    net.run()
    assert why(net, 1) == ["no_answer"]
    assert net.empty()


def test_hold_is_asked_accepted_and_refused() -> None:
    net = Network()
    ours, theirs = net.connected()
    asked, outcome = net.agents[0].change(ours, HELD, net.now)
    assert asked
    net.take(0, outcome)
    assert not net.agents[0].change(ours, OFFER, net.now)[0]
    net.run(1)
    (change,) = (e for e in net.heard[1] if isinstance(e, ChangeAsked))
    assert change.body == HELD
    net.take(1, net.agents[1].accept_change(theirs, ANSWER, net.now))
    net.run(2)
    assert count(net, 0, Changed) == 1
    assert (ours.said, theirs.heard) == (HELD, HELD)
    _, outcome = net.agents[1].change(theirs, HELD, net.now)
    net.take(1, outcome)
    net.run(3)
    net.take(0, net.agents[0].refuse_change(ours, 488, net.now))
    net.run(4)
    assert [e.status for e in net.heard[1] if isinstance(e, ChangeRefused)] == [488]
    assert (ours.state, theirs.said) == ("talking", ANSWER)


def test_who_asks_to_change_at_the_same_time_is_told_so_and_both_get_it_in_turn() -> None:
    net = Network(Weather(delay=0.0))
    legs = net.connected()

    def accept(end: int, event: object) -> None:
        if isinstance(event, ChangeAsked):
            net.take(end, net.agents[end].accept_change(event.leg, ANSWER, net.now))

    net.react = accept
    start = net.now
    asks = [net.agents[end].change(legs[end], HELD, net.now) for end in (0, 1)]
    assert all(asked for asked, _ in asks)
    for end, (_, outcome) in enumerate(asks):
        net.take(end, outcome)
    net.run(20)
    assert net.sent(start).count("491") == 2
    assert (count(net, 0, Changed), count(net, 1, Changed)) == (1, 1)
    times = [at - start for at, end, m in net.wire if end == 0 and at > start + 0.01
             and isinstance(m, Request) and m.method == "INVITE"]  # fmt: skip
    assert 2.1 <= times[0] <= 4.0, "who made the Call-ID waits longer"
    assert [leg.state for leg in legs] == ["talking", "talking"]


@pytest.mark.parametrize("updates", [True, False])
def test_a_session_is_refreshed_at_half_its_time(updates: bool) -> None:
    net = Network(session_seconds=90)
    ours, theirs = net.connected()
    refresher = ours if ours.timer and ours.timer.ours else theirs
    refresher.updates = updates
    net.run(500)
    method = "UPDATE" if updates else "INVITE"
    times = [at for at, _, m in net.wire if isinstance(m, Request) and m.method == method]
    assert times[-3:] == [405.0, 450.0, 495.0]
    assert (ours.state, theirs.state) == ("talking", "talking")
    assert count(net, 0, Changed) + count(net, 1, ChangeAsked) == 0


@pytest.mark.parametrize("dead", [0, 1])
def test_a_dead_end_is_noticed_without_media(dead: int) -> None:
    net = Network(session_seconds=90)
    net.connected()
    net.deaf.add(dead)
    net.mute.add(dead)
    net.run(400)
    (end,) = why(net, 1 - dead)
    assert end in {"session_timer", "gone"}
    assert net.agents[1 - dead].legs == 0


def test_both_hang_up_at_once_and_each_hears_well_of_it() -> None:
    net = Network(Weather(delay=0.01))
    ours = net.call()
    net.run(0.1)
    theirs = net.ringing()
    net.take(1, net.agents[1].answer(theirs, ANSWER, net.now))
    net.run(1)
    net.take(0, net.agents[0].hang_up(ours, net.now))
    net.take(1, net.agents[1].hang_up(theirs, net.now))
    net.run()
    assert net.sent(1) == ["BYE", "BYE", "200", "200"]
    assert net.empty()


def test_a_hang_up_before_the_ack_waits_for_it() -> None:
    net = Network()
    net.call()
    theirs = net.ringing()
    net.take(1, net.agents[1].answer(theirs, ANSWER, net.now))
    net.take(1, net.agents[1].hang_up(theirs, net.now))
    assert "BYE" not in net.sent()
    net.run()
    assert net.sent(0, 1).count("BYE") == 1
    assert net.empty()


# -- provisional responses that must arrive -------------------------------------------------


def test_who_requires_it_gets_what_must_arrive_in_turn() -> None:
    net = Network()
    ours = net.call(fields=[("require", "100rel")])
    theirs = net.ringing()
    for status in (180, 181, 182):
        net.take(1, net.agents[1].ring(theirs, status, net.now))
    net.run(1)
    # 181 was overtaken by 182 while 180 was on its way.
    assert [e.response.status for e in net.heard[0] if isinstance(e, Ringing)] == [180, 182]
    assert net.sent(0, 0).count("PRACK") == 2
    net.take(1, net.agents[1].answer(theirs, ANSWER, net.now))
    net.run(1)
    net.take(0, net.agents[0].hang_up(ours, net.now))
    net.run()
    bye = net.last("BYE")
    assert bye.cseq[0] == 4, "after INVITE and two PRACK"
    assert (why(net, 0), why(net, 1)) == (["ended_by_us"], ["hung_up"])
    assert net.empty()


def test_what_must_arrive_is_repeated_and_then_the_call_is_given_up() -> None:
    net = Network()
    net.call(fields=[("require", "100rel")])
    theirs = net.ringing()
    net.mute.add(0)
    net.take(1, net.agents[1].ring(theirs, 180, net.now))
    net.run(33)
    times = [
        at for at, end, m in net.wire if end == 1 and isinstance(m, Response) and m.status == 180
    ]
    assert times == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    net.mute.clear()
    net.run()
    assert why(net, 1) == ["no_prack"]
    assert [e.status for e in net.heard[0] if isinstance(e, Refused)] == [504]
    assert net.empty()


def test_an_answer_in_a_provisional_response_counts_and_repetitions_do_not() -> None:
    net, leg, invite = calling()
    numbered = [("require", "100rel"), ("rseq", "7")]
    contact = ("contact", "<sip:one@192.0.2.2>")
    early = response_to(invite, 183, tag="one", fields=[*numbered, contact], body=ANSWER)
    for _ in range(3):
        arrives(net, early)
    skipped = [("require", "100rel"), ("rseq", "9")]
    arrives(net, response_to(invite, 180, tag="one", fields=[*skipped, contact]))
    assert count(net, 0, Ringing) == 1
    pracks = [m for _, _, m in net.wire if isinstance(m, Request) and m.method == "PRACK"]
    assert [m.first("rack") for m in pracks] == ["7 1 INVITE"]
    arrives(net, response_to(invite, 200, tag="one", fields=[contact]))
    assert leg.heard == ANSWER
    assert leg.state == "talking"


# -- forks, strangers, retries --------------------------------------------------------------


def from_phone(invite: Request, status: int, tag: str, *more: tuple[str, str]) -> Response:
    contact = ("contact", f"<sip:{tag}@192.0.2.2:5060>")
    described = [("content-type", "application/sdp")] if status == 200 else []
    body = ANSWER if status == 200 else b""
    return response_to(invite, status, tag=tag, fields=(contact, *more, *described), body=body)


def calling() -> tuple[Network, Leg, Request]:
    net = Network()
    net.deaf.add(1)
    leg = net.call()
    invite = net.last("INVITE")
    assert isinstance(invite, Request)
    return net, leg, invite


def arrives(net: Network, response: Response) -> None:
    net.arrive(0, response)


def test_of_two_phones_that_answer_the_first_has_the_call() -> None:
    net, leg, invite = calling()
    route = ("record-route", "<sip:edge.example.com;lr>")
    for tag in ("one", "two"):
        arrives(net, from_phone(invite, 180, tag))
    arrives(net, from_phone(invite, 200, "two", route))
    arrives(net, from_phone(invite, 200, "one"))
    arrives(net, from_phone(invite, 200, "one"))
    assert leg.dialog is not None
    assert (leg.dialog.remote_tag, leg.dialog.routes) == ("two", ("<sip:edge.example.com;lr>",))
    assert count(net, 0, Connected) == 1
    to_one = [m.method for _, _, m in net.wire if isinstance(m, Request) and m.to.tag == "one"]
    assert to_one[:2] == ["ACK", "BYE"]
    assert leg.state == "talking"


def test_requests_go_along_the_route_that_the_answer_recorded() -> None:
    net, leg, invite = calling()
    routes = [("record-route", "<sip:p1.example.com;lr>"), ("record-route", "<sip:p2.example.com>")]
    arrives(net, from_phone(invite, 200, "one", *routes))
    net.take(0, net.agents[0].hang_up(leg, net.now))
    ack, bye = net.last("ACK"), net.last("BYE")
    assert isinstance(ack, Request)
    assert isinstance(bye, Request)
    # p2 is next to us and, being of the old kind, becomes the target itself (§12.2.1.1).
    assert bye.target == ack.target == "sip:p2.example.com"
    assert bye.all("route") == ["<sip:p1.example.com;lr>", "<sip:one@192.0.2.2:5060>"]
    assert bye.cseq[0] == ack.cseq[0] + 1


def test_a_trunk_that_asks_who_we_are_is_told_and_only_once() -> None:
    from channels.voice.sip.leg import Login

    net = Network()
    net.deaf.add(1)
    leg, outcome = net.agents[0].call(
        target="sip:+34911234567@192.0.2.2",
        from_="<sip:a@192.0.2.1>",
        to="<sip:+34911234567@192.0.2.2>",
        flow=net.flow_to(1),
        body=OFFER,
        now=0.0,
        login=Login("switchroom", "word"),
    )
    net.take(0, outcome)
    challenge = 'Digest realm="carrier", nonce="n", qop="auth", algorithm={}'
    fields = [("www-authenticate", challenge.format(a)) for a in ("MD5", "SHA-256")]
    for _ in range(2):
        invite = net.last("INVITE")
        assert isinstance(invite, Request)
        arrives(net, response_to(invite, 401, tag="t", fields=fields))
    invites = [m for _, _, m in net.wire if isinstance(m, Request) and m.method == "INVITE"]
    first, second = invites
    assert "algorithm=SHA-256" in (second.first("authorization") or "")
    assert second.cseq[0] == first.cseq[0] + 1
    assert second.via.branch != first.via.branch
    assert (second.call_id, second.from_.text) == (first.call_id, first.from_.text)
    assert [e.status for e in net.heard[0] if isinstance(e, Refused)] == [401]
    assert leg.state == "over"


def test_a_longer_session_is_agreed_to() -> None:
    net, _, invite = calling()
    arrives(net, response_to(invite, 422, tag="t", fields=[("min-se", "3600")]))
    again = net.last("INVITE")
    assert (again.first("session-expires"), again.first("min-se")) == ("3600", "3600")
    assert len(again.all("min-se")) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"target": "urn:service:sos"}, 416),
        ({"more": "Require: 100rel-of-mars"}, 420),
        ({"more": "Max-Forwards: 0"}, 483),
        ({"body": b"hello", "more": "Content-Type: text/plain"}, 415),
        ({"body": b"hello", "more": "Content-Type: application/sdp"}, 400),
        (
            {
                "body": OFFER.replace(b"audio", b"video"),
                "more": "Content-Type: application/sdp",
            },
            488,
        ),
        ({"more": "Supported: timer\r\nSession-Expires: 30"}, 422),
        ({"more": "Session-Expires: soon"}, 400),
        ({"method": "MESSAGE"}, 405),
        ({"method": "BYE", "callee": "<sip:b@x>;tag=nobody"}, 481),
        ({"method": "BYE"}, 481),
        ({"method": "OPTIONS"}, 200),
    ],
)
def test_what_cannot_be_taken_is_refused_as_the_rfc_says(
    change: dict[str, object], expected: int
) -> None:
    from tests.support.sip import request

    given = dict(change)
    method, more = given.pop("method", "INVITE"), given.pop("more", "Subject: x")
    net = Network()
    made = request(str(method), **given)  # type: ignore[arg-type] # of one table
    fields = [tuple(line.split(": ", 1)) for line in str(more).split("\r\n")]
    names = [name.lower() for name, _ in fields]
    made = made.with_fields([(n.lower(), v) for n, v in fields], without=names)
    net.arrive(1, made)
    assert net.sent(0, 1)[-1] == str(expected)
    assert net.heard[1] == []
    assert net.agents[1].legs == 0


def test_a_stranger_ends_no_call_and_an_old_request_changes_nothing() -> None:
    net = Network()
    ours, theirs = net.connected()
    assert ours.dialog is not None
    from msgspec.structs import replace

    from channels.voice.sip import dialog as dialogs

    spoofed = replace(ours.dialog, remote=ours.dialog.remote + "x")
    _, bye = dialogs.ask(spoofed, "BYE", via="SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKevil")
    net.arrive(1, bye)
    assert net.sent(0, 1)[-1] == "481"
    old = replace(ours.dialog, cseq=-1)
    _, bye = dialogs.ask(old, "BYE", via="SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKold")
    net.arrive(1, bye)
    assert net.sent(0, 1)[-1] == "500"
    assert theirs.state == "talking"


def test_a_draining_node_sends_new_calls_elsewhere_and_keeps_the_others() -> None:
    net = Network()
    ours, theirs = net.connected()
    net.agents[1].accepting = False
    net.call()
    net.run(5)
    assert [e.status for e in net.heard[0] if isinstance(e, Refused)] == [503]
    assert (ours.state, theirs.state) == ("talking", "talking")
