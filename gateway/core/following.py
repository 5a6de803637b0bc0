"""The address of a customer's own page for a ticket, in what is written to the customer.

Who has the address sees the case as the customer may, and writes in it as the customer: it is made
where the secret is (``Context.link``), and stands in messages that go out, nowhere else.
"""

from gateway.core.ids import Context
from gateway.core.model import Case

PLACEHOLDER = "{ticket_url}"


def link_of(ctx: Context, case: Case) -> str:
    """The address; empty for a case of nobody."""
    return ctx.link(case.id, case.customer.id, case.link) if case.customer is not None else ""


def linked(ctx: Context, case: Case, text: str) -> str:
    """The text with the address where it asks for it."""
    return text.replace(PLACEHOLDER, link_of(ctx, case)) if PLACEHOLDER in text else text
