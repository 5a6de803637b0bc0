"""What the database knows of a contact: the case that it belongs to, the report's message."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from msgspec import structs

from gateway.core.arrival import Past
from gateway.core.bounces import Report, reported_id
from gateway.core.copies import may_be_copy, original
from gateway.core.correlate import Candidates, same_matter
from gateway.core.ids import CaseId, MessageId
from gateway.core.inbound import Inbound
from gateway.core.model import ADDRESSED, TEXTED, Case, ChannelKind, CustomerBrief, Item, Message
from gateway.core.pretence import stated
from gateway.core.scrutiny import IN
from gateway.core.ticket import plain
from gateway.flow.ledger import Ledger
from gateway.store.contract import Lookup, Stored

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

    async def candidates(self, inbound: Inbound, stored: Stored, ledger: Ledger) -> Candidates:
        """The cases that it may belong to; see ``core.correlate`` for the order among them."""
        state = ledger.state
        if may_be_copy(state, inbound) and (twin := await self._copy(inbound, stored)) is not None:
            return twin
        if inbound.conversation is not None:
            conversation = await self._lookup.case(inbound.conversation)
            if conversation is not None and inbound.kind is not ChannelKind.WEBCHAT:
                # A window that comes back to a chat goes on with that alone: it shows no other.
                conversation = await self.stays(conversation)
            if conversation is not None:
                return Candidates(conversation=conversation)
        found = await self._referenced(inbound, ledger)
        if (case := found.referenced) is not None:
            stays = await self.stays(case)
            if stays is not case:
                said = "its token" if found.by_token else found.reference
                reference = f"{said} of #{case.number}, which was merged into this case"
                found = Candidates(referenced=stays, reference=reference)
            return await self._with_participants(found, stays, case, inbound, stored)
        who = stored.customer
        verified = inbound.identity is not None and inbound.identity.verified
        if not verified or who is None or inbound.kind not in ADDRESSED:
            return found
        numbered = await self._numbered(inbound, who)
        if numbered is not None:
            return Candidates(numbered=await self.stays(numbered))
        recent = await self._recent(inbound, who)
        return Candidates(recent=await self.stays(recent) if recent is not None else None)

    async def stays(self, case: Case) -> Case:
        """The case that this one was merged into, or the case itself."""
        return await standing_case(self._lookup, case)

    async def _copy(self, inbound: Inbound, stored: Stored) -> Candidates | None:
        alike = await self._lookup.alike(inbound.external_id, inbound.mark)
        if not any(one.channel != inbound.channel for one in alike):
            return None
        brought: Collection[MessageId] = ()
        if stored.customer is not None:
            ids = [one.id for one in alike]
            brought = await self._lookup.brought(stored.customer.id, inbound.channel, ids)
        message = original(inbound, alike, brought)
        case = await self._lookup.case(message.case) if message is not None else None
        if case is None:
            return None
        return Candidates(copied=await self.stays(case), copy_of=message)

    async def _referenced(self, inbound: Inbound, ledger: Ledger) -> Candidates:
        if inbound.references:
            hit = await self._lookup.case_of_reference(inbound.references)
            if hit is not None:
                return Candidates(referenced=hit[0], reference=hit[1])
        for token in inbound.tokens:
            number = ledger.tokens.read(token)
            case = await self._lookup.case_by_number(number) if number is not None else None
            if case is not None:
                return Candidates(referenced=case, by_token=True)
        return Candidates()

    async def _with_participants(
        self, found: Candidates, case: Case, before: Case, inbound: Inbound, stored: Stored
    ) -> Candidates:
        """Who takes part matters for a mail whose writer is not the case's customer.

        And for one that wants its answers elsewhere. ``before``: the case as it was referred to,
        which may be part of another one by now.
        """
        who = inbound.identity
        if inbound.kind is not ChannelKind.EMAIL or who is None:
            return found
        its = case.customer is not None and case.customer == stored.customer
        if its and plain(inbound.address) == plain(who.value):
            return found
        taking = await self._lookup.participants(case.id)
        if before.id != case.id:
            taking |= await self._lookup.participants(before.id)
        return structs.replace(found, participants=taking)

    async def _numbered(self, inbound: Inbound, who: CustomerBrief) -> Case | None:
        """The customer's own ticket that the subject names."""
        number = inbound.attributes.get("ticket")
        case = await self._lookup.case_by_number(number) if isinstance(number, int) else None
        its = case is not None and case.customer is not None and case.customer.id == who.id
        return case if its else None

    async def _recent(self, inbound: Inbound, who: CustomerBrief) -> Case | None:
        """The newest of the customer's cases about the same."""
        if not inbound.join_seconds:
            return None
        cases = await self._lookup.recent_cases(who.id, inbound.channel)
        found = next((case for case in cases if same_matter(case, inbound)), None)
        if found is None and inbound.kind in TEXTED:
            # Somebody may have been answered here in a case of another channel.
            return await self._lookup.written_case(who.id, inbound.channel)
        return found

    async def last(self, found: Candidates, ledger: Ledger) -> Item | None:
        """The newest item of a case that it may join, if none is open here."""
        case = subject_of(found)
        if case is None or ledger.state.talks_of_case(case.id):
            return None
        return await self._lookup.last_item(case.id)

    async def amended(self, inbound: Inbound) -> Message | None:
        """What the sender has second thoughts about."""
        return await self._lookup.message(inbound.amend.message) if inbound.amend else None

    async def report(self, inbound: Inbound, found: Candidates) -> Report | None:
        """The message of ours that a delivery report is about, with its case."""
        message_id, case = reported_id(inbound), found.referenced
        if message_id is None or case is None:
            return None
        message = await self._lookup.message(message_id)
        if message is None or message.direction != "out":
            return None
        its = await self._lookup.case(message.case)
        if its is None or (await self.stays(its)).id != case.id:
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
        return found if fresh is None else _each(found, lambda _: fresh)


def subject_of(found: Candidates) -> Case | None:
    """The case that the contact may join."""
    return next(iter(cases_of(found)), None)


def merged_meanwhile(inbound: Inbound, found: Candidates, cases: Mapping[CaseId, Case]) -> bool:
    """Whether the case became part of another one since it was looked up: look again."""
    case = subject_of(found)
    if case is None or (found.conversation is not None and inbound.kind is ChannelKind.WEBCHAT):
        return False
    known = cases.get(case.id, case)
    return known.ties is not None and known.ties.into is not None


def cases_of(found: Candidates) -> list[Case]:
    """All that were found, the one that comes first before the others."""
    ways = (found.copied, found.conversation, found.referenced, found.numbered, found.recent)
    return [case for case in ways if case is not None]


def _each(found: Candidates, other: Callable[[Case], Case]) -> Candidates:
    changes = {
        name: other(case)
        for name in ("copied", "conversation", "referenced", "numbered", "recent")
        if (case := getattr(found, name)) is not None
    }
    return structs.replace(found, **changes)


def about(stored: Stored, found: Candidates) -> list[str]:
    """The ids of whom and what a contact is about."""
    cases = cases_of(found)
    customers = [stored.customer, *(case.customer for case in cases)]
    return [*(case.id for case in cases), *(who.id for who in customers if who is not None)]


def newest_report(report: Report | None, cases: Mapping[CaseId, Case]) -> Report | None:
    if report is None:
        return None
    return structs.replace(report, case=cases.get(report.case.id, report.case))


def newest(found: Candidates, cases: Mapping[CaseId, Case]) -> Candidates:
    """The same candidates as the node's own state has them, which may be newer than the disk."""
    return _each(found, lambda case: cases.get(case.id, case))
