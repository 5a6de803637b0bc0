"""Nothing that an outsider sends makes PostgreSQL refuse a document."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ids import ChannelName
from gateway.core.inbound import Inbound
from gateway.core.model import ChannelKind
from gateway.store.codec import INDEXED_BYTES, bounded, decode, encode, text, uuid_or_none

# Every character, halves of surrogate pairs included.
anything = st.text(st.characters())
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=8,
)


def storable(value: Any) -> Any:
    match value:
        case str():
            return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)
        case list():
            return [storable(v) for v in value]
        case dict():
            return {storable(k): storable(v) for k, v in value.items()}
        case _:
            return value


@given(documents)
def test_a_document_comes_back_with_the_unstorable_replaced(document: Any) -> None:
    data = encode(document)
    data.decode()
    assert msgspec.json.decode(data) == storable(document)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("\0", "\ufffd"),
        ("\\u0000", "\\u0000"),
        ("\\\0", "\\\ufffd"),
        ("\\\\u0000\0\0", "\\\\u0000\ufffd\ufffd"),
        ("a\ud800", "a\ufffd"),
        ("😀", "😀"),
    ],
)
def test_a_backslash_before_a_nul_is_not_mistaken(given: str, kept: str) -> None:
    assert msgspec.json.decode(encode(given)) == kept


@given(anything)
def test_a_text_for_a_column_has_neither_nul_nor_half_a_pair(value: str) -> None:
    assert text(value) == storable(value)
    text(value).encode()


@given(anything)
def test_a_text_for_an_index_is_short_and_tells_texts_apart(value: str) -> None:
    assert len(bounded(value).encode()) <= INDEXED_BYTES
    long = value + "x" * INDEXED_BYTES * 2
    assert len(bounded(long).encode()) <= INDEXED_BYTES
    assert bounded(long) != bounded(long + "y")


def test_a_struct_with_half_a_character_is_stored_and_still_one() -> None:
    inbound = Inbound(
        channel=ChannelName("mail"),
        kind=ChannelKind.EMAIL,
        key="k",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        subject="\ud83d",
    )
    assert decode(encode(inbound), Inbound).subject == "\ufffd"


def test_only_a_uuid_is_an_id() -> None:
    assert uuid_or_none("0190A000-0000-7000-8000-000000000001") == (
        "0190a000-0000-7000-8000-000000000001"
    )
    for odd in ("", "x", "0190a000", "\0", "é" * 36):
        assert uuid_or_none(odd) is None
