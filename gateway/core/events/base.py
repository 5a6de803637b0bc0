"""What every event is."""

from msgspec import Struct

from gateway.core.wire import snake


class Happened(
    Struct,
    frozen=True,
    kw_only=True,
    tag_field="kind",
    tag=snake,
    gc=False,
    omit_defaults=True,
):
    """Base of all events; ``kind`` in stored JSON is the class name in snake case.

    Fields that are as by default are left out there.
    """
