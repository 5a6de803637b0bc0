"""Passing signs between agents and customers: typing. Not state, never journaled."""

from collections.abc import Callable

from gateway.core.ids import CaseId

Listener = Callable[[CaseId, str, bool, bool], None]


class SignalBoard:
    """Implements ``ports.Signals``."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def typing(self, case: CaseId, who: str, *, on: bool, by_customer: bool) -> None:
        for listener in tuple(self._listeners):
            listener(case, who, on, by_customer)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)

        def leave() -> None:
            self._listeners.remove(listener)

        return leave
