"""What answers to our mails carry back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ids import TicketNumber
from gateway.core.replytoken import (
    ReplyTokens,
    fits,
    tagged,
    tokens_in,
    untagged,
    with_token,
    without_token,
)

OURS, FORMER, FOREIGN = (bytes([n]) * 32 for n in (1, 2, 3))
TOKENS = ReplyTokens([OURS, FORMER])
NUMBERS = st.integers(1, 999_999_999_999_999).map(TicketNumber)
BOX = "support@example.com"


@given(NUMBERS)
def test_every_node_reads_what_another_has_made_in_whatever_case_it_comes(
    number: TicketNumber,
) -> None:
    token = ReplyTokens([OURS]).of(number)
    assert token == token.lower()
    assert TOKENS.read(token) == TOKENS.read(token.upper()) == number


@given(NUMBERS, st.data())
def test_a_token_with_one_letter_changed_is_not_ours(
    number: TicketNumber, data: st.DataObject
) -> None:
    token = TOKENS.of(number)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("234567abcdefxyz0189-+.").filter(lambda c: c != token[at]))
    assert TOKENS.read(token[:at] + other + token[at + 1 :]) is None


def test_a_token_of_the_secret_before_is_read_and_of_a_foreign_one_is_not() -> None:
    number = TicketNumber(1_000_123)
    assert TOKENS.read(ReplyTokens([FORMER]).of(number)) == number
    assert TOKENS.read(ReplyTokens([FOREIGN]).of(number)) is None
    assert ReplyTokens().of(number) == ""
    assert ReplyTokens().read(TOKENS.of(number)) is None


@given(NUMBERS, st.text())
def test_it_is_found_in_a_reply_address_and_in_a_subject(number: TicketNumber, said: str) -> None:
    token = TOKENS.of(number)
    address = with_token(BOX, token)
    assert without_token(address) == BOX
    assert fits(address)
    assert tokens_in([BOX, address.upper()], "") == (token,)
    assert token in tokens_in([], f"Re: [#{token.upper()}]")
    assert untagged(f"Re: Lamp [#{token}]") == f"Re: Lamp [#{number}]"
    assert all(map(str, tokens_in([said], said))), "whatever is written, it does not raise"


@given(st.text(), NUMBERS)
def test_a_subject_names_its_ticket_once(said: str, number: TicketNumber) -> None:
    token = TOKENS.of(number)
    once = tagged(said, token)
    assert once.count(f"[#{token}]") >= 1
    assert tagged(once, token) == once
    assert tagged(tagged("Re: Lamp", str(number)), token) == f"Re: Lamp [#{token}]"


@pytest.mark.parametrize(
    "address",
    [BOX, "ada+c@example.org", "ada+sale.c.x@example.org", "+c.x@example.org", "no address"],
)
def test_other_peoples_addresses_stay_as_they_are(address: str) -> None:
    assert without_token(address) == address


def test_the_local_part_of_an_address_has_its_limit() -> None:
    assert not fits(with_token(f"{'a' * 45}@example.com", TOKENS.of(TicketNumber(1_000_123))))
