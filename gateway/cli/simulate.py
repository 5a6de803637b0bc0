"""``switchroom simulate``: a day under several policies, before anybody has to live it."""

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from gateway.cli.settings import needed_settings
from gateway.cli.simulated import Simulated, as_json, as_markdown, draw, show
from gateway.failures import Failed
from gateway.sim import compare as sides
from gateway.sim.ceiling import possible
from gateway.sim.compare import AS_IT_IS, AS_IT_WAS, Policy, Tried, compare, compared, policies
from gateway.sim.day import Day, throw
from gateway.sim.scenario import BadScenario, Scenario, load, scaled, shipped

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.store.days import Recording

FIRST_SEED = 1
ALL = "all"
STEP = 0.05
"""Of a range of agents."""
MOST_TRIED = 100
_PERCENT = r"[+-]?\d+(?:\.\d+)?%"


def simulate(
    scenario: str = "small-desk",
    *,
    policy: Path | None = None,
    baselines: bool = True,
    agents: Annotated[str, Parameter(allow_leading_hyphen=True)] = "",
    recorded: date | None = None,
    zone: str = "UTC",
    config: Path | None = None,
    scale: float = 1.0,
    seeds: int | None = None,
    held_out: bool = False,
    json: bool = False,
    markdown: bool = False,
    chart: Path | None = None,
    scenarios: bool = False,
) -> None:
    """Play a day through the real routing in virtual time, and compare policies and staffing.

    Parameters
    ----------
    scenario
        A scenario that is shipped, a TOML file with one, or "all" that are shipped.
    policy
        TOML with [[policy]] tables, each with a name and what it changes: [policy.every_queue],
        [policy.queues.NAME].
    baselines
        Compare with first come, first served, and with who has been idle longest, too.
    agents
        Try it with so many agents more or fewer as well: +5%, -10%, several with commas, or a
        range in steps of five: -10%..+10%.
    recorded
        Play a day again that has happened, as 2026-01-31, from the journal of the configured
        database, instead of a scenario.
    zone
        Where that day is, as Europe/Berlin.
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    scale
        The share of its contacts and agents; 0.1 for a quick look.
    seeds
        So many days, each with other contacts; the figures are their medians. Left out: as the
        scenario has it.
    held_out
        The days that the scenario keeps for judging: nothing has been chosen by them.
    json
        Everything as JSON.
    markdown
        The table alone, for a page.
    chart
        A file for the table and the bars as a picture (SVG).
    scenarios
        Only list the scenarios that are shipped.
    """
    if scenarios:
        for name in shipped():
            print(f"{name:16} {load(name).summary}")
        return
    if not 0 < scale <= 1 or (seeds is not None and seeds < 1):
        raise Failed("--scale is above 0 and at most 1, --seeds at least 1")
    try:
        tried = to_try(policy, baselines=baselines, agents=agents)
        if recorded is not None:
            found = [again(recorded, zone, config, tried)]
            report(found, json=json, markdown=markdown, chart=chart)
            return
        names = shipped() if scenario == ALL else [scenario]
        found = [
            _simulated(scaled(load(name), scale), seeds, tried, held_out=held_out) for name in names
        ]
    except BadScenario as error:
        raise Failed(str(error)) from error
    report(found, json=json, markdown=markdown, chart=chart)


def report(found: Sequence[Simulated], *, json: bool, markdown: bool, chart: Path | None) -> None:
    """Print it in the form that is asked for, and draw it."""
    if chart is not None:
        try:
            draw(found, chart)
        except OSError as error:
            raise Failed(f"{chart} cannot be written: {error.strerror}") from error
    if json:
        print(as_json(found))
    elif markdown:
        print(as_markdown(found), end="")
    else:
        from rich.console import Console

        show(found, Console())


def to_try(policy: Path | None, *, baselines: bool, agents: str) -> list[Tried]:
    """The queues as they are, what is compared with them, each at every staffing."""
    known = [Policy(name=AS_IT_IS), *(sides.baselines() if baselines else ())]
    known += policies(policy) if policy else []
    tried = [Tried(one, share) for share in (1.0, *shares(agents)) for one in known]
    if len(tried) > MOST_TRIED:
        raise Failed(f"that is {len(tried)} rows: try at most {MOST_TRIED} at once")
    return tried


def shares(text: str) -> list[float]:
    """``+5%`` is 1.05; ``-10%..+10%`` goes in steps of five. Raises ``Failed``."""
    found: dict[float, None] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        ends = part.split("..")
        if len(ends) > 2 or not all(re.fullmatch(_PERCENT, end) for end in ends):
            raise Failed(f"--agents {part!r}: say +5%, -10%, or a range as -10%..+10%")
        first, last = float(ends[0][:-1]) / 100, float(ends[-1][:-1]) / 100
        if last < first or first <= -1:
            raise Failed(f"--agents {part!r}: from less to more, and somebody must stay")
        steps = int((last - first) / STEP + 1e-9)
        found.update(dict.fromkeys(round(1 + first + n * STEP, 4) for n in range(steps + 1)))
    found.pop(1.0, None)
    return [*found]


def _simulated(
    scenario: Scenario, seeds: int | None, tried: Sequence[Tried], *, held_out: bool
) -> Simulated:
    numbers: Sequence[int] = scenario.held_out if held_out else scenario.seeds
    if held_out and not numbers:
        raise Failed(f"{scenario.name} holds no days out: give it `held_out = [...]`")
    if seeds is not None:
        numbers = numbers[:seeds] if held_out else range(FIRST_SEED, FIRST_SEED + seeds)
    could: list[float] = []

    def days() -> Iterator[Day]:
        for n in numbers:
            day = throw(scenario, n)
            could.append(possible(day))
            yield day

    rows = compare(days(), scenario.queues, tried, _say)
    return Simulated(
        name=scenario.name,
        summary=scenario.summary,
        contacts=sum(day.contacts for day in rows[0].days),
        days=tuple(f"seed {n}" for n in numbers),
        rows=tuple(rows),
        possible=median(could),
    )


def again(day: date, zone: str, config: Path | None, tried: Sequence[Tried]) -> Simulated:
    """A day of the journal, as it was and under all that is tried.

    Raises ``Failed``, ``BadScenario``, and the store's errors.
    """
    from gateway.sim.recorded import replayed

    begins, ends = _span(day, zone)
    found = replayed(asyncio.run(_read(needed_settings(config), begins, ends)))
    rows = compare([found.day], found.queues, tried, _say)
    was = compared(AS_IT_WAS, [found.was])
    return Simulated(
        name=f"{day} ({zone})",
        summary="As recorded.",
        contacts=len(found.day.contacts),
        days=(str(day),),
        notes=found.notes,
        rows=(was, *rows),
    )


async def _read(settings: "Settings", begins: datetime, ends: datetime) -> "Recording":
    from gateway.cli.access import reached
    from gateway.store.days import read_day

    async with reached(settings) as con:
        return await read_day(con, begins, ends)


def _span(day: date, zone: str) -> tuple[datetime, datetime]:
    """From its midnight to the next one there."""
    try:
        there = ZoneInfo(zone)
    except (ValueError, KeyError, OSError) as error:
        raise Failed(f"--zone {zone!r}: there is no such zone; say Europe/Berlin, say") from error
    first, last = (datetime.combine(one, time(), there) for one in (day, day + timedelta(days=1)))
    return first.astimezone(UTC), last.astimezone(UTC)


def _say(words: str) -> None:
    """On stderr: what goes to stdout may be read by a program."""
    print(words, file=sys.stderr)
