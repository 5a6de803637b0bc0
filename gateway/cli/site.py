"""``switchroom site list|close|open``."""

from typing import Any

from gateway.cli.node import Where, connect, quoted

_HERE = Where()


def show(*, where: Where = _HERE) -> None:
    """List the sites, how far each is open and who sits there."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("site", "open", "agents", "at work", "closed out", "reason", "by")
    for one in connect(where).call("GET", "/api/v1/sites")["items"]:
        numbers = (f"{one['open_percent']} %", one["agents"], one["connected"], one["closed"])
        cells = (one["name"], *map(str, numbers), one["reason"], one["by"])
        table.add_row(*(escape(cell) for cell in cells))
    Console().print(table)


def close(
    name: str,
    *,
    reason: str,
    percent: int = 100,
    return_work: bool = False,
    where: Where = _HERE,
) -> None:
    """Take the agents of a site out of routing at once; what is offered to them goes elsewhere.

    Parameters
    ----------
    name
        The site's name, as the agents' entries have it.
    reason
        Why: its agents read it, and it stays in the journal.
    percent
        How much of it is closed then, from 1 to 100.
    return_work
        What they work on goes back to the queues too; without it they may finish.
    """
    wish = {
        "open_percent": 100 - percent,
        "reason": reason,
        "in_hand": "return" if return_work else "keep",
    }
    _tell(connect(where).call("PUT", f"/api/v1/sites/{quoted(name)}", wish))


def reopen(name: str, *, where: Where = _HERE) -> None:
    """Have all agents of a site in routing again.

    Parameters
    ----------
    name
        The site's name.
    """
    _tell(connect(where).call("PUT", f"/api/v1/sites/{quoted(name)}", {"open_percent": 100}))


def _tell(site: dict[str, Any]) -> None:
    if site["open_percent"] == 100:
        print(f"{site['name']} is open: {site['agents']} agents, {site['connected']} at work.")
        return
    print(
        f"{site['name']} is open by {site['open_percent']} %: "
        f"{site['closed']} of {site['agents']} agents get nothing new."
    )
