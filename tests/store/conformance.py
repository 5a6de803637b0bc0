"""What every ``Journal`` with its ``Lookup`` must do, whatever it is made of.

Subclass ``StoreConformance`` and give a fixture ``opens``: a function that opens a new incarnation
of a node over the same data, as a restarted process would.
"""

from tests.store.conformance_inbox import InboxConformance
from tests.store.conformance_journal import JournalConformance
from tests.store.conformance_lookup import LookupConformance


class StoreConformance(JournalConformance, InboxConformance, LookupConformance):
    """The suite; see the module's docstring."""
