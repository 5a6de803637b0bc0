"""Case headers stay in memory while open items need them, and until what is new is on disk.

Forgotten before its entries have committed, a header would be read back from the database older
than it is, and what is decided on that would not fit. (A look into the database that began
before the commit may bring an old one later still: ``NodeState.adopt`` knows better then.)
"""

from collections import deque
from collections.abc import Iterable

from gateway.core.ids import CaseId
from gateway.core.state import NodeState


class Headers:
    """See the module's docstring."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self._touched: dict[CaseId, int] = {}
        self._uncommitted: deque[tuple[int, tuple[CaseId, ...]]] = deque()

    def touch(self, cases: Iterable[CaseId], offset: int) -> None:
        """Entries up to ``offset`` are about these cases and are not on disk."""
        noted = tuple(cases)
        self._touched.update(dict.fromkeys(noted, offset))
        if noted:
            self._uncommitted.append((offset, noted))

    def landed(self, offset: int) -> None:
        """Entries up to ``offset`` are on disk."""
        while self._uncommitted and self._uncommitted[0][0] <= offset:
            last, cases = self._uncommitted.popleft()
            for case in cases:
                if self._touched.get(case) == last:
                    del self._touched[case]
                    self._state.forget_idle_case(case)

    def release(self, case: CaseId) -> None:
        """Whoever adopted the header does not need it any more."""
        if case not in self._touched:
            self._state.forget_idle_case(case)
