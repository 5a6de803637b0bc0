"""Customers: by identity, one, the timeline of all contacts, written from outside."""

from collections.abc import Sequence
from typing import Annotated, Literal

import phonenumbers
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from gateway.api.base import Listed, Paged, asked, by, read, record, who, whole
from gateway.api.cards import TimelineCard, timeline_card
from gateway.api.house import House
from gateway.core import events as e
from gateway.core.bad_addresses import key_of_address
from gateway.core.bounces import addresses_work
from gateway.core.errors import Refused
from gateway.core.ids import CustomerId
from gateway.core.model import TEXTED
from gateway.core.stopping import stop_of
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.views import CustomerCard, IdentityCard

TAG = "customers"
Kind = Literal["email", "phone", "account", "sip", "visitor", "telegram"]
_NUMBERED = frozenset({"phone", "telegram"})
Value = Annotated[str, Meta(max_length=2_000)] | int | float | bool | None


class CustomerQuery(Struct, frozen=True, kw_only=True):
    """``identity`` is KIND:VALUE, as in ``email:mia@example.com``."""

    identity: str


class CustomerIdentity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: Kind
    value: Annotated[str, Meta(min_length=1, max_length=320)]


class CustomerPut(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer by a verified identity; what is left out stays as it is."""

    identity: CustomerIdentity
    name: Annotated[str, Meta(max_length=200)] | None = None
    language: Annotated[str, Meta(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")] | None = None
    value: Annotated[int, Meta(ge=0, le=1_000)] | None = None
    attributes: Annotated[dict[str, Value], Meta(max_length=100)] | None = None


class Deliverable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address of the customer's that mail reaches again, as somebody knows."""

    address: Annotated[str, Meta(min_length=3, max_length=320)]


class Erased(Struct, frozen=True, kw_only=True):
    """What is gone. Tickets keep their numbers, times, queues and agents, and nothing else."""

    cases: int
    messages: int
    files: int


class Customers:
    """See the module's docstring."""

    def __init__(self, house: House) -> None:
        self._people = house.people
        self._erasing = house.erasing
        self._ledger = house.node.ledger

    def routes(self) -> list[HttpRoute]:
        one = "/api/v1/customers/{id}"
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/customers",
                handle=self._by_identity,
                summary="Customers with an identity, the verified one first",
                asks=CustomerQuery,
                gives=Listed[CustomerCard],
                tag=TAG,
            ),
            HttpRoute(
                method="PUT",
                path="/api/v1/customers",
                handle=self._put,
                summary="Make or change a customer by a verified identity",
                takes=CustomerPut,
                gives=CustomerCard,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=one,
                handle=self._one,
                summary="A customer with all identities",
                gives=CustomerCard,
                tag=TAG,
            ),
            HttpRoute(
                method="DELETE",
                path=one,
                handle=self._erase,
                summary="Forget a customer: identities and content everywhere, for good",
                access="admin",
                gives=Erased,
                tag=TAG,
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/deliverable",
                handle=self._deliverable,
                summary="Take the mark away that mail to an address comes back",
                takes=Deliverable,
                gives=CustomerCard,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=f"{one}/timeline",
                handle=self._timeline,
                summary="A customer's cases across all channels, newest first",
                asks=Paged,
                gives=Listed[TimelineCard],
                tag=TAG,
            ),
        ]

    async def _by_identity(self, request: HttpRequest) -> HttpAnswer:
        kind, _, value = asked(request, CustomerQuery).identity.partition(":")
        if not kind or not value:
            raise Refused("bad_field", "say KIND:VALUE, as in email:mia@example.com", "identity")
        found = await self._people.of_identity(kind, _canonical(kind, value))
        return whole([self._marked(one) for one in found])

    async def _one(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body=await self._find(request.params["id"]))

    async def _find(self, customer: str) -> CustomerCard:
        found = await self._people.customer(CustomerId(customer))
        if found is None:
            raise Refused("not_found", "there is no such customer", "id")
        return self._marked(found)

    def _marked(self, customer: CustomerCard) -> CustomerCard:
        """With where mail comes back from, and where nothing more is wanted."""
        state = self._ledger.state

        def marked(one: IdentityCard) -> IdentityCard:
            if one.kind == "email":
                known = state.bad_addresses.get(key_of_address(one.value))
                if known is None:
                    return one
                why = known.reason or "it came back"
                return replace(one, undeliverable=why, undeliverable_since=known.since)
            if one.kind not in _NUMBERED:
                return one
            found = {kind: stop_of(state, kind, one.value) for kind in TEXTED}
            stopped = {str(kind): stop.since for kind, stop in found.items() if stop is not None}
            return replace(one, shown=_shown(one), stopped=stopped or UNSET)

        return replace(customer, identities=[marked(one) for one in customer.identities])

    async def _deliverable(self, request: HttpRequest) -> HttpAnswer:
        wanted = _canonical("email", read(request, Deliverable).address)
        customer = await self._find(request.params["id"])
        if not any(one.kind == "email" and one.value == wanted for one in customer.identities):
            raise Refused("bad_field", "the customer has no such address", "address")
        said = "somebody says that it works"
        works = addresses_work(self._ledger.state, wanted, said, by=by(request))
        if works:
            await record(self._ledger, works)
        return HttpAnswer(body=await self._find(customer.id))

    async def _timeline(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, Paged)
        customer = await self._find(request.params["id"])
        found = await self._people.timeline(customer.id, query.cursor, query.limit)
        return HttpAnswer(
            body=Listed(items=[timeline_card(e) for e in found.items], next=found.next)
        )

    async def _put(self, request: HttpRequest) -> HttpAnswer:
        self._may_write(request)
        wish = read(request, CustomerPut)
        identity = wish.identity
        found = await self._people.put(
            identity.kind,
            _canonical(identity.kind, identity.value),
            name=wish.name,
            language=wish.language,
            worth=wish.value,
            attributes=wish.attributes,
        )
        if wish.value is not None:
            valued = e.CustomerValued(customer=found.id, value=found.value, by=by(request))
            await record(self._ledger, [e.Change(valued)])
        return HttpAnswer(body=found)

    def _may_write(self, request: HttpRequest) -> None:
        """What a customer is worth decides who comes first: no agent's say. Raises ``Refused``."""
        asker = who(request)
        if asker.role == "agent" and asker.name in self._ledger.state.profiles:
            detail = "agents cannot change customers; a supervisor or a system's token can"
            raise Refused("not_allowed", detail)

    async def _erase(self, request: HttpRequest) -> HttpAnswer:
        customer, asker = (await self._find(request.params["id"])).id, by(request)
        await record(self._ledger, [e.Change(e.ErasureOrdered(customer=customer, by=asker))])
        gone = await self._erasing.erase(customer)
        if gone.busy:
            raise Refused("conflict", _in_the_way(gone.busy), "id")
        erased = e.CustomerErased(
            customer=customer,
            by=asker,
            cases=len(gone.cases),
            messages=gone.messages,
            files=gone.files,
        )
        await record(self._ledger, [e.Change(erased)])
        return HttpAnswer(body=Erased(cases=erased.cases, messages=gone.messages, files=gone.files))


def _in_the_way(busy: Sequence[int]) -> str:
    if busy == (0,):
        return "a contact of this customer is just coming in: try again in a moment"
    numbers = ", ".join(f"#{number}" for number in busy if number)
    return f"somebody works on {numbers}: end that first; nothing was erased"


def _canonical(kind: str, value: str) -> str:
    """The form in which identities are kept: lower-case addresses, numbers without spaces."""
    match kind:
        case "email":
            return value.strip().lower()
        case "phone":
            # In a query an unescaped plus sign arrives as a space.
            digits = "".join(c for c in value if c.isascii() and c.isdigit())
            return f"+{digits}" if digits else value.strip()
        case _:
            return value.strip()


def _shown(identity: IdentityCard) -> str | UnsetType:
    """A telephone number as people of its country write it for others."""
    if identity.kind != "phone":
        return UNSET
    try:
        number = phonenumbers.parse(identity.value, None)
    except phonenumbers.NumberParseException:
        return UNSET
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
