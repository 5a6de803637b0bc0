"""``switchroom quarantine list|retry|drop``."""

from gateway.cli.node import Where, connect, quoted
from gateway.cli.table import show_rows

_HERE = Where()


def show(*, json: bool = False, where: Where = _HERE) -> None:
    """List what arrived and could not be understood.

    Parameters
    ----------
    json
        Print JSON instead of a table.
    """
    rows = connect(where).pages("/api/v1/quarantine")
    columns = ("id", "channel", "at", "size", "subject", "reason")
    show_rows(rows, columns, as_json=json, empty="The quarantine is empty.")


def retry(inbound: str, *, where: Where = _HERE) -> None:
    """Look at a quarantined inbound once more.

    Parameters
    ----------
    inbound
        The id, as `switchroom quarantine list` shows it.
    """
    answer = connect(where).call("POST", f"/api/v1/quarantine/{quoted(inbound)}/retry")
    ticket = f", ticket {answer['number']}" if answer.get("number") else ""
    print(f"It is {answer['status']}{ticket}. {answer.get('reason', '')}".strip())


def drop(inbound: str, *, where: Where = _HERE) -> None:
    """Give a quarantined inbound up for good.

    Parameters
    ----------
    inbound
        The id, as `switchroom quarantine list` shows it.
    """
    connect(where).call("POST", f"/api/v1/quarantine/{quoted(inbound)}/drop")
    print("It was given up.")
