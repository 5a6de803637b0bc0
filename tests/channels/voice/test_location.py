"""From a URI to addresses, as RFC 3263 says; and a real name server asked over the wire."""

import asyncio
from collections import Counter
from random import Random
from typing import cast

import dns.flags
import dns.message
import dns.rrset
import pytest

from channels.voice.names import Names
from channels.voice.sip.grammar import read_uri
from channels.voice.sip.location import (
    Answers,
    Pointer,
    Question,
    Service,
    Unlocatable,
    in_turn,
    locate,
)


def srv(host: str, port: int = 5060, priority: int = 0, weight: int = 1) -> Service:
    return Service(priority=priority, weight=weight, port=port, host=host)


def naptr(service: str, replacement: str, order: int = 1) -> Pointer:
    return Pointer(order=order, preference=0, service=service, replacement=replacement)


ZONE: dict[tuple[str, str], Answers] = {
    ("NAPTR", "carrier.example"): [
        naptr("SIP+D2U", "_sip._udp.carrier.example", 20),
        naptr("SIP+D2T", "_sip._tcp.carrier.example", 10),
        naptr("SIPS+D2T", "_sips._tcp.carrier.example", 30),
        naptr("E2U+web", "nothing.example", 1),
    ],
    ("SRV", "_sip._tcp.carrier.example"): [
        srv("b.carrier.example", priority=2),
        srv("a.carrier.example", 5070, priority=1),
    ],
    ("SRV", "_sip._udp.carrier.example"): [srv("a.carrier.example")],
    ("SRV", "_sips._tcp.carrier.example"): [srv("a.carrier.example", 5061)],
    ("SRV", "_sip._udp.plain.example"): [srv("a.carrier.example", 5080)],
    ("SRV", "_sip._udp.none.example"): [srv(".")],
    ("ADDRESS", "a.carrier.example"): ["192.0.2.10", "2001:db8::10"],
    ("ADDRESS", "b.carrier.example"): ["192.0.2.20"],
    ("ADDRESS", "bare.example"): ["192.0.2.30"],
    ("ADDRESS", "none.example"): ["192.0.2.40"],
}


def ways(uri: str) -> list[str]:
    lookup = locate(read_uri(uri), Random(1).random)
    asked: list[Question] = []
    try:
        question = next(lookup)
        while True:
            asked.append(question)
            question = lookup.send(ZONE.get((question.kind, question.name), []))
    except StopIteration as done:
        assert len(asked) <= 20
        return [f"{w.transport} {w.host} {w.port}" for w in done.value]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:192.0.2.1", ["UDP 192.0.2.1 5060"]),
        ("sip:192.0.2.1:5070;transport=tcp", ["TCP 192.0.2.1 5070"]),
        ("sips:[2001:db8::1]", ["TLS 2001:db8::1 5061"]),
        ("sip:x@bare.example", ["UDP 192.0.2.30 5060"]),
        ("sip:bare.example:5090", ["UDP 192.0.2.30 5090"]),
        ("sip:bare.example;transport=tls", ["TLS 192.0.2.30 5061"]),
        ("sip:plain.example", ["UDP 192.0.2.10 5080", "UDP 2001:db8::10 5080"]),
        (
            "sip:carrier.example",
            ["TCP 192.0.2.10 5070", "TCP 2001:db8::10 5070", "TCP 192.0.2.20 5060"],
        ),
        ("sips:carrier.example", ["TLS 192.0.2.10 5061", "TLS 2001:db8::10 5061"]),
        (
            "sip:carrier.example;transport=udp",
            ["UDP 192.0.2.10 5060", "UDP 2001:db8::10 5060"],
        ),
        ("sip:x@y;maddr=192.0.2.99", ["UDP 192.0.2.99 5060"]),
        ("sip:none.example", ["UDP 192.0.2.40 5060"]),
        ("sip:nowhere.example", []),
    ],
)
def test_the_ways_to_a_uri_are_found_in_order(uri: str, expected: list[str]) -> None:
    assert ways(uri) == expected


@pytest.mark.parametrize(
    "uri", ["tel:+34911234567", "sips:x;transport=udp", "sip:x;transport=sctp"]
)
def test_what_we_do_not_speak_is_told(uri: str) -> None:
    with pytest.raises(Unlocatable):
        ways(uri)


def test_among_equals_the_weights_decide() -> None:
    dice = Random(1).random
    three = [srv("heavy", weight=90), srv("light", weight=10), srv("last", priority=5)]
    turns = [[s.host for s in in_turn(three, dice)] for _ in range(500)]
    assert {turn[-1] for turn in turns} == {"last"}
    first = Counter(turn[0] for turn in turns)
    assert 400 < first["heavy"] < 490
    assert sorted(turns[0]) == ["heavy", "last", "light"]


class _Zone(asyncio.DatagramProtocol):
    """A name server for one carrier."""

    records = (
        ("carrier.test.", "NAPTR", '10 0 "s" "SIP+D2U" "" _sip._udp.carrier.test.'),
        ("_sip._udp.carrier.test.", "SRV", "1 1 5070 gate.carrier.test."),
        ("gate.carrier.test.", "A", "192.0.2.50"),
    )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        name, kind = query.question[0].name.to_text(), query.question[0].rdtype.name
        for owner, of, text in self.records:
            if (owner, of) == (name, kind):
                answer.answer.append(dns.rrset.from_text(owner, 60, "IN", of, text))
        self.transport.sendto(answer.to_wire(), addr)


async def test_a_real_name_server_is_asked() -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        _Zone, local_addr=("127.0.0.1", 0)
    )
    try:
        port = transport.get_extra_info("sockname")[1]
        names = Names(Random(1).random, ("127.0.0.1", port))
        (way,) = await names.ways(read_uri("sip:+34911@carrier.test"))
        assert (way.transport, way.host, way.port) == ("UDP", "192.0.2.50", 5070)
        assert await names.ways(read_uri("sip:other.test")) == []
    finally:
        transport.close()
