"""``switchroom explain``: a ticket's whereabouts, in words."""

from gateway.cli.node import Where, connect

_HERE = Where()


def explain(number: int, *, where: Where = _HERE) -> None:
    """Say where a ticket is, why it waits, who could take it, what happened to it.

    Parameters
    ----------
    number
        The ticket number.
    """
    node = connect(where)
    print(node.call("GET", f"/api/v1/cases/{number}/explain")["text"])
    items = [item for item in node.pages(f"/api/v1/items?q={number}") if item["number"] == number]
    for item in sorted(items, key=lambda one: one["created_at"]):
        print(f"\n{item['kind']} {item['id']}:")
        for entry in node.pages(f"/api/v1/items/{item['id']}/events"):
            print(f"  {entry['at'][:19].replace('T', ' ')}  {entry['text']}")
