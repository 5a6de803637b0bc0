"""A corpus of mails of our own making, each with what a person would make of it.

``tests/vectors/mail/README.md`` says how to add one.
"""

import pytest

from channels.email.parse import MailParser
from tests.support.corpus import Case, cases, envelope, seen
from tests.support.mailworld import LANGUAGE
from tests.support.storable import assert_storable

CASES = cases()
PARSER = MailParser(LANGUAGE)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_mail_is_what_a_person_would_say_of_it(case: Case) -> None:
    raw = case.mail()
    inbound = PARSER(raw, envelope(len(raw)))
    assert seen(inbound, case.expected) == case.expected
    assert_storable(inbound)
    assert inbound.raw == raw


def test_the_corpus_has_every_kind_of_mail() -> None:
    assert len(CASES) >= 250
    assert {case.expected["class"] for case in CASES} == {
        *("person", "ourselves", "quarantine", "bounce", "report"),
        *("auto-reply", "list", "bulk", "silent"),
    }
