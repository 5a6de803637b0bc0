"""The condition that somebody writes too often."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

By = Literal["customer", "sender", "domain", "prefix", "ip"]
COUNTED: tuple[By, ...] = ("sender", "domain", "prefix", "ip")
"""What is counted as it comes (``core.paces``); a customer's messages are in the database."""


class Velocity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """So many messages, or new matters, within ``seconds``, this one counted.

    ``by`` says of whom: of one customer; of one address (for what we write: of one agent); of one
    domain of mail; of one block of ten thousand telephone numbers; of one network address.
    """

    contacts: Annotated[int, Meta(ge=2, le=1_000)]
    seconds: Annotated[float, Meta(gt=0, le=2_592_000)]
    of: Literal["messages", "matters"] = "messages"
    by: By = "customer"


def velocity_key(one: Velocity) -> str:
    """Under which ``Facts.counted`` has how many there were."""
    return f"{one.by} {one.of} {one.seconds:g}"
