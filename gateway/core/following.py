"""The address of a customer's own page for a ticket, in what is written to the customer.

Who has the address sees the case as the customer may, and writes in it as the customer: it is made
where the secret is (``Context.link``), and stands in messages that go out, nowhere else. Of those
only in what goes to the case's customer: others are answered in a case as well.
"""

from gateway.core.ids import Context
from gateway.core.model import Case, Item

PLACEHOLDER = "{ticket_url}"


def link_of(ctx: Context, case: Case, item: Item) -> str:
    """The address, for what is written on ``item``.

    Empty for a case of nobody, and where somebody else than its customer is answered.
    """
    if case.customer is None or not _answers_customer(case, item):
        return ""
    return ctx.link(case.id, case.customer.id, case.link)


def _answers_customer(case: Case, item: Item) -> bool:
    if item.watch is not None and item.watch.guest:
        return False
    if item.customer is None:
        return case.ties is None or not case.ties.joined
    return case.customer is not None and item.customer.id == case.customer.id


def linked(ctx: Context, case: Case, item: Item, text: str) -> str:
    """The text with the address where it asks for it."""
    return text.replace(PLACEHOLDER, link_of(ctx, case, item)) if PLACEHOLDER in text else text
