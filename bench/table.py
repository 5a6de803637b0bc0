"""Writes the table of ``docs/performance.md`` from the results in ``var/bench``."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.frame import RESULTS, ROOT

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- table: python -m bench table -->", "<!-- end of table -->"
ORDER = (
    "start",
    "idle",
    "push",
    "storm",
    "journal",
    "offer",
    "rescore",
    "match",
    "day",
    "email",
    "sip",
    "chat",
    "failover",
)
HEAD = (
    "| bench | ours | peer | ours / peer | lost | duplicated | beside it |\n"
    "|---|---|---|---|---|---|---|"
)
APART = frozenset({"cpu_s", "cores", "missed", "repeated", "generator", "commits"})


def row(result: Mapping[str, Any]) -> str:
    """One line of the table."""
    peer = result["peer"]
    beside = ", ".join(
        f"{name} {value}"
        for name, value in result["details"].items()
        if name not in APART and isinstance(value, int | float) and not isinstance(value, bool)
    )
    cells = [
        result["bench"],
        f"{result['ours']} {result['unit']}",
        f"{peer['value']} ({peer['name']})" if peer else "none",
        result["ratio"] if result["ratio"] is not None else "",
        result["lost"],
        result["duplicated"],
        beside,
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(results: Iterable[Mapping[str, Any]]) -> str:
    """All results, in the order of the budget; those without a place in it come last."""
    place = {name: at for at, name in enumerate(ORDER)}
    ordered = sorted(results, key=lambda one: place.get(one["bench"], len(ORDER)))
    return "\n".join([HEAD, *map(row, ordered)])


def splice(page: str, text: str) -> str:
    """The page with ``text`` between its marks. Raises ``ValueError`` where there are none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for the table: {BEGIN} … {END}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def write(page: Path = PAGE, results: Path = RESULTS) -> None:
    """Put what was measured into the page, with the day of the newest result."""
    files = sorted(results.glob("*.json"))
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    newest = max((file.stat().st_mtime for file in files), default=0.0)
    day = datetime.fromtimestamp(newest, UTC).date().isoformat()
    text = f"Measured on {day}.\n\n{table(found)}"
    page.write_text(splice(page.read_text(encoding="utf-8"), text), encoding="utf-8")
