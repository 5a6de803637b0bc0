"""``switchroom apply``: a declaration of who works here and where things wait."""

import re
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from gateway.cli.node import Where, connect
from gateway.failures import Failed

SECTIONS = {
    "hours": "hours",
    "service_policy": "service_policies",
    "queue": "queues",
    "skill": "skills",
    "code": "codes",
    "agent": "agents",
    "rule": "rules",
    "macro": "macros",
    "canned": "canned",
    "letter": "letters",
}
EXAMPLES = "example"
"""What `switchroom rules test` tries the rules on; nothing to be applied."""
SIGNS = {"add": "+", "change": "~", "remove": "-"}
_HEADER = re.compile(r"\s*\[\[?\s*([\w.-]+)\s*\]\]?")
_NAMED = re.compile(r"""\s*name\s*=\s*["']([^"']+)["']""")
_ABOUT = re.compile(r"(\w+) '([^']+)'")
_HERE = Where()


def apply(file: Path, *, yes: bool = False, where: Where = _HERE) -> None:
    """Show what a declaration changes, ask, and apply it at once. Idempotent.

    Parameters
    ----------
    file
        TOML with [[queue]], [[skill]], [[code]], [[agent]], [[hours]], [[service_policy]],
        [[rule]], [[macro]], [[canned]] and [[letter]] tables, each with a name; what is to go
        stands in one table: [remove]
        queues = ["old"], skills = [...], codes = [...], hours = [...], service_policies = [...],
        rules = [...], macros = [...], canned = [...], letters = [...]. Hours may name a file of
        holidays beside this one: ical_file = "holidays.ics". [[example]] tables are for
        `switchroom rules test`.
    yes
        Apply without asking.
    """
    declaration = read(file)
    node = connect(where)
    answer = node.call("PUT", "/api/v1/directory?dry_run=1", declaration)
    differences = answer["differences"]
    warn(file, answer["warnings"])
    if not differences:
        print(f"Nothing to do: all {answer['unchanged']} entries are so already.")
        return
    show(differences)
    if not yes and not _agreed(len(differences)):
        print("Nothing was changed.")
        return
    node.call("PUT", "/api/v1/directory", declaration)
    print(f"Applied {_count(len(differences))}.")


def read(file: Path) -> dict[str, Any]:
    """The declaration as REST takes it. Raises ``Failed``."""
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Failed(f"there is no file {file}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Failed(f"{file}: {error}") from error
    found: dict[str, Any] = {}
    for key, entries in tree.items():
        if key == EXAMPLES:
            continue
        if key == "remove":
            if not isinstance(entries, dict):
                raise Failed(f"{file}: write [remove] once, with lists of names in it")
            found[key] = entries
            continue
        name = SECTIONS.get(key, key)
        if name not in SECTIONS.values():
            allowed = ", ".join([*(f"[[{one}]]" for one in SECTIONS), "[remove]"])
            raise Failed(f"{file}: unknown section {key!r}; there are {allowed}")
        if not isinstance(entries, list):
            raise Failed(f"{file}: write [[{key}]] with double brackets, once for each entry")
        found.setdefault(name, []).extend(entries)
    for entry in found.get("hours", []):
        _with_file(entry, file)
        _with_dates(entry)
    return found


def _with_dates(entry: dict[str, Any]) -> None:
    """Dates of TOML as REST takes them."""
    for day in (*entry.get("holidays", ()), *entry.get("extra", ())):
        if isinstance(day, dict) and isinstance(day.get("date"), date):
            day["date"] = day["date"].isoformat()


def _with_file(entry: dict[str, Any], beside: Path) -> None:
    """The text of the file that hours name."""
    name = entry.pop("ical_file", None)
    if name is None:
        return
    path = beside.parent / str(name)
    try:
        entry["ical"] = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{path}: {error}") from error


def show(differences: list[dict[str, Any]]) -> None:
    """A line for each entry that is new or goes, one for each field that changes."""
    for one in differences:
        sign = SIGNS[one["change"]]
        print(f"{sign} {one['kind']} {one['name']}")
        for field, (before, after) in one["fields"].items():
            if one["change"] == "change":
                print(f"    {field}: {before!r} → {after!r}")
            elif after not in ("", {}, [], None):
                print(f"    {field}: {after!r}")


def warn(file: Path, warnings: list[str]) -> None:
    """A line for each thing that may be meant otherwise, with its place in the file."""
    places = places_of(file.read_text(encoding="utf-8")) if warnings else {}
    for one in warnings:
        about = _ABOUT.match(one)
        line = places.get((about[1], about[2])) if about else None
        where = f"{file}:{line}: " if line is not None else ""
        print(f"! {where}{one}")


def places_of(text: str) -> dict[tuple[str, str], int]:
    """In which line each entry is named (the first is 1), by section and name."""
    places: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = header[1]
        elif named := _NAMED.match(line):
            places.setdefault((section, named[1]), number)
    return places


def _agreed(count: int) -> bool:
    if not sys.stdin.isatty():
        raise Failed("nobody is here to ask: add --yes to apply")
    return input(f"Apply {_count(count)}? [y/N] ").strip().lower() in ("y", "yes")


def _count(number: int) -> str:
    return "1 change" if number == 1 else f"{number} changes"
