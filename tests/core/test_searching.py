"""What a text is found by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.searching import AROUND, LONGEST_WORD, asked, folded, snippet, stemmer, words


def found(question: str, text: str) -> bool:
    """As the database does it, but for the stems."""
    there = words(text)
    return all(any(one.startswith(word) for one in there) for word in asked(question).words)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("muller", "Herr Müller aus Köln"),
        ("KÖLN", "Herr Müller aus Koeln und Köln"),
        ("hauptstrasse", "Hauptstraße 5"),
        ("smorrebrod", "et smørrebrød, tak"),
        ("łódź", "Lodz"),
        ("lam", "the Arc floor lamp"),
        ("rosa@cust", "From: Rosa <rosa@customer.example>"),
        ("customer.example", "From: Rosa <rosa@customer.example>"),
        ("4711-AB", "order 4711-ab arrived"),
        ("ab", "order 4711-ab arrived"),
        ("Ｆ１００", "part f100"),
        ("maria", "it is 𝓜𝓪𝓻𝓲𝓪"),
        ("退货", "我想要退货,谢谢"),
        ("想要退", "我想要退货,谢谢"),
        ("こんにちは", "皆さん、こんにちは。"),
        ("отмена", "Пожалуйста, ОТМЕНА заказа"),
        ("مرحبا", "مَرحَباً بكم"),
        ("हिन्दी", "मैं हिन्दी बोलता हूँ"),
    ],
)
def test_accents_case_and_width_make_no_difference(question: str, text: str) -> None:
    assert found(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [("lamp", "a clamp"), ("退货", "货退"), ("rosa lamp", "Rosa wants a chair"), ("हिन्दू", "हिन्दी")],
)
def test_what_does_not_stand_there_is_not_found(question: str, text: str) -> None:
    assert not found(question, text)


@pytest.mark.parametrize(
    ("typed", "number"),
    [("#1001", 1001), (" 1001 ", 1001), ("# 1 001", 1001), ("0", None), ("10a", None), ("", None)],
)
def test_a_number_may_be_a_tickets(typed: str, number: int | None) -> None:
    assert asked(typed).number == number


@given(st.text(max_size=300))
def test_a_text_is_found_by_each_of_its_own_words(text: str) -> None:
    there = words(text)
    assert len(there) == len(set(there))
    for word in there:
        assert 0 < len(word) <= LONGEST_WORD
        assert " " not in word
        assert found(word, text)


@given(st.text(max_size=300))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert words(folded(text)) == words(text)


@given(st.text(max_size=600), st.lists(st.text(min_size=1, max_size=8), max_size=3))
def test_a_snippet_is_short_and_its_hits_are_in_it(text: str, looked_for: list[str]) -> None:
    piece = snippet(text, asked(" ".join(looked_for)).words)
    assert len(piece.text) <= 6 * AROUND + 2
    for begins, ends in piece.hits:
        assert 0 <= begins < ends <= len(piece.text)


def test_a_snippet_begins_and_ends_near_what_was_found() -> None:
    text = f"{'before ' * 40}the Müller lamp {'after ' * 60}"
    piece = snippet(text, asked("muller").words)
    ((begins, ends),) = piece.hits
    assert piece.text[begins:ends] == "Müller"
    assert piece.text.startswith("…before")
    assert piece.text.endswith("…")
    assert snippet("nothing of it", ("lamp",)).hits == ()


@pytest.mark.parametrize("run", ["灯泡坏了" * 5_000, "deadbeef" * 5_000])
def test_a_snippet_is_short_where_all_the_text_is_one_word(run: str) -> None:
    piece = snippet(f"{run} lamp", asked(run[:3]).words)
    assert piece.hits
    assert len(piece.text) <= 6 * AROUND + 2
    assert len(snippet(f"{run} the lamp", ("lamp",)).text) <= 6 * AROUND + 2


@pytest.mark.parametrize(
    ("typed", "text", "marked"),
    [
        ("bulbs", "a spare bulb", "bulb"),
        ("arriving", "it arrived", "arrived"),
        ("car", "a cat", ""),
    ],
)
def test_a_snippet_marks_other_forms_of_a_word(typed: str, text: str, marked: str) -> None:
    piece = snippet(text, asked(typed).words)
    assert "".join(piece.text[a:b] for a, b in piece.hits) == marked


def test_a_language_without_a_stemmer_is_searched_as_typed() -> None:
    assert (stemmer("en-GB"), stemmer("zh-TW"), stemmer("")) == ("english_stem", "simple", "simple")
