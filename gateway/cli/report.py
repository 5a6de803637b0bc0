"""``switchroom report routing``."""

import json as jsons
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from gateway.cli.node import Where, connect
from gateway.cli.table import show_rows
from gateway.failures import Failed

_HERE = Where()
_BY = ("rule", "queue", "reason", "right_queue", "right_skill")
_NAMED = 5


def routing(
    *,
    days: float = 7.0,
    until: str | None = None,
    by: str = "",
    json: bool = False,
    where: Where = _HERE,
) -> None:
    """Show what agents said was not for them, and which rule and queue had led there.

    Parameters
    ----------
    days
        How many days, up to a year.
    until
        When they end, such as 2026-11-22T18:00:00+01:00; now unless given.
    by
        What the lines are about, with commas: rule, queue, reason, right_queue, right_skill. All
        unless given.
    json
        Print JSON instead of a table.
    """
    end = _moment(until) if until is not None else datetime.now(UTC)
    try:
        start = end - timedelta(days=days)
    except (OverflowError, ValueError) as error:
        raise Failed("--days: from 0 to 366", 2) from error
    asked = urlencode({"from": start.isoformat(), "to": end.isoformat(), "by": by})
    report = connect(where).call("GET", f"/api/v1/reports/routing?{asked}")
    if json:
        print(jsons.dumps(report, indent=2, ensure_ascii=False))
        return
    wanted = [word.strip() for word in by.split(",") if word.strip()] or list(_BY)
    rows = [_row(line, wanted) for line in report["lines"]]
    columns = (*(name for name in _BY if name in wanted), "told", "latest")
    empty = "Nobody said that anything was not for them."
    show_rows(rows, columns, as_json=False, empty=empty)


def _row(line: dict[str, Any], by: list[str]) -> dict[str, Any]:
    latest = " ".join(f"#{one['number']}" for one in line["latest"][:_NAMED])
    words = {name: line[name] or "–" for name in by}
    return {**words, "told": line["told"], "latest": latest}


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Failed(
            f"--until: {text!r} is no time such as 2026-11-22T18:00:00+01:00", 2
        ) from error
    return moment if moment.tzinfo is not None else moment.astimezone()
