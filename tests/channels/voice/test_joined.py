"""A caller waits, a phone is called, the two are joined; and whatever crosses on the way."""

import pytest

from channels.voice.calls import Answering, Calls, Joined, JoinEvent, Over, PhoneFailed, Waiting
from channels.voice.sip.leg import Called, CallEvent, ChangeAsked, Connected, Ended, Leg
from channels.voice.sip.message import Response
from channels.voice.sip.transactions import Send
from channels.voice.sip.useragent import Outcome
from tests.support.sip import OFFER
from tests.support.sipnet import ANSWER, Network

HELD = OFFER + b"a=sendonly\r\n"


class Switch(Network):
    """End 0 has the caller and the phone, end 1 is ours. ``joins`` says whether we join at once."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = Calls(self.agents[1])
        self.news: list[JoinEvent] = []
        self.phone: Leg | None = None
        self.answers = self.joins = True

    def take(self, end: int, outcome: Outcome) -> None:
        if end == 0:
            super().take(0, outcome)
            for event in outcome:
                if not isinstance(event, Send):
                    self.on_phone(event)
            return
        self.carry(self.calls.of(outcome, self.now))

    def carry(self, results: object) -> None:
        assert isinstance(results, list)
        for out in results:
            if isinstance(out, Send):
                super().take(1, [out])
            else:
                self.news.append(out)
                self.on_call(out)
        at = self.calls.deadline()
        if at is not None:
            self.later(at - self.now, self.look)

    def look(self) -> None:
        self.carry(self.calls.on_time(self.now))

    def on_call(self, event: JoinEvent) -> None:
        if isinstance(event, Waiting):
            self.carry(self.calls.ring(event.call, self.now))
        elif isinstance(event, Answering) and self.joins:
            self.carry(self.calls.join(event.call, self.now))

    def on_phone(self, event: CallEvent) -> None:
        if isinstance(event, Called):
            self.phone = event.leg
            if self.answers:
                super().take(0, self.agents[0].answer(event.leg, self.said(), self.now))
        elif isinstance(event, Connected) and not event.leg.theirs and not event.leg.invite.body:
            super().take(0, self.agents[0].acknowledge(event.leg, ANSWER, self.now))
        elif isinstance(event, ChangeAsked):
            super().take(0, self.agents[0].accept_change(event.leg, ANSWER, self.now))

    def said(self) -> bytes:
        assert self.phone is not None
        return ANSWER if self.phone.invite.body else HELD

    def connect(self) -> None:
        call = next(e.call for e in self.news if isinstance(e, Waiting))
        self.carry(
            self.calls.connect(
                call,
                target="sip:ana@192.0.2.1",
                from_="<sip:+34911234567@192.0.2.2>",
                flow=self.flow_to(0),
                now=self.now,
            )
        )

    def kinds(self) -> list[str]:
        return [type(e).__name__ for e in self.news]

    def over(self) -> list[tuple[str, str, bool]]:
        return [(e.by, e.why, e.joined) for e in self.news if isinstance(e, Over)]

    def joined(self, body: bytes = OFFER) -> Leg:
        caller = self.call(body=body)
        self.run(3)
        self.connect()
        self.run(4)
        assert self.kinds() == ["Waiting", "Answering", "Joined"]
        return caller

    def ends_clean(self) -> None:
        self.run()
        assert self.empty()
        assert len(self.calls) == 0
        assert self.calls.deadline() is None


def test_the_offer_that_waited_is_answered_by_the_phone_without_another_invite() -> None:
    net = Switch()
    caller = net.joined()
    assert net.phone is not None
    assert (net.phone.heard, caller.heard) == (OFFER, ANSWER)
    assert net.sent(0, 0).count("INVITE") == 1
    net.take(0, net.agents[0].hang_up(caller, net.now))
    net.ends_clean()
    assert net.over() == [("caller", "hung_up", True)]
    assert [e.why for e in net.heard[0] if isinstance(e, Ended)].count("hung_up") == 1


def test_without_an_offer_the_phones_is_answered_by_the_callers_ack() -> None:
    net = Switch()
    caller = net.joined(body=b"")
    assert net.phone is not None
    assert (caller.heard, net.phone.heard) == (HELD, ANSWER)
    net.take(0, net.agents[0].hang_up(net.phone, net.now))
    net.ends_clean()
    assert net.over() == [("phone", "hung_up", True)]


def test_the_place_is_told_again_each_minute() -> None:
    net = Switch()
    net.call()
    net.run(185)
    times = [at for at, _, m in net.wire if isinstance(m, Response) and m.status == 182]
    assert times == [0.0, 60.0, 120.0, 180.0]


def test_a_caller_who_gives_up_while_waiting_is_over_at_once() -> None:
    net = Switch()
    caller = net.call()
    net.run(5)
    net.take(0, net.agents[0].hang_up(caller, net.now))
    net.run(5)
    assert net.over() == [("caller", "gave_up", False)]
    net.ends_clean()


@pytest.mark.parametrize("answers", [True, False])
def test_a_caller_who_gives_up_while_the_phone_rings_leaves_no_phone_ringing(
    answers: bool,
) -> None:
    net = Switch()
    net.answers = False
    caller = net.call()
    net.run(5)
    net.connect()
    net.run(6)
    assert net.phone is not None
    net.take(0, net.agents[0].hang_up(caller, net.now))
    if answers:  # at the same moment
        net.take(0, net.agents[0].answer(net.phone, ANSWER, net.now))
    net.ends_clean()
    assert net.phone.state == "over"
    assert len(net.over()) == 1
    assert Joined not in {type(e) for e in net.news}


def test_a_phone_that_does_not_answer_gives_the_caller_back_and_another_is_tried() -> None:
    net = Switch()
    net.answers = False
    caller = net.call()
    net.run(5)
    net.connect()
    net.run(10)
    assert [e.status for e in net.news if isinstance(e, PhoneFailed)] == [408]
    assert net.phone is not None
    assert net.phone.state == "over"
    net.answers = True
    net.connect()
    net.run(12)
    assert net.kinds()[-1] == "Joined"
    net.take(0, net.agents[0].hang_up(caller, net.now))
    net.ends_clean()


def test_a_phone_that_declines_gives_the_caller_back_at_once() -> None:
    net = Switch()
    net.answers = False
    caller = net.call()
    net.run(5)
    net.connect()
    net.run(5)
    assert net.phone is not None
    net.take(0, net.agents[0].refuse(net.phone, 603, net.now))
    net.run(5)
    assert [e.status for e in net.news if isinstance(e, PhoneFailed)] == [603]
    net.take(0, net.agents[0].hang_up(caller, net.now))
    net.ends_clean()
    assert net.over() == [("caller", "gave_up", False)]


def test_a_phone_that_hangs_up_before_the_caller_is_answered_gives_the_caller_back() -> None:
    net = Switch()
    net.joins = False
    caller = net.call()
    net.run(5)
    net.connect()
    net.run(6)
    assert net.kinds()[-1] == "Answering"
    assert net.phone is not None
    net.take(0, net.agents[0].hang_up(net.phone, net.now))
    net.run(7)
    assert net.kinds()[-1] == "PhoneFailed"
    net.run(130)
    assert net.sent(6).count("182") == 2
    net.joins = True
    net.connect()
    net.run(131)
    assert net.kinds()[-1] == "Joined"
    net.take(0, net.agents[0].hang_up(caller, net.now))
    net.ends_clean()


def test_hold_by_one_end_is_asked_of_the_other() -> None:
    net = Switch()
    caller = net.joined()
    assert net.phone is not None
    net.take(0, net.agents[0].change(caller, HELD, net.now)[1])
    net.run(10)
    assert net.phone.heard == HELD
    assert caller.said == HELD
    assert caller.heard == ANSWER
    net.carry(net.calls.hang_up(net.news[0].call, net.now))
    net.ends_clean()
    assert net.over() == [("us", "ended_by_us", True)]


def test_a_call_that_is_refused_is_over_and_so_is_one_hung_up_while_it_waits() -> None:
    for deed in ("refuse", "hang_up"):
        net = Switch()
        net.call()
        net.run(1)
        call = net.news[0].call
        if deed == "refuse":
            net.carry(net.calls.refuse(call, 480, net.now, [("retry-after", "60")]))
        else:
            net.carry(net.calls.hang_up(call, net.now))
        net.ends_clean()
        assert net.over() == [("us", "ended_by_us", False)]
