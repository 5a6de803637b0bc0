"""What the house says by itself, in every language that it speaks."""

import re
from pathlib import Path

import pytest

from gateway.core.catalogue import LANGUAGES, SAYS, in_words, our_words, whole

WIDGET = Path(__file__).parents[2] / "push/web/src/widget/words"
SPOKEN = sorted({path.stem for path in WIDGET.glob("*.json")} & {*LANGUAGES})
_NAMES = re.compile(r"\{\w+\}")


def test_the_window_speaks_some_languages() -> None:
    assert {"en", "es", "zh", "ar", "ja"} <= {*SPOKEN}


@pytest.mark.parametrize("language", SPOKEN)
def test_every_language_has_every_text_with_the_same_names(language: str) -> None:
    texts = LANGUAGES[language]
    whole_or_the_first_two = (len(SAYS), 2)
    assert len(texts) in whole_or_the_first_two
    assert all(text.strip() == text != "" for text in texts)
    for english, text in zip(LANGUAGES["en"][: len(texts)], texts, strict=True):
        assert sorted(_NAMES.findall(text)) == sorted(_NAMES.findall(english))


def test_no_text_of_another_language_is_left_in_english() -> None:
    for tag, texts in LANGUAGES.items():
        same = {*texts} & {*LANGUAGES["en"]} - {"Ticket {number}"}
        assert tag == "en" or not same


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("es-AR", "es"),
        ("zh-CN", "zh"),
        ("zh-TW", "zh-TW"),
        ("zh_TW", "zh-TW"),
        ("zh-Hant-TW", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("ca-ES", "es"),
        ("sv", "en"),
        ("", "en"),
    ],
)
def test_the_nearest_language_is_spoken_and_no_other_script(asked: str, spoken: str) -> None:
    assert whole(asked) == spoken
    assert our_words("working", asked) == our_words("working", spoken)


def test_a_language_of_two_texts_has_those_and_the_rest_in_english() -> None:
    assert our_words("person", "sv-SE") == "Prata med en person"
    assert our_words("working", "sv-SE") == our_words("working", "en")


def test_whose_own_words_there_are_has_them_said_and_no_others() -> None:
    own = {"": "Hello", "es": "Hola"}
    assert in_words(own, "call_offer", "es-MX") == "Hola"
    assert in_words(own, "call_offer", "zh") == "Hello"
    assert in_words({"es": "Hola"}, "call_offer", "zh") == ""
    ours = our_words("call_offer", "zh")
    assert in_words({}, "call_offer", "zh") == ours
    assert in_words({"": our_words("call_offer", "en")}, "call_offer", "zh") == ours
