"""Merging and splitting cases: all that is concerned is decided about here, and read, first.

What another node decides about is brought here (``flow.afar``), or the whole act goes there
(``Elsewhere``). The cases that are given are held in the node's state until ``release``.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CaseId, CustomerId, MessageId
from gateway.core.model import Case, CustomerBrief, Item, Message
from gateway.flow.afar import Afar
from gateway.flow.ledger import Ledger
from gateway.flow.whose import Elsewhere, Licence, Whose
from gateway.store.contract import CommitUnknown, Fenced, Lookup, Unavailable

T = TypeVar("T")
HOPS = 3
Before = Callable[[], Awaitable[Any]]
"""What the request was answered, if it has been done: asked once it is known whose the case is."""
_IDENTITIES = {"email": "email", "sms": "phone", "whatsapp": "phone"}


class Both(Struct, frozen=True, kw_only=True):
    """Two cases as they are here, with the last work item of each."""

    case: Case
    into: Case
    last: Item | None
    into_last: Item | None
    before: Any = None


class Chosen(Struct, frozen=True, kw_only=True):
    """A case, messages that it shows, how many others it has, and who wrote the first of them."""

    case: Case
    messages: Sequence[Message]
    stays: int
    customer: CustomerBrief | None
    last: Item
    before: Any = None


class Joining:
    """See the module's docstring."""

    def __init__(
        self, ledger: Ledger, lookup: Lookup, whose: Whose, afar: Callable[[], Afar | None]
    ) -> None:
        self._ledger = ledger
        self._lookup = lookup
        self._whose = whose
        self._afar = afar

    async def find(self, number: int, field: str) -> Case:
        """Raises ``Refused`` where there is none."""
        case = await self._lookup.case_by_number(number)
        if case is None:
            raise Refused("not_found", f"there is no case with number {number}", field)
        return case

    async def both(self, case: CaseId, into: CaseId, by: AgentName, before: Before) -> Both:
        """Two cases, to be merged or taken apart in this turn of the loop.

        Raises ``Elsewhere`` where ``into`` is another node's, and ``Refused``.
        """
        for _ in range(HOPS):
            stamp = self._whose.departures.stamp()
            licences = [await self._license(into)]
            try:
                licences.append(await self._license(case))
            except Elsewhere as elsewhere:
                await self._fetch(elsewhere, by, case=case)
                continue
            found = Both(
                case=await self._read(case),
                into=await self._read(into),
                last=await self._lookup.last_item(case),
                into_last=await self._lookup.last_item(into),
                before=await before(),
            )
            self._check(stamp, licences, (found.case, found.into))
            adopt = self._ledger.state.adopt
            return Both(
                case=adopt(found.case),
                into=adopt(found.into),
                last=found.last,
                into_last=found.into_last,
                before=found.before,
            )
        raise Refused("unavailable", "the cases change hands just now; try again")

    async def chosen(
        self, case: CaseId, messages: Sequence[MessageId], by: AgentName, before: Before
    ) -> Chosen:
        """Messages to be split from a case in this turn of the loop.

        Raises ``Elsewhere`` where the case is another node's, and ``Refused``.
        """
        for _ in range(HOPS):
            stamp = self._whose.departures.stamp()
            licence = await self._license(case)
            await self._ledger.committed(self._ledger.position)
            known = await self._read(case)
            found, stays = await self._lookup.chosen(case, messages)
            last = await self._lookup.last_item(case)
            if last is None:
                raise Refused("wrong_state", "nothing has ever been done in this case", "number")
            customer = await self._writer_of(found) or known.customer
            if customer is not None:
                try:
                    await self._license_customer(customer.id)
                except Elsewhere as elsewhere:
                    await self._fetch(elsewhere, by, customer=customer.id)
                    continue
            told = await before()
            self._check(stamp, [licence], (known,), customer)
            return Chosen(
                case=self._ledger.state.adopt(known),
                messages=found,
                stays=stays,
                customer=customer,
                last=last,
                before=told,
            )
        raise Refused("unavailable", "the case changes hands just now; try again")

    def release(self, *cases: CaseId) -> None:
        """What was given has been used, or was not."""
        for case in cases:
            self._ledger.release(case)

    async def _writer_of(self, messages: Sequence[Message]) -> CustomerBrief | None:
        """Who wrote the first of them that was not ours, as an identity that we know."""
        said = next((m for m in messages if m.direction == "in" and m.author.id), None)
        if said is None or (kind := _IDENTITIES.get(said.kind.value)) is None:
            return None
        verified = said.author.verified
        return await self._lookup.customer_of(kind, said.author.id, verified=verified)

    async def _read(self, case: CaseId) -> Case:
        known = self._ledger.state.cases.get(case) or await self._lookup.case(case)
        if known is None:
            raise Refused("not_found", "there is no such case", "number")
        return known

    async def _license(self, case: CaseId) -> Licence:
        return await self._known(self._whose.license(case))

    async def _license_customer(self, customer: CustomerId) -> None:
        await self._known(self._whose.license_customer(customer))

    async def _known(self, asked: Awaitable[T]) -> T:
        try:
            return await asked
        except (Unavailable, CommitUnknown, Fenced) as error:
            raise Refused("unavailable", "it is not known whose the case is; try again") from error

    async def _fetch(
        self,
        elsewhere: Elsewhere,
        by: AgentName,
        *,
        case: CaseId | None = None,
        customer: CustomerId | None = None,
    ) -> None:
        afar = self._afar()
        if afar is None:
            raise elsewhere
        await afar.fetch(elsewhere.node, by, case=case, customer=customer)

    def _check(
        self,
        stamp: int,
        licences: Iterable[Licence],
        cases: Iterable[Case],
        customer: CustomerBrief | None = None,
    ) -> None:
        """Nothing of it has left this node since. Raises ``Refused``."""
        people = [case.customer for case in cases] + [customer]
        concerned = [case.id for case in cases]
        who = [one.id for one in people if one is not None]
        gone = self._whose.departures.since((*concerned, *who), stamp)
        if gone or not all(self._whose.holds(licence) for licence in licences):
            raise Refused("unavailable", "the case changes hands just now; try again")
