"""What the database knows of a contact: the case that it belongs to, the report's message."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import structs

from gateway.core.arrival import Past
from gateway.core.bounces import Report, reported_id
from gateway.core.correlate import Candidates
from gateway.core.ids import CaseId
from gateway.core.inbound import Inbound
from gateway.core.model import Case, ChannelKind
from gateway.core.pretence import stated
from gateway.core.scrutiny import IN
from gateway.flow.ledger import Ledger
from gateway.store.contract import Lookup, Stored

RECENT_JOINS = frozenset({ChannelKind.EMAIL, ChannelKind.SMS, ChannelKind.WHATSAPP})


MOST_MERGED = 100


async def standing_case(lookup: Lookup, case: Case) -> Case:
    """The case that this one is part of by now; raises ``Unavailable``."""
    for _ in range(MOST_MERGED):
        if case.ties is None or case.ties.into is None:
            break
        case = await lookup.case(case.ties.into) or case
    return case


class Findings:
    """Looks up what a decision needs. Everything raises ``Unavailable``."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def candidates(self, inbound: Inbound, stored: Stored) -> Candidates:
        conversation = referenced = recent = None
        reference = ""
        if inbound.conversation is not None:
            conversation = await self._lookup.case(inbound.conversation)
        if conversation is None and inbound.references:
            hit = await self._lookup.case_of_reference(inbound.references)
            if hit is not None:
                referenced, reference = hit
        verified = inbound.identity is not None and inbound.identity.verified
        if (
            conversation is None
            and referenced is None
            and verified
            and stored.customer is not None
            and inbound.kind in RECENT_JOINS
        ):
            recent = await self._lookup.recent_case(stored.customer.id, inbound.channel)
        if conversation is not None and inbound.kind is not ChannelKind.WEBCHAT:
            # A window that comes back to a chat goes on with that alone: it shows no other case.
            conversation = await self.stays(conversation)
        if referenced is not None and (stays := await self.stays(referenced)) is not referenced:
            reference = f"{reference} of #{referenced.number}, which was merged into this case"
            referenced = stays
        if recent is not None:
            recent = await self.stays(recent)
        return Candidates(
            conversation=conversation, referenced=referenced, reference=reference, recent=recent
        )

    async def stays(self, case: Case) -> Case:
        """The case that this one was merged into, or the case itself."""
        return await standing_case(self._lookup, case)

    async def report(self, inbound: Inbound, found: Candidates) -> Report | None:
        """The message of ours that a delivery report is about, with its case."""
        message_id, case = reported_id(inbound), found.referenced
        if message_id is None or case is None:
            return None
        message = await self._lookup.message(message_id)
        if message is None or message.direction != "out" or message.case != case.id:
            return None
        return Report(message=message, case=case, last=await self._lookup.last_item(case.id))

    async def past(self, inbound: Inbound, stored: Stored, ledger: Ledger) -> Past:
        """What the customer has sent and begun before, as far back as a rule of the house looks.

        And whose the identities are that it names besides its own, if a rule asks for those.
        """
        rules, who = ledger.state.rules, stored.customer
        owners = {}
        for one in stated(inbound) if rules.seeks_mismatches(*IN) else ():
            owner = await self._lookup.customer_of(one.kind, one.value)
            if owner is not None:
                owners[one.kind, one.value] = owner
        if who is None:
            return Past(owners=owners)
        wrote: tuple[datetime, ...] = ()
        began: tuple[datetime, ...] = ()
        now = ledger.clock.now()
        if seconds := rules.looks_back("messages"):
            since = now - timedelta(seconds=seconds)
            wrote = await self._lookup.wrote_since(who.id, since, stored.id)
        if seconds := rules.looks_back("matters"):
            began = await self._lookup.opened_since(who.id, now - timedelta(seconds=seconds))
        return Past(wrote=wrote, began=began, owners=owners)

    async def read_again(self, found: Candidates) -> Candidates:
        """The case that is found, as it is by now."""
        case = subject_of(found)
        fresh = await self._lookup.case(case.id) if case is not None else None
        if fresh is None:
            return found
        if found.conversation is not None:
            return structs.replace(found, conversation=fresh)
        if found.referenced is not None:
            return structs.replace(found, referenced=fresh)
        return structs.replace(found, recent=fresh)


def subject_of(found: Candidates) -> Case | None:
    """The case that the contact may join."""
    return found.conversation or found.referenced or found.recent


def merged_meanwhile(inbound: Inbound, found: Candidates, cases: Mapping[CaseId, Case]) -> bool:
    """Whether the case became part of another one since it was looked up: look again."""
    case = subject_of(found)
    if case is None or (found.conversation is not None and inbound.kind is ChannelKind.WEBCHAT):
        return False
    known = cases.get(case.id, case)
    return known.ties is not None and known.ties.into is not None


def about(stored: Stored, found: Candidates) -> list[str]:
    """The ids of whom and what a contact is about."""
    cases = [c for c in (found.conversation, found.referenced, found.recent) if c is not None]
    customers = [stored.customer, *(case.customer for case in cases)]
    return [*(case.id for case in cases), *(who.id for who in customers if who is not None)]


def newest_report(report: Report | None, cases: Mapping[CaseId, Case]) -> Report | None:
    if report is None:
        return None
    return structs.replace(report, case=cases.get(report.case.id, report.case))


def newest(found: Candidates, cases: Mapping[CaseId, Case]) -> Candidates:
    """The same candidates as the node's own state has them, which may be newer than the disk."""

    def own(case: Case | None) -> Case | None:
        return cases.get(case.id, case) if case is not None else None

    return Candidates(
        conversation=own(found.conversation),
        referenced=own(found.referenced),
        reference=found.reference,
        recent=own(found.recent),
    )
