"""``switchroom review list|release|refuse|seen``."""

from gateway.cli.node import Where, connect, quoted
from gateway.cli.table import show_rows
from gateway.failures import Failed

_HERE = Where()


def show(*, json: bool = False, where: Where = _HERE) -> None:
    """List what rules held back, or want a supervisor to see.

    Parameters
    ----------
    json
        Print JSON instead of a table.
    """
    rows = connect(where).pages("/api/v1/reviews")
    columns = ("review", "number", "queue", "rule", "reason", "held", "agent", "preview")
    show_rows(rows, columns, as_json=json, empty="Nothing waits to be looked at.")


def release(review: str, *, reason: str = "", where: Where = _HERE) -> None:
    """Let a reply leave that a rule held back.

    Parameters
    ----------
    review
        The id, as `switchroom review list` shows it.
    reason
        For the record.
    """
    _conclude(review, "released", reason, where)
    print("It is on its way.")


def refuse(review: str, *, reason: str = "", where: Where = _HERE) -> None:
    """Keep a reply from leaving for good; its agent reads why.

    Parameters
    ----------
    review
        The id, as `switchroom review list` shows it.
    reason
        For its agent, and the record.
    """
    _conclude(review, "refused", reason, where)
    print("It does not leave.")


def seen(review: str, *, reason: str = "", where: Where = _HERE) -> None:
    """Say that somebody has looked at it.

    Parameters
    ----------
    review
        The id, as `switchroom review list` shows it.
    reason
        For the record.
    """
    _conclude(review, "seen", reason, where)
    print("It is noted.")


def _conclude(review: str, verdict: str, reason: str, where: Where) -> None:
    node = connect(where)
    rows = node.pages("/api/v1/reviews")
    item = next((row["item"] for row in rows if row["review"] == review), None)
    if item is None:
        raise Failed("nothing by that id waits to be looked at: `switchroom review list`")
    body = {"review": review, "verdict": verdict, "reason": reason}
    node.call("POST", f"/api/v1/items/{quoted(item)}/review", body)
