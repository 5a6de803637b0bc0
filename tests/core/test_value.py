"""The closed sets of words."""

import pytest
from msgspec import json

from gateway.core.model import (
    CaseStatus,
    ChannelKind,
    Delivery,
    ItemState,
    OutboundState,
    Presence,
    Word,
)


@pytest.mark.parametrize(
    "words", [CaseStatus, ChannelKind, Delivery, ItemState, OutboundState, Presence]
)
def test_a_word_is_the_same_key_as_its_text(words: type[Word]) -> None:
    for word in words:
        assert {word: 1}[str(word.value)] == 1  # type: ignore[index]
        assert json.decode(json.encode(word), type=words) is word
