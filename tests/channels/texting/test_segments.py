"""How texts are counted, here and in the composer by the same vectors."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.texting.numbers import countries_of, number_of, shown
from channels.texting.segments import EXTENDED, GSM, count

VECTORS = json.loads(Path("tests/vectors/segments.json").read_text("utf-8"))


@pytest.mark.parametrize("one", VECTORS, ids=lambda one: one["about"])
def test_a_text_is_counted_as_it_is_billed(one: dict[str, Any]) -> None:
    found = count(one["text"] * one.get("times", 1))
    assert [found.segments, found.left, found.wide] == one["gives"]


def test_the_alphabet_is_whole() -> None:
    assert len(GSM) == 127  # 128 places, and one of them leads to the others
    assert not GSM & EXTENDED


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=400))
def test_what_is_left_and_what_is_used_make_up_whole_texts(text: str) -> None:
    found = count(text)
    room = (70, 67) if found.wide else (160, 153)
    assert found.segments >= 1
    assert 0 <= found.left <= room[0 if found.segments == 1 else 1]
    more = count(text + "a")
    assert (more.segments, -more.left) > (found.segments, -found.left)
    assert found.wide is any(one not in GSM and one not in EXTENDED for one in text)


@settings(max_examples=30, deadline=None)
@given(st.integers(min_value=10**6, max_value=10**15 - 1))
def test_what_is_a_number_stays_that_number(digits: int) -> None:
    found = number_of(f"+{digits}")
    assert found in ("", f"+{digits}")
    assert number_of(f"whatsapp:+{digits}") == found


@pytest.mark.parametrize(
    ("number", "countries"),
    [
        ("+34600000000", ("ES",)),
        ("+12015550123", ("US",)),
        ("+447911123456", ("GG", "GB")),
        ("+14165550123", ("CA", "US")),
        ("x", ()),
    ],
)
def test_a_number_is_at_home_in_a_country_and_in_its_plan(
    number: str, countries: tuple[str, ...]
) -> None:
    assert countries_of(number) == countries


def test_a_number_is_shown_as_people_write_it() -> None:
    assert shown("+447911123456") == "+44 7911 123456"
