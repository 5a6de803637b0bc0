"""The one line that a benchmark prints. Pure."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

DIGITS = 4
"""Significant digits: more would claim what a shared machine cannot give."""


class Peer(Struct, frozen=True, kw_only=True):
    """What ours was measured beside; ``value`` is in the unit of ours."""

    name: str
    value: float


class Budget(Struct, frozen=True, kw_only=True):
    """A promise about one figure: ``ours`` or a key of ``details``."""

    figure: str
    limit: float
    better: Literal["less", "more"]

    def holds(self, value: float) -> bool:
        return value <= self.limit if self.better == "less" else value >= self.limit


class Report(Struct, frozen=True, kw_only=True):
    """One benchmark's result.

    ``lost`` and ``duplicated`` are counted in the database or at the receiver, never assumed;
    ``repeated`` counts the same identity sent to the outside again.
    """

    bench: str
    ours: float
    unit: str
    peer: Peer | None
    lost: int = 0
    duplicated: int = 0
    repeated: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's; ``None`` without a peer."""
        return self.ours / self.peer.value if self.peer and self.peer.value else None

    def figure(self, name: str) -> float | None:
        """The value a budget is about, if it was measured."""
        value = self.ours if name == "ours" else self.details.get(name)
        return float(value) if isinstance(value, int | float) else None

    def missed(self) -> list[str]:
        """The budgets that do not hold, a sentence each."""
        found = []
        for budget in self.budgets:
            value = self.figure(budget.figure)
            if value is not None and not budget.holds(value):
                bound = "at most" if budget.better == "less" else "at least"
                found.append(f"{budget.figure} is {tidy(value)}, should be {bound} {budget.limit}")
        return found


def as_object(report: Report) -> dict[str, Any]:
    """The report in the shape of the contract, numbers rounded."""
    peer = report.peer
    return {
        "bench": report.bench,
        "ours": tidy(report.ours),
        "unit": report.unit,
        "peer": {"name": peer.name, "value": tidy(peer.value)} if peer else None,
        "ratio": tidy(report.ratio),
        "lost": report.lost,
        "duplicated": report.duplicated,
        "details": tidy({**report.details, "repeated": report.repeated, "missed": report.missed()}),
    }


def line(report: Report) -> str:
    """The report as one line of JSON."""
    return json.dumps(as_object(report), ensure_ascii=False, allow_nan=False)


def tidy(value: Any) -> Any:
    """Floats cut to what was measured, throughout; NaN and infinity become ``None``."""
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
            return None
        return float(f"{value:.{DIGITS}g}") if abs(value) < 10**DIGITS else round(value)
    if isinstance(value, Mapping):
        return {key: tidy(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(one) for one in value]
    return value
