"""Numbers, and what is kept for replay."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ids import AgentName, OfferId
from gateway.core.model import Presence
from push.protocol import NumberedFrame, OfferGone, ResumeFrom, StateFrame, decode_server, encoder
from push.stream import KEPT_BYTES, KEPT_FRAMES, AgentStream, Why, encode_at
from tests.support.pushworld import START

STATE = StateFrame(epoch=0, seq=0, state=Presence.READY, reason="", since=START)


def gone(reason: str = "accepted") -> OfferGone:
    return OfferGone(epoch=0, seq=0, offer=OfferId("o"), reason=reason)


def stream(frames: int, epoch: int = 3) -> AgentStream:
    made = AgentStream(AgentName("ana"), epoch)
    for _ in range(frames):
        made.append(gone())
    return made


@pytest.mark.parametrize("frame", [STATE, gone("»mañana« 消えた")])
@given(epoch=st.integers(0, 2**53), seq=st.integers(0, 2**53))
def test_a_numbered_frame_reads_back_with_its_numbers(
    frame: NumberedFrame, epoch: int, seq: int
) -> None:
    read = decode_server.decode(encode_at(frame, epoch, seq))
    assert read == msgspec.structs.replace(frame, epoch=epoch, seq=seq)


def test_putting_the_numbers_in_front_equals_encoding_them() -> None:
    numbered = msgspec.structs.replace(STATE, epoch=7, seq=8)
    assert encode_at(STATE, 7, 8) == encoder.encode(numbered)


def test_a_replay_is_exactly_what_was_missed() -> None:
    missed = stream(10).resume(ResumeFrom(epoch=3, seq=7))
    assert isinstance(missed, list)
    assert [decode_server.decode(text).seq for text in missed] == [8, 9, 10]  # type: ignore[union-attr]


def test_who_has_seen_everything_misses_nothing() -> None:
    assert stream(5).resume(ResumeFrom(epoch=3, seq=5)) == []
    assert stream(0).resume(ResumeFrom(epoch=3, seq=0)) == []


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (None, Why.FRESH),
        (ResumeFrom(epoch=2, seq=5), Why.EPOCH),
        (ResumeFrom(epoch=4, seq=5), Why.EPOCH),
        (ResumeFrom(epoch=3, seq=301), Why.AHEAD),
        (ResumeFrom(epoch=3, seq=300 - KEPT_FRAMES - 1), Why.TRIMMED),
        (ResumeFrom(epoch=3, seq=-5), Why.TRIMMED),
    ],
)
def test_otherwise_a_snapshot_is_needed(seen: ResumeFrom | None, why: Why) -> None:
    assert stream(300).resume(seen) is why


def test_the_window_is_bounded_by_number_and_by_size() -> None:
    many = stream(1_000)
    assert many.seq - many.oldest + 1 == KEPT_FRAMES
    large = AgentStream(AgentName("ana"), 1)
    for _ in range(50):
        large.append(gone("x" * 10_000))
    assert large.kept_bytes <= KEPT_BYTES
    large.append(gone("x" * 2 * KEPT_BYTES))
    assert large.kept_bytes == 0
    assert large.resume(ResumeFrom(epoch=1, seq=50)) is Why.TRIMMED


def test_after_something_could_not_be_told_nobody_can_resume() -> None:
    broken = stream(5)
    broken.break_off()
    assert broken.resume(ResumeFrom(epoch=3, seq=5)) is Why.TRIMMED


def test_a_new_claim_begins_at_nought() -> None:
    old = stream(5)
    old.restart(4)
    assert (old.epoch, old.seq) == (4, 0)
    assert old.resume(ResumeFrom(epoch=3, seq=5)) is Why.EPOCH


def test_trimming_keeps_the_newest() -> None:
    kept = stream(100)
    kept.trim(kept.kept_bytes // 2)
    assert isinstance(kept.resume(ResumeFrom(epoch=3, seq=90)), list)
    assert kept.resume(ResumeFrom(epoch=3, seq=10)) is Why.TRIMMED
