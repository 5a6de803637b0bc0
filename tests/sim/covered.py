"""What faults a run met, and in what states it was when they came."""

from collections import Counter
from typing import Any

from msgspec import Struct, field

SEPARATOR = " × "


class Covered(Struct):
    """A state is told in words: what the nodes do, whether the database is there, what is open."""

    faults: Counter[str] = field(default_factory=Counter)
    states: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)
    """A kind of fault and the state in which it came."""

    def note(self, fault: str, state: str) -> None:
        self.faults[fault] += 1
        self.states.add(state)
        self.met.add(f"{fault}{SEPARATOR}{state}")

    def add(self, other: "Covered") -> None:
        self.faults.update(other.faults)
        self.states |= other.states
        self.met |= other.met

    def told(self) -> dict[str, Any]:
        """As it goes from one process to another, in values of JSON."""
        return {"faults": dict(self.faults), "met": sorted(self.met)}

    def merge(self, told: dict[str, Any]) -> None:
        self.faults.update(told["faults"])
        self.met.update(told["met"])
        self.states.update(met.split(SEPARATOR, 1)[1] for met in told["met"])
