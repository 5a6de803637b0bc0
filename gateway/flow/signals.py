"""Passing signs between agents and customers: typing. Not state, never journaled."""

from collections.abc import Callable

from gateway.core.ids import CaseId

Listener = Callable[[CaseId, str, bool, bool], None]


def _nobody(_case: CaseId, _who: str, _on: bool, _by_customer: bool) -> None:  # noqa: FBT001 - the seam's form
    return


class SignalBoard:
    """Implements ``ports.Signals``."""

    def __init__(self) -> None:
        self.pass_on: Listener = _nobody
        self._listeners: list[Listener] = []

    def typing(self, case: CaseId, who: str, *, on: bool, by_customer: bool) -> None:
        """A sign given here: ``pass_on`` brings it to the other nodes."""
        self.hear(case, who, on, by_customer)
        self.pass_on(case, who, on, by_customer)

    def hear(self, case: CaseId, who: str, on: bool, by_customer: bool) -> None:  # noqa: FBT001 - the seam's form
        """A sign given anywhere."""
        for listener in tuple(self._listeners):
            listener(case, who, on, by_customer)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)

        def leave() -> None:
            self._listeners.remove(listener)

        return leave
