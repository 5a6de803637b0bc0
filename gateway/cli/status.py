"""``switchroom status``: how it is just now."""

import json as jsons
import time
from typing import TYPE_CHECKING, Any

from gateway.cli.node import Node, Where, connect

if TYPE_CHECKING:
    from rich.console import RenderableType

EVERY_SECONDS = 2.0
_HERE = Where()


def status(*, json: bool = False, watch: bool = False, where: Where = _HERE) -> None:
    """Show nodes, channels, queues and agents.

    Parameters
    ----------
    json
        Print JSON instead of tables.
    watch
        Stay, and show it anew every two seconds.
    """
    node = connect(where)
    now = _ask(node)
    if json:
        print(jsons.dumps(now, indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.live import Live

    if not watch:
        Console().print(_drawn(now))
        return
    with Live(_drawn(now), auto_refresh=False) as live:
        while True:
            time.sleep(EVERY_SECONDS)
            live.update(_drawn(_ask(node)), refresh=True)


def _ask(node: Node) -> dict[str, Any]:
    live = node.call("GET", "/api/v1/live")
    figures = {one["name"]: one for one in live["nodes"]}
    cards = node.call("GET", "/api/v1/nodes")["items"]
    return {
        **live,
        "nodes": [{**figures.get(card["name"], {}), **card} for card in cards],
        "channels": node.call("GET", "/api/v1/channels")["items"],
    }


def _figures(node: dict[str, Any]) -> tuple[str, str, str]:
    """Who is ready there, how many wait, and how old that is; dashes: it does not say."""
    if "age" not in node:
        return "–", "–", "–"
    waiting = sum(queue["waiting"] for queue in node["queues"])
    age = f"{node['age']:.0f} s ago" if node["age"] else "now"
    return str(node["agents"]["ready"]), str(waiting), age


def _drawn(now: dict[str, Any]) -> "RenderableType":
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    columns = ("node", "region", "alive", "since", "ready", "waiting", "as of")
    nodes = Table(*columns, title="Nodes")
    for one in now["nodes"]:
        alive = (one["state"] or "yes") if one["alive"] else "no"
        row = (one["name"], one["region"], alive, one["started_at"][:19], *_figures(one))
        nodes.add_row(*(escape(cell) for cell in row))
    channels = Table("channel", "kind", "health", "reason", title="Channels")
    for one in now["channels"]:
        cells = (one["name"], one["kind"], one["health"], one["reason"])
        channels.add_row(*(escape(cell) for cell in cells))
    queues = Table("queue", "waiting", "longest", "offered", "in hand", title="Queues")
    for one in now["queues"]:
        longest = f"{one['longest_wait']:.0f} s"
        numbers = (str(one["waiting"]), longest, str(one["offered"]), str(one["in_hand"]))
        queues.add_row(escape(one["name"]), *numbers)
    people = now["agents"]
    line = (
        f"agents: {people['connected']} connected, {people['ready']} ready, "
        f"{people['busy']} at work; outbox: {now['outbox_pending']} pending"
    )
    return Group(nodes, channels, queues, line)
