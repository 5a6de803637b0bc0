"""Who calls: what a trunk asserts is believed of the trunk alone."""

import pytest

from channels.voice.identity import called_number, caller_of
from gateway.ports import Claim
from tests.support.sip import request

ASSERTED = 'P-Asserted-Identity: "Ana" <sip:+34-911-234-567@carrier.example;user=phone>'


def phone(value: str, name: str = "", *, verified: bool = False) -> Claim:
    return Claim(kind="phone", value=value, name=name, verified=verified)


def sip(value: str, name: str = "", *, verified: bool = False) -> Claim:
    return Claim(kind="sip", value=value, name=name, verified=verified)


@pytest.mark.parametrize(
    ("lines", "trusted", "claim"),
    [
        ([ASSERTED], True, phone("+34911234567", "Ana", verified=True)),
        ([ASSERTED], False, phone("+34911234567")),
        (["P-Asserted-Identity: <tel:+442079460000>"], True, phone("+442079460000", verified=True)),
        (
            ["P-Asserted-Identity: <sip:ana@carrier.example>, <tel:+442079460000>"],
            True,
            phone("+442079460000", verified=True),
        ),
        (
            ["P-Asserted-Identity: <sip:Ana@Carrier.example>"],
            True,
            sip("ana@carrier.example", verified=True),
        ),
        (["P-Asserted-Identity: <<nonsense"], True, phone("+34911234567")),
        ([], True, phone("+34911234567")),
    ],
)
def test_who_calls_is_the_trunks_word_or_a_claim(
    lines: list[str], trusted: bool, claim: Claim
) -> None:
    given = request("INVITE", *lines, caller="<sip:+34911234567@10.0.0.1>;tag=1")
    found = caller_of(given, trusted=trusted)
    assert found.claim == claim
    assert not found.withheld


@pytest.mark.parametrize(
    ("lines", "caller"),
    [
        ([ASSERTED, "Privacy: id"], "<sip:x@y>;tag=1"),
        ([ASSERTED, "Privacy: header;critical"], "<sip:x@y>;tag=1"),
        ([], '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'),
    ],
)
def test_who_does_not_want_to_be_known_is_not(lines: list[str], caller: str) -> None:
    found = caller_of(request("INVITE", *lines, caller=caller), trusted=True)
    assert found.withheld
    assert found.claim is None


def test_a_name_is_cleaned_and_a_number_of_the_country_completed() -> None:
    given = request("INVITE", caller='"A\udcff\x07na" <sip:0171%202345678@pbx>;tag=1')
    found = caller_of(given, trusted=False, country="DE")
    assert found.claim == phone("+491712345678", "A\ufffdna")


@pytest.mark.parametrize(
    ("target", "called"),
    [
        ("sip:+34911000111@calls.example.com", "+34911000111"),
        ("sip:911000111@calls.example.com;user=phone", "+34911000111"),
        ("tel:+34-911-000-111", "+34911000111"),
        ("sip:Support@calls.example.com", "support"),
        ("sip:calls.example.com", ""),
    ],
)
def test_the_number_that_was_called_is_known(target: str, called: str) -> None:
    assert called_number(request("INVITE", target=target), "ES") == called
