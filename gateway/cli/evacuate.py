"""``switchroom evacuate|return``: the planned move of a node, or of all nodes of a region."""

import time
from typing import Any

from gateway.cli.node import Node, Where, connect, quoted
from gateway.failures import Failed

EVERY_SECONDS = 0.5
_HERE = Where()


def evacuate(
    node: str | None = None, *, back: bool = False, wait: float = 120.0, where: Where = _HERE
) -> None:
    """Move all work, agents and customers of a node, or of a region, to the other nodes.

    Parameters
    ----------
    node
        A node's name, or a region's; left out, the node that is asked.
    back
        Let it take work again, as `switchroom return` does.
    wait
        Seconds to wait until nothing is left there; 0 returns at once.
    """
    asked = connect(where)
    names = _named(asked, node)
    verb = "return" if back else "evacuate"
    until = time.monotonic() + wait
    left = [_ask(asked, name, verb) for name in names]
    for one in left:
        print(_said(one))
    while not back and wait and (waiting := [one for one in left if not one["empty"]]):
        if time.monotonic() > until:
            what = "; ".join(_said(one) for one in waiting)
            raise Failed(f"not everything has moved after {wait:.0f} s: {what}")
        time.sleep(EVERY_SECONDS)
        left = [_ask(asked, one["name"], verb) for one in waiting]
        for one in left:
            if one["empty"]:
                print(_said(one))


def give_back(node: str | None = None, *, where: Where = _HERE) -> None:
    """Let a node that was evacuated, or all nodes of a region, take work again.

    Parameters
    ----------
    node
        A node's name, or a region's; left out, the node that is asked.
    """
    evacuate(node, back=True, where=where)


def _ask(asked: Node, name: str, verb: str) -> dict[str, Any]:
    answer: dict[str, Any] = asked.call("POST", f"/api/v1/nodes/{quoted(name)}/{verb}")
    return answer


def _named(asked: Node, node: str | None) -> list[str]:
    """The nodes that were meant. Raises ``Failed``."""
    if node is None:
        return [str(asked.call("GET", "/api/v1/bootstrap")["node"])]
    cards = asked.call("GET", "/api/v1/nodes")["items"]
    if any(card["name"] == node for card in cards):
        return [node]
    found = [card["name"] for card in cards if card["region"] == node and card["alive"]]
    if not found:
        known = ", ".join(sorted({card["name"] for card in cards}))
        raise Failed(f"{node!r} is neither a node nor a region with one; there are {known}")
    return found


def _said(one: dict[str, Any]) -> str:
    if not one["leaving"]:
        return f"{one['name']} takes work again."
    if one["empty"]:
        return f"{one['name']} has been evacuated: nothing is left there."
    left = f"{one['agents']} agents, {one['items']} items and {one['orders']} orders are left"
    why = f" ({one['hindrance']})" if one["hindrance"] else ""
    return f"{one['name']} is being evacuated: {left}{why}."
