"""How simulated days are shown: a table, bars, JSON, and all of it as a picture."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from gateway.sim.compare import Margin, Row, margin

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

BAR = 30
COLUMNS = ("policy", "in time", "ASA", "median", "p95", "longest", "gave up", "busy", "fair")
MARGINS = ("day by day", "in time, points", "ASA", "p95", "fair")
COLOURS = ("green", "blue", "yellow", "magenta", "cyan", "red")
_WIDE = 140
_PICTURE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px;
line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect width="100%" height="100%" fill="#ffffff"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Simulated(Struct, frozen=True, kw_only=True):
    """One scenario, or one recorded day, under all that was tried."""

    name: str
    summary: str
    contacts: int
    days: tuple[str, ...]
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...]
    possible: float | None = None
    """The share that could have been answered in time at all; ``None``: nobody knows."""


def as_json(found: Sequence[Simulated]) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def as_markdown(found: Iterable[Simulated]) -> str:
    """A table for each, to be put into a page."""
    parts = []
    for one in found:
        lines = [COLUMNS, ("---",) * len(COLUMNS), *(_cells(row) for row in one.rows)]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        parts.append(f"**{one.name}**: {_heading(one)}\n\n{table}\n")
        if margins := _margins(one):
            lines = [MARGINS, ("---",) * len(MARGINS), *margins]
            parts.append("\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n")
    return "\n".join(parts)


def show(found: Iterable[Simulated], console: "Console") -> None:
    """The tables, and bars of each flow for every policy."""
    for one in found:
        console.print(f"[bold]{one.name}[/]: {_heading(one)}", highlight=False)
        for note in one.notes:
            console.print(f"  {note}", highlight=False)
        console.print(_table(COLUMNS, [_cells(row) for row in one.rows]))
        if margins := _margins(one):
            console.print(_table(MARGINS, margins))
        console.print(_bars(one), "")


def draw(found: Iterable[Simulated], file: Path) -> None:
    """The same as a picture: SVG."""
    import io

    from rich.console import Console
    from rich.terminal_theme import DEFAULT_TERMINAL_THEME

    console = Console(record=True, width=_WIDE, file=io.StringIO(), force_terminal=True)
    show(found, console)
    text = console.export_svg(theme=DEFAULT_TERMINAL_THEME, code_format=_PICTURE, unique_id="days")
    file.write_text(text, encoding="utf-8")


def _heading(one: Simulated) -> str:
    days = f"{len(one.days)} days, " if len(one.days) > 1 else ""
    said = f"{days}{one.contacts:,} contacts"
    if len(one.days) > 1:
        said += " in all"
    said = f"{said}. {one.summary}"
    if one.possible is not None:
        said += f" At most {one.possible:.2%} can be in time: for the rest nobody is there who can."
    return said


def _margins(one: Simulated) -> list[tuple[str, ...]]:
    """Day by day, the first row beside each other; none for a single day."""
    ours, *others = one.rows
    if len(one.days) < 2 or any(len(row.days) != len(ours.days) for row in others):
        return []
    return [
        (
            f"{ours.policy} less {other.policy}",
            _difference(margin(ours, other, "service_level"), lambda share: f"{share * 100:+.2f}"),
            *(_difference(margin(ours, other, name), apart) for name in ("asa", "p95")),
            _difference(margin(ours, other, "fairness"), lambda index: f"{index:+.3f}"),
        )
        for other in others
    ]


def _difference(found: Margin, said: Callable[[float], str]) -> str:
    span = f"{said(found.median)} ({said(found.least)} to {said(found.most)})"
    return f"{span}: {found.better}-{found.level}-{found.worse}"


def apart(time: float) -> str:
    """A difference of two times."""
    return f"{'-' if time < 0 else '+'}{seconds(abs(time))}"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.policy,
        f"{row.service_level:.2%}",
        *map(seconds, (row.asa, row.p50, row.p95, row.longest)),
        f"{row.abandoned:,.0f}",
        f"{row.occupancy:.1%}",
        f"{row.fairness:.3f}",
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for n, name in enumerate(columns):
        table.add_column(name, justify="right" if n else "left", no_wrap=n > 0)
    for cells in rows:
        table.add_row(*map(escape, cells))
    return table


def _bars(one: Simulated) -> "RenderableType":
    """For each flow and policy the share that was answered in time, and how soon on average."""
    from rich.bar import Bar
    from rich.markup import escape
    from rich.table import Table

    table = Table("answered in time", "", "", "", "ASA", box=None)
    for flow in one.rows[0].flows:
        for n, row in enumerate(one.rows):
            found = row.flows[flow]
            colour = COLOURS[n % len(COLOURS)]
            table.add_row(
                escape(flow) if n == 0 else "",
                escape(row.policy),
                Bar(1.0, 0.0, found.service_level, width=BAR, color=colour),
                f"{found.service_level:.1%}",
                seconds(found.asa),
            )
    return table


def seconds(time: float) -> str:
    """In the unit that fits."""
    if time < 100:
        return f"{time:.1f} s"
    if time < 6_000:
        return f"{time / 60:.1f} min"
    return f"{time / 3_600:.1f} h"
