"""``switchroom simulate``: a day under several policies, before anybody has to live it."""

import sys
from pathlib import Path

import msgspec

from gateway.failures import Failed
from gateway.sim.compare import Row, compare, policies
from gateway.sim.scenario import BadScenario, load, scaled, shipped

BAR = 30
FIRST_SEED = 1


def simulate(
    scenario: str = "small-desk",
    *,
    policy: Path | None = None,
    scale: float = 1.0,
    seeds: int = 1,
    as_json: bool = False,
    scenarios: bool = False,
) -> None:
    """Play a day through the real routing in virtual time, and compare policies.

    Parameters
    ----------
    scenario
        A scenario that is shipped, or a TOML file with one.
    policy
        TOML with [[policy]] tables, each with a name and what it changes: [policy.every_queue],
        [policy.queues.NAME].
    scale
        The share of its contacts and agents; 0.1 for a quick look.
    seeds
        So many days, each with other contacts; the figures are their means.
    as_json
        The rows as JSON.
    scenarios
        Only list the scenarios that are shipped.
    """
    if scenarios:
        for name in shipped():
            print(f"{name:16} {load(name).summary}")
        return
    if not 0 < scale <= 1 or seeds < 1:
        raise Failed("--scale is above 0 and at most 1, --seeds at least 1")
    try:
        day = load(scenario)
        day = scaled(day, scale) if scale < 1 else day
        others = policies(policy) if policy else []
        rows = compare(day, others, range(FIRST_SEED, FIRST_SEED + seeds), _say)
    except BadScenario as error:
        raise Failed(str(error)) from error
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        return
    print(f"{day.name}: {day.contacts:,} contacts, {day.agents:,} agents. {day.summary}\n")
    show(rows)


def _say(words: str) -> None:
    """On stderr: what goes to stdout may be read by a program."""
    print(words, file=sys.stderr)


def show(rows: list[Row]) -> None:
    """A table of the figures and a bar of the service level by flow, for each policy."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(
        "policy", "in time", "ASA", "p50", "p95", "p99", "longest", "gave up", "occupancy"
    )
    for row in rows:
        table.add_row(
            row.policy,
            f"{row.service_level:.1%}",
            *map(_time, (row.asa, row.p50, row.p95, row.p99, row.longest)),
            f"{row.abandoned:,.0f}",
            f"{row.occupancy:.0%} ({row.occupancy_p10:.0%} to {row.occupancy_p90:.0%})",
        )
    console.print(table)
    wide = max(len(name) for row in rows for name in row.flows)
    for flow in rows[0].flows:
        print(f"\n{flow}, answered in time")
        for row in rows:
            share = row.flows[flow]
            print(f"  {row.policy:{max(wide, 12)}} {'█' * round(share * BAR):{BAR}} {share:.1%}")


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3_600:.1f} h"
