"""Whose word it is, in a case that has to do with more people than its customer. Pure.

A case into which that of another customer was merged has two parties: each is answered on work of
their own, and learns nothing of the other. And somebody who takes part in a customer's mails is
answered, and is not the customer for that: who has the link of the customer's page reads and
writes as them.
"""

from collections.abc import Iterable

from gateway.core.ids import CustomerId
from gateway.core.inbound import Inbound
from gateway.core.model import Author, Case, ChannelKind, CustomerBrief, Item
from gateway.core.ticket import plain


def party(case: Case | None, customer: CustomerBrief | None) -> CustomerBrief | None:
    """On whose behalf a customer writes in a case: their own, if they are one of its parties."""
    if case is None or case.customer is None:
        return customer
    others = case.ties.others() if case.ties is not None else frozenset()
    return customer if customer is not None and customer.id in others else case.customer


def theirs(case: Case, items: Iterable[Item], customer: CustomerBrief | None) -> list[Item]:
    """The items of a case that a word of this customer may be about."""
    if case.ties is None or not case.ties.others():
        return list(items)
    who = party(case, customer)
    return [i for i in items if i.customer is None or who is None or i.customer.id == who.id]


def goes_on_from(
    case: Case | None, last: Item | None, customer: CustomerBrief | None
) -> Item | None:
    """The last work of a case, if it was about what this customer writes of."""
    return next(iter(theirs(case, [last], customer)), None) if case and last else None


def is_guest(
    case: Case, inbound: Inbound, customer: CustomerBrief | None, before: Item | None, address: str
) -> bool:
    """Whether answers that go to ``address`` from now on do not go to the customer.

    ``before`` is the work as answers went so far.
    """
    who = party(case, customer)
    if inbound.kind is not ChannelKind.EMAIL or who is None:
        return False
    if customer is not None and customer.id == who.id:
        return False
    if before is not None and plain(before.address) == plain(address):
        return before.watch is not None and before.watch.guest
    return True


def author_of(inbound: Inbound) -> Author:
    """Who says it, as far as they say who they are."""
    if inbound.filer:
        return Author(kind="system", name=inbound.filer, verified=True)
    claim = inbound.identity
    if claim is None:
        return Author(kind="customer")
    return Author(kind="customer", name=claim.name, id=claim.value, verified=claim.verified)


def others_in(case: Case, into: Case) -> tuple[CustomerId, ...]:
    """The customers that a case brings into one that is of somebody else."""
    if into.customer is None:
        return ()
    known = case.ties.others() if case.ties is not None else frozenset()
    own = frozenset() if case.customer is None else frozenset({case.customer.id})
    return tuple(sorted((own | known) - {into.customer.id}))
