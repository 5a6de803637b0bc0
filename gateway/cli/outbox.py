"""``switchroom outbox list|retry|drop``."""

from gateway.cli.node import Where, connect, quoted
from gateway.cli.table import show_rows

_HERE = Where()


def show(*, json: bool = False, where: Where = _HERE) -> None:
    """List what is on its way to the outside, or failed.

    Parameters
    ----------
    json
        Print JSON instead of a table.
    """
    rows = connect(where).pages("/api/v1/outbox")
    columns = ("id", "channel", "number", "address", "state", "attempts", "reason")
    show_rows(rows, columns, as_json=json, empty="Nothing waits to be sent.")


def retry(outbound: str, *, where: Where = _HERE) -> None:
    """Try a delivery now.

    Parameters
    ----------
    outbound
        The id, as `switchroom outbox list` shows it.
    """
    connect(where).call("POST", f"/api/v1/outbox/{quoted(outbound)}/retry")
    print("It is being tried.")


def drop(outbound: str, *, where: Where = _HERE) -> None:
    """Give a delivery up.

    Parameters
    ----------
    outbound
        The id, as `switchroom outbox list` shows it.
    """
    connect(where).call("POST", f"/api/v1/outbox/{quoted(outbound)}/drop")
    print("It was given up.")
