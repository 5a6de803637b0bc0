"""What is read from the wire, and what a bad message is told."""

import pytest

from channels.voice.sip.grammar import BadSyntax, pieces, read_address, read_uri, read_via
from channels.voice.sip.message import Request, Response, response_to
from channels.voice.sip.reading import Malformed, read
from tests.support.sip import request, seen, wire

HEAD = (
    "Via: SIP/2.0/UDP host.example.com;branch=z9hG4bK1",
    "Max-Forwards: 70",
    "From: <sip:a@example.com>;tag=1",
    "To: <sip:b@example.com>",
    "Call-ID: one@host",
    "CSeq: 1 OPTIONS",
)


def options(*lines: str, start: str = "OPTIONS sip:b@example.com SIP/2.0") -> bytes:
    """An OPTIONS in which ``lines`` stand for those of the same name."""
    names = {line.partition(":")[0] for line in lines}
    return wire(start, *(h for h in HEAD if h.partition(":")[0] not in names), *lines)


def refused(data: bytes) -> Response | None:
    with pytest.raises(Malformed) as caught:
        read(data)
    return caught.value.answer


def test_a_message_in_odd_but_right_spelling_is_read() -> None:
    """After RFC 4475 §3.1.1.1: compact names, folding, spaces wherever they may be."""
    data = wire(
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0",
        "TO :",
        " sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n",
        'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>',
        "  ;",
        "  tag = 98asjd8",
        "MaX-fOrWaRdS: 0068",
        "Call-ID: wsinv.ndaksdj@192.0.2.1",
        "cseq: 0009",
        "  INVITE",
        "v:  SIP  / 2.0  / TCP     spindle.example.com   ;",
        "  branch  =   z9hG4bK9ikj8  ,",
        " SIP  /    2.0   / UDP  192.168.255.111   ; branch=",
        " z9hG4bK30239",
        "NewFangledHeader:   newfangled value",
        " continued newfangled value",
        'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =',
        "      newvalue ;",
        "  secondparam ; q = 0.33",
    )
    found = read(data)
    assert isinstance(found, Request)
    assert found.to.tag == "1918181833n"
    assert (found.from_.name, found.from_.tag) == ('J Rosenberg \\"', "98asjd8")
    assert found.cseq == (9, "INVITE")
    assert [read_via(v).branch for v in found.all("via")] == ["z9hG4bK9ikj8", "z9hG4bK30239"]
    assert (found.via.transport, found.via.host) == ("TCP", "spindle.example.com")
    assert found.first("newfangledheader") == "newfangled value continued newfangled value"
    (contact,) = found.contacts
    assert contact.name == 'Quoted string ""'
    assert contact.params == {"newparam": "newvalue", "secondparam": "", "q": "0.33"}
    assert found.uri.params == {"unknownparam": ""}


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ('From: "no end <sip:a@example.com>;tag=1', 400),
        ("From: Bell, Alexander <sip:a@example.com>;tag=1", 400),
        ("From: < sip:a@example.com >;tag=1", 400),
        ("From: sip:a@example.com?Route=x;tag=1", 400),
        ("From: <sip:a@example.com>;tag=1;tag=2", 400),
        ("To: <sip:b@example.com", 400),
        ("To: ;tag=1", 400),
        ("CSeq: 2147483648 OPTIONS", 400),
        ("CSeq: -1 OPTIONS", 400),
        ("CSeq: ١ OPTIONS", 400),
        ("CSeq: 1 INVITE", 400),
        ("Call-ID: two words", 400),
        ("Max-Forwards: 300", 400),
        ("Max-Forwards: many", 400),
        ("Contact: sip:user@example.com?Route=%3Csip:x%3E", 400),
        ("Contact: <sip:a@b>, , <sip:c@d>", 400),
        ("Contact: " + ",".join(["a:b"] * 2_000), 400),
        ("Record-Route: no address at all", 400),
        ("Record-Route: <sip:p1.example.com;lr>, <sip:p2 example.com>", 400),
        ("A line without a name", 400),
        ("Bad name: x", 400),
        ("Subject: " + "x" * 9_000, 400),
    ],
)
def test_a_bad_field_is_named_to_its_sender(line: str, status: int) -> None:
    answer = refused(options(line))
    assert answer is not None
    assert answer.status == status
    assert answer.first("call-id")
    assert answer.all("via") == ["SIP/2.0/UDP host.example.com;branch=z9hG4bK1"]
    seen_again = bytes(answer)
    assert seen_again.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize("line", ["Contact: <nobody>", "Record-Route: no address at all"])
def test_an_answer_whose_way_cannot_be_read_is_dropped(line: str) -> None:
    """Else what would go that way, the ACK and BYE, could never be written."""
    answered = {"start": "SIP/2.0 200 OK"}
    assert refused(options("CSeq: 1 INVITE", line, **answered)) is None
    assert read(options(line, **answered)).first("call-id"), "of a sign of life nobody asks it"


def test_the_phrase_says_what_is_wrong() -> None:
    answer = refused(options("Max-Forwards: 300"))
    assert answer is not None
    assert answer.phrase == "Bad Request: Max-Forwards is no number up to 255"
    assert read(bytes(answer)).to.tag


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("OPTIONS sip:b@example.com SIP/7.0", 505),
        ("OPTIONS  sip:b@example.com SIP/2.0", 400),
        ("OPTIONS sip:b@example.com  SIP/2.0", 400),
        ("OPTIONS <sip:b@example.com> SIP/2.0", 400),
        ("OPTIONS sip:b@example.com; lr SIP/2.0", 400),
        ("OPTIONS sip:b@example.com?Route=%3Csip:x%3E SIP/2.0", 400),
        ("OPTIONS sip:b@example.com:70000 SIP/2.0", 400),
        ("OPTIONS sip:b@[1::2::3] SIP/2.0", 400),
        ("OPTIONS sip:" + "b" * 3_000 + "@example.com SIP/2.0", 414),
    ],
)
def test_a_bad_request_line_is_told(start: str, status: int) -> None:
    answer = refused(options(start=start))
    assert answer is not None
    assert answer.status == status


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\xff" * 100 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS sip:b@example.com SIP/2.0\r\nVia: nonsense\r\n\r\n",
        options("Via: SIP/2.0/UDP"),
        options("CSeq:"),
        options(start="SIP/2.0 4294967301 better not break the receiver"),
        options("CSeq: 9292394834772304023312 OPTIONS", start="SIP/2.0 200 OK"),
        options("Via: SIP/2.0/UDP a b", start="SIP/2.0 200 OK"),
        options("CSeq: 1 ACK", "Max-Forwards: x", start="ACK sip:b@example.com SIP/2.0"),
        options() * 2_000,
    ],
)
def test_what_says_too_little_or_must_not_be_answered_is_dropped(data: bytes) -> None:
    assert refused(data) is None


def test_a_field_that_may_stand_once_stands_once() -> None:
    answer = refused(options("Max-Forwards: 70", "Max-Forwards: 71"))
    assert answer is not None
    # Who wrote two From cannot be told either, for what would come back is not what was sent.
    assert refused(options("From: <sip:a@b>;tag=1", "From: <sip:c@d>;tag=2")) is None


def test_a_datagram_is_cut_to_its_length_and_refused_if_it_is_shorter() -> None:
    data = options().replace(b"Content-Length: 0", b"Content-Length: 3") + b"abcdef"
    assert read(data).body == b"abc"
    with pytest.raises(Malformed, match="Content-Length says 3"):
        read(data[:-4])
    for wrong in (b"-3", b"x", b"9" * 12):
        with pytest.raises(Malformed, match="no number"):
            read(data.replace(b"h: 3", b"h: " + wrong))
    with pytest.raises(Malformed, match="there are 6"):
        read(data, exact=True)


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("sip:alice@example.com", "alice", "example.com", None),
        ("SIPS:Alice@EXAMPLE.com:5061;transport=TCP", "Alice", "example.com", 5061),
        ("sip:user;par=u%40example.net@example.com", "user;par=u@example.net", "example.com", None),
        ("sip:%61lice:secret@host_1.internal", "alice", "host_1.internal", None),
        ("sip:[2001:DB8::0001]:5070;lr", "", "2001:db8::1", 5070),
        ("sip:*31#123@pbx", "*31#123", "pbx", None),
        ("tel:+34-911-234-567;phone-context=x", "+34-911-234-567", "", None),
        ("urn:service:sos", "", "", None),
    ],
)
def test_uris_are_read(text: str, user: str, host: str, port: int | None) -> None:
    found = read_uri(text)
    assert (found.user, found.host, found.port) == (user, host, port)
    assert str(found) == text


@pytest.mark.parametrize(
    "text",
    ["", "sip:", "sip:@x", "sip:a@", "sip:a@b c", "sip:a b@c", "sip:a@b:0", "sip:a@b;;x", "tel:",
     "sip:a@b;x;x", "sip:a%zz@b", "sip:a@b\r\nX: y", "mailto", "sip:a@-b", "sip:a@b\n"],
)  # fmt: skip
def test_what_is_no_uri_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(BadSyntax):
        read_uri(text)


def test_an_address_in_quotes_is_a_name_and_no_address() -> None:
    found = read_address('"Bob <sip:evil@example.org>" <sip:bob@example.com>;tag=";x=1"')
    assert found.uri.user == "bob"
    assert found.name == "Bob <sip:evil@example.org>"
    assert found.tag == ";x=1"
    two = list(pieces('"A, B" <sip:a@x?h=1,2>;tag=1, "B" <sip:b@y>'))
    assert [read_address(one).uri.user for one in two] == ["a", "b"]


def test_ipv6_stands_in_via_as_peers_write_it() -> None:
    found = read_via("SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111")
    assert (found.host, found.params["received"]) == ("2001:db8::9:1", "[2001:db8::9:255]")
    bare = read_via("SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3")
    assert bare.params["received"] == "2001:db8::9:255"


def test_a_response_carries_back_what_it_must_and_a_tag() -> None:
    invite = request("INVITE", "Record-Route: <sip:p2;lr>, <sip:p1;lr>", "Timestamp: 54")
    trying, ringing = response_to(invite, 100, tag="t"), response_to(invite, 180, tag="t")
    assert not seen(trying).to.tag
    assert trying.first("timestamp") == "54"
    assert seen(ringing).to.tag == "t"
    assert ringing.all("record-route") == ["<sip:p2;lr>", "<sip:p1;lr>"]
    assert response_to(invite, 486, tag="t").all("record-route") == []
    again = response_to(request(callee="<sip:b@x>;tag=mine"), 200, tag="t")
    assert seen(again).to.tag == "mine"


def test_octets_that_are_no_utf_8_come_back_as_they_came() -> None:
    data = options('From: "\udcff\udcfe" <sip:a@example.com>;tag=1')
    found = read(data)
    assert isinstance(found, Request)
    assert b'"\xff\xfe" <sip:a@' in bytes(response_to(found, 200))
