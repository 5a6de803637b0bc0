"""What looks the same on a desktop, so that no frame need be sent of it."""

from gateway.core.lifecycle import ENDED
from gateway.core.model import Case, Item
from gateway.core.view import case_view


def stays(before: Item, after: Item) -> bool:
    """Whether an open item is where it was: with the same agent, and not offered."""
    return (
        before.state is after.state
        and before.offer is None
        and after.offer is None
        and before.agent == after.agent
        and before.last_agent == after.last_agent
        and before.case == after.case
        and after.state not in ENDED
    )


def same_header(old: Case, new: Case) -> bool:
    """Whether desktops show both alike; what differs most often is compared first."""
    return old.last_seq == new.last_seq and case_view(old) == case_view(new)
