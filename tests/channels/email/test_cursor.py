from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from channels.email import cursor as cursors
from channels.email.cursor import Cursor, Known, fingerprint, first_contact
from tests.support.mailworld import mail, vector

NOW = datetime(2026, 11, 20, tzinfo=UTC)
OLD, LATER = NOW - timedelta(days=1), NOW + timedelta(days=1)


def test_of_a_mailbox_never_seen_only_the_unread_and_the_new_are_ours() -> None:
    cursor = first_contact(1, next_uid=101, now=NOW)
    assert cursor.searches() == [("UID 1:100 UNSEEN", 1), ("UID 101:*", 101)]
    cursor = cursor.taken([40, 7], [], NOW)
    assert cursor.searches() == [("UID 41:100 UNSEEN", 41), ("UID 101:*", 101)]
    cursor = cursor.taken([105], [], NOW)
    assert cursor.searches() == [("UID 106:*", 106)]


def test_a_cursor_survives_storage() -> None:
    cursor = first_contact(9, 5, NOW).taken([4], [b"12345678"], NOW)
    assert cursors.decode(cursors.encode(cursor)) == cursor


def test_it_never_goes_back() -> None:
    assert first_contact(1, 1, NOW).taken([9], [], NOW).taken([3], [], NOW).last == 9


@given(st.lists(st.sampled_from([b"a" * 8, b"b" * 8, b"c" * 8]), max_size=12),
       st.lists(st.sampled_from([b"a" * 8, b"b" * 8, b"c" * 8]), max_size=12))  # fmt: skip
def test_each_known_mail_is_recognised_once_and_no_other(
    before: list[bytes], after: list[bytes]
) -> None:
    known = Known.of(Cursor(validity=1, last=0, baseline=0, settled=OLD, tail=b"".join(before)), [])
    taken = [mark for mark in after if not known.recognise(mark, NOW, seen=True)]
    for mark in set(after):
        assert taken.count(mark) == max(0, after.count(mark) - before.count(mark))


def test_a_mail_older_than_our_memory_counts_as_taken_if_it_was_read() -> None:
    known = Known.of(first_contact(1, 1, NOW), [])
    assert known.recognise(b"unknown1", OLD, seen=True)
    assert not known.recognise(b"unknown1", OLD, seen=False)
    assert not known.recognise(b"unknown1", LATER, seen=True)


def test_a_full_tail_becomes_a_page_and_pages_are_let_go() -> None:
    cursor = first_contact(1, 1, OLD)
    marks = [n.to_bytes(8, "big") for n in range(cursors.TAIL)]
    cursor = cursor.taken([5], marks, NOW)
    assert cursor.full()
    turned, number, page = cursor.turned()
    assert (turned.tail, turned.pages, number) == (b"", (0, 1), 0)
    known = Known.of(turned, [page])
    assert all(known.recognise(mark, LATER, seen=False) for mark in marks)
    dropped = turned.dropped(page)
    assert (dropped.pages, dropped.settled) == ((1, 1), NOW)


def test_a_fingerprint_survives_a_move_to_another_server() -> None:
    raw = vector("alternative")
    moved = b"X-Moved: yes\r\nReceived: from a by b\r\n" + raw
    assert fingerprint(moved) == fingerprint(raw)
    assert fingerprint(raw.replace(b"\r\n", b"\n")) == fingerprint(raw)
    assert fingerprint(raw[: cursors.FIRST_BYTES]) == fingerprint(raw)
    assert len(fingerprint(b"")) == 8


def test_different_mails_with_one_message_id_have_different_fingerprints() -> None:
    assert fingerprint(vector("same_id_one")) != fingerprint(vector("same_id_two"))
    assert fingerprint(mail("a")) != fingerprint(mail("b"))


def test_of_a_large_mail_the_beginning_tells_its_fingerprint() -> None:
    large = mail("large", size=400_000)
    assert fingerprint(large[: cursors.FIRST_BYTES]) == fingerprint(large)
