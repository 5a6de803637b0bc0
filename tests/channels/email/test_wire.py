import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.wire import (
    Decoder,
    Literal,
    Response,
    Status,
    WireError,
    counted,
    fetched,
    folder,
    number_set,
    numbers,
    string,
    tokens,
)

BODY = b'a) {2}\r\n"b\\'
STREAM = (
    b"* OK [CAPABILITY IMAP4rev1 IDLE] ready {3}\r\n"
    b"* 3 EXISTS\r\n"
    b"* 1 FETCH (UID 7 FLAGS (\\Seen $x) BODY[] {11}\r\n"
    + BODY
    + b' INTERNALDATE "17-Jul-1996 02:44:25 -0700")\r\n'
    b'* 2 FETCH (UID 8 BODY[] "quoted \\"text\\"" RFC822.SIZE 5)\r\n'
    b"* 3 FETCH (UID 9 BODY[] {0}\r\n)\r\n"
    b"* SEARCH 2 3 5\r\n"
    b"\r\n"
    b"+ idling\r\n"
    b"A1 NO [UNAVAILABLE] not now {9}\r\n"
)


def decode(data: bytes, *cuts: int) -> list[Response]:
    decoder = Decoder(max_literal=1_000)
    out: list[Response] = []
    at = 0
    for cut in [*sorted(cuts), len(data)]:
        out += decoder.feed(data[at:cut])
        at = cut
    assert decoder.clean
    return out


def test_responses_are_cut_from_the_stream() -> None:
    greeting, exists, one, two, three, search, idling, end = decode(STREAM)
    assert greeting.status() == Status("OK", "CAPABILITY", "IMAP4rev1 IDLE", "ready {3}")
    assert counted(exists, b"EXISTS") == 3
    assert fetched(one) == {
        "UID": b"7",
        "FLAGS": [b"\\Seen", b"$x"],
        "BODY[]": BODY,
        "INTERNALDATE": b"17-Jul-1996 02:44:25 -0700",
    }
    assert fetched(two) == {"UID": b"8", "BODY[]": b'quoted "text"', "RFC822.SIZE": b"5"}
    assert fetched(three) == {"UID": b"9", "BODY[]": b""}
    assert numbers(search) == [2, 3, 5]
    assert idling.tag == "+"
    assert end.status() == Status("NO", "UNAVAILABLE", "", "not now {9}")


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
@settings(max_examples=200)
def test_it_does_not_matter_how_the_stream_is_cut(cuts: list[int]) -> None:
    assert decode(STREAM, *cuts) == decode(STREAM)


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_garbage_is_refused_or_harmless(data: bytes) -> None:
    try:
        for response in Decoder(max_literal=100).feed(data + b"\r\n"):
            response.status()
            numbers(response)
            fetched(response)
    except WireError:
        pass


def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(WireError, match="literal of 1001 bytes"):
        Decoder(max_literal=1_000).feed(b"* 1 FETCH (BODY[] {1001}\r\n")


def test_a_list_that_never_began_is_refused() -> None:
    with pytest.raises(WireError):
        tokens(Response("*", (b"1 FETCH )",)))


@pytest.mark.parametrize(
    ("uids", "expected"),
    [([], ""), ([5], "5"), ([1, 2, 3, 7, 9, 10], "1:3,7,9:10"), ([1, 3, 5], "1,3,5")],
)
def test_numbers_are_written_as_a_set(uids: list[int], expected: str) -> None:
    assert number_set(uids) == expected


def test_an_argument_cannot_become_a_command() -> None:
    assert string('a"b\\c') == b'"a\\"b\\\\c"'
    assert string("x\r\nA2 LOGOUT") == Literal(b"x\r\nA2 LOGOUT")
    assert string("pässword") == Literal("pässword".encode())


@pytest.mark.parametrize(
    ("name", "coded"),
    [
        ("INBOX", b'"INBOX"'),
        ("Archiv-Köln", b'"Archiv-K&APY-ln"'),
        ("A&B", b'"A&-B"'),
        ("台北", b'"&U,BTFw-"'),
        ("~peter/mail/台北/日本語", b'"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),
    ],
)
def test_a_folder_is_named_in_the_servers_alphabet(name: str, coded: bytes) -> None:
    assert folder(name) == coded
