"""Who may join which case, and what is said about why."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.correlate import Candidates, Join, correlate, matter
from gateway.core.ids import CustomerId
from gateway.core.inbound import Claim
from gateway.core.model import CaseStatus, CustomerBrief
from tests.support.builders import START, case, mail

EVA = CustomerId("eva")
HERS = case(
    subject="Invoice 12",
    customer=CustomerBrief(id=EVA, name="Eva"),
    changed_at=START,
    opened_at=START,
)
PARTICIPANTS = frozenset({"eva@example.org", "bob@example.org"})


def come(
    sender: str = "eva@example.org",
    *,
    verified: bool = False,
    customer: CustomerId | None = None,
    days: float = 0,
    found: Candidates | None = None,
    **fields: Any,
) -> Join:
    identity = Claim(kind="email", value=sender, verified=verified)
    given_ = {"identity": identity, "address": sender, "subject": "Re: Invoice 12"} | fields
    looked = found or Candidates(referenced=HERS, reference="<a@us>", participants=PARTICIPANTS)
    return correlate(
        looked, mail("m2", **given_), customer=customer, now=START + timedelta(days=days)
    )


def test_a_customer_whose_domain_proves_nothing_still_reaches_the_ticket() -> None:
    join = come(verified=False, customer=CustomerId("the claimed one"))
    assert join.case == HERS
    assert join.reason == (
        "answers <a@us>; eva@example.org has part in the ticket"
        " (not verified, but this cannot be guessed)"
    )


def test_whoever_was_copied_joins() -> None:
    assert come("Bob@Example.org", verified=True).case == HERS


def test_the_customer_joins_from_another_address_of_theirs() -> None:
    join = come("eva@home.example", verified=True, customer=EVA)
    assert join.case == HERS
    assert "its sender is the ticket's customer (verified)" in join.reason


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("status", list(CaseStatus))
def test_a_stranger_with_the_right_reference_opens_a_ticket_of_their_own(
    verified: bool, status: CaseStatus
) -> None:
    hers = case(customer=HERS.customer, number=7, status=status)
    found = Candidates(referenced=hers, reference="<a@us>", participants=PARTICIPANTS)
    join = come("kim@evil.example", verified=verified, customer=CustomerId("kim"), found=found)
    assert (join.case, join.follows, join.stranger) == (None, hers, True)
    assert join.reason == (
        "answers <a@us>, but kim@evil.example has no part in ticket #7: this is another ticket"
    )


def test_a_mail_of_nobody_joins_nothing() -> None:
    assert come(identity=None).case is None


def test_a_token_is_as_good_as_a_reference_and_no_better() -> None:
    found = Candidates(referenced=HERS, by_token=True, participants=PARTICIPANTS)
    assert come(found=found).case == HERS
    assert "reply token" in come(found=found).reason
    assert come("kim@evil.example", found=found).stranger


def test_what_a_colleague_sends_from_our_own_mailbox_joins() -> None:
    assert come("support@us.example", attributes={"from_self": True}).case == HERS


def test_a_verified_customer_who_names_the_ticket_joins_it() -> None:
    found = Candidates(numbered=HERS)
    assert come(verified=True, customer=EVA, found=found).case == HERS
    assert come(verified=False, customer=EVA, found=found).case is None


@given(st.floats(0, 30), st.floats(0, 30))
def test_about_the_same_joins_within_the_mailboxs_window(days: float, window: float) -> None:
    join = come(
        verified=True,
        customer=EVA,
        days=days,
        join_seconds=window * 86_400,
        found=Candidates(recent=HERS),
    )
    assert (join.case == HERS) == (timedelta(days=days) <= timedelta(days=window))


def test_a_form_that_lends_its_address_to_everybody_merges_nobody() -> None:
    found = Candidates(recent=HERS)
    assert come(verified=True, customer=EVA, found=found, address="kim@example.org").case is None


def test_mails_without_a_subject_are_not_about_the_same() -> None:
    bare = case(subject="", customer=HERS.customer, changed_at=START)
    found = Candidates(recent=bare)
    assert come(verified=True, customer=EVA, found=found, subject="Re: ").case is None


@pytest.mark.parametrize(
    "subject",
    [
        "Invoice 12",
        "RE: AW: invoice  12",
        "Re[2]: Fwd: Invoice 12",
        "[EXTERNAL] Re: Invoice 12 [#1000123]",
        "SV: VS: [#1000123-abcdefghijkl] Invoice 12",
        "回复：Invoice 12",
        "Antwort: WG: Invoice 12",
    ],
)
def test_the_marks_of_replies_and_tickets_are_no_part_of_a_matter(subject: str) -> None:
    assert matter(subject) == "invoice 12"


@given(st.text(max_size=998))
def test_a_matter_is_always_told_and_stays_the_same(subject: str) -> None:
    assert matter(f"Re: {subject}") == matter(subject)
