"""What a run of faults showed, as lines for the terminal and as a page that can be committed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from bench.load.town.audit import Findings, Logs, Repeat
from tests.chaos.deeds import Happened
from tests.chaos.plan import Kind

REJOIN_SECONDS = 20.0
"""How long after a fault its takeover may still come: the lease, and a node that begins again."""


class Takeover(Struct, frozen=True):
    """As the journal has it; the time of day."""

    node: str
    by: str
    at: float


class Tables(Struct, kw_only=True):
    """What our own tables say, after the people outside have been asked."""

    items: Counter[str]
    undecided: int
    unsent: int
    repaired: int
    takeovers: list[Takeover]
    in_two_places: int
    open: list[str]
    """The open items, a line each."""


class Verdict(Struct, kw_only=True):
    """Everything together."""

    seed: int
    faults: int
    minutes: float
    happened: list[Happened]
    findings: Findings
    tables: Tables
    still_open: dict[str, int]
    died: list[str]
    pauses: dict[Kind, list[float]] = field(default_factory=dict)

    @property
    def windows(self) -> list[tuple[float, float]]:
        return [(one.began, one.healed + REJOIN_SECONDS) for one in self.happened]

    @property
    def unexplained(self) -> list[Repeat]:
        return self.findings.unexplained(self.windows)

    @property
    def of_the_living(self) -> list[Takeover]:
        """Takeovers of nodes that no fault had taken away."""
        return [
            one
            for one in self.tables.takeovers
            if not any(
                one.node in fault.gone
                and fault.began_at <= one.at <= fault.healed_at + REJOIN_SECONDS
                for fault in self.happened
            )
        ]

    def broken(self) -> list[str]:
        """Every promise that did not hold, a line each; empty when all held."""
        found = self.findings
        tables = self.tables
        lines = [f"missing: {one}" for one in found.missing]
        lines += [f"duplicated: {one}" for one in found.duplicated]
        lines += [f"out of order: {one}" for one in found.disordered]
        lines += [f"repeated without a fault: {one}" for one in self.unexplained]
        lines += [f"a living node was taken over: {one}" for one in self.of_the_living]
        lines += [f"a node had to be begun again: {one}" for one in self.died]
        lines += [f"still open: {count} {what}" for what, count in self.still_open.items()]
        lines += [f"open: {one}" for one in tables.open]
        for what in ("undecided", "unsent", "repaired", "in_two_places"):
            count = getattr(tables, what)
            lines += [f"{what.replace('_', ' ')}: {count}"] if count else []
        return lines


def pauses(happened: Sequence[Happened], logs: Logs, evening: float) -> dict[Kind, list[float]]:
    """For each fault the longest time in which nobody outside was acknowledged anything.

    Until ``evening``, when people go home.
    """
    acks = sorted(_acks(logs))
    found: dict[Kind, list[float]] = defaultdict(list)
    if not happened or not acks:
        return found
    ends = [one.began for one in happened[1:]] + [evening]
    for one, end in zip(happened, ends, strict=True):
        inside = [at for at in acks if one.began <= at <= end]
        found[one.fault.kind].append(
            max((b - a for a, b in pairwise([one.began, *inside, end])), default=end - one.began)
        )
    return found


def _acks(logs: Logs) -> Iterable[float]:
    yield from (line[1] for line in logs.errands["acked"])
    for talk in logs.visitors["talks"]:
        yield from (line[1] for line in talk["acked"].values())
    for name in ("answered", "wrapped"):
        yield from (line[0] for line in logs.of_clerks(name))


def page(verdict: Verdict, command: str) -> str:
    """The report as Markdown."""
    broken = verdict.broken()
    lines = [
        "# Faults at random, and what the people outside saw",
        "",
        (
            f"`{command}` on {datetime.now(UTC).date()}: {len(verdict.happened)} of "
            f"{verdict.faults} planned faults in {verdict.minutes:.0f} minutes, "
            f"seed {verdict.seed}. The seed gives the same plan again."
        ),
        "",
        *_figures(verdict),
        "",
        *_by_kind(verdict),
        "",
        *_repeats(verdict),
        "",
        "## Promises that did not hold",
        "",
        *([f"* {line}" for line in broken] or ["None."]),
    ]
    return "\n".join(lines) + "\n"


def _figures(verdict: Verdict) -> list[str]:
    found, tables = verdict.findings, verdict.tables
    acked = ", ".join(f"{count:,} {what}" for what, count in found.acknowledged.items() if count)
    rows: list[tuple[str, Any]] = [
        ("acknowledged", acked),
        ("missing", len(found.missing)),
        ("duplicated", len(found.duplicated)),
        ("out of order", len(found.disordered)),
        ("repeated under the same identity", len(found.repeated)),
        ("… that no fault explains", len(verdict.unexplained)),
        ("takeovers", len(tables.takeovers)),
        ("… of living nodes", len(verdict.of_the_living)),
        ("items repaired by the reconciler", tables.repaired),
        ("items in the end", ", ".join(f"{n:,} {state}" for state, n in tables.items.items())),
    ]
    return ["| | |", "| --- | --- |", *(f"| {what} | {value} |" for what, value in rows)]


def _by_kind(verdict: Verdict) -> list[str]:
    head = [
        "## By kind of fault",
        "",
        (
            "The pause is the longest time in which nobody outside was acknowledged anything, by "
            "either node, from the fault until the next one."
        ),
        "",
        "| fault | times | longest pause | median pause |",
        "| --- | --- | --- | --- |",
    ]
    rows = []
    for kind in Kind:
        times = sorted(verdict.pauses.get(kind, ()))
        if times:
            middle = times[len(times) // 2]
            rows.append(f"| {kind} | {len(times)} | {times[-1]:.1f} s | {middle:.1f} s |")
    return head + rows


def _repeats(verdict: Verdict) -> list[str]:
    counted: Counter[tuple[str, str]] = Counter()
    for one in verdict.findings.repeated:
        causes = [
            str(fault.fault.kind)
            for fault, (begin, end) in zip(verdict.happened, verdict.windows, strict=True)
            if begin <= one.again and end >= one.first
        ]
        counted[one.what, causes[-1] if causes else "no fault"] += 1
    if not counted:
        return ["## Repeated", "", "Nothing."]
    rows = [f"| {what} | {cause} | {n} |" for (what, cause), n in sorted(counted.items())]
    return ["## Repeated", "", "| what | explained by | times |", "| --- | --- | --- |", *rows]


def keep(verdict: Verdict, command: str, path: Path) -> None:
    """Write the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(verdict, command), encoding="utf-8")
