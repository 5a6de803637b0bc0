"""``switchroom channel pause|resume``."""

from gateway.cli.node import Where, connect, quoted

_HERE = Where()


def pause(name: str, *, where: Where = _HERE) -> None:
    """Take nothing more from a channel until it is resumed; what it had taken is safe.

    Parameters
    ----------
    name
        The channel's name.
    """
    connect(where).call("POST", f"/api/v1/channels/{quoted(name)}/pause")
    print(f"{name} is paused.")


def resume(name: str, *, where: Where = _HERE) -> None:
    """Start a paused or parked channel now.

    Parameters
    ----------
    name
        The channel's name.
    """
    connect(where).call("POST", f"/api/v1/channels/{quoted(name)}/resume")
    print(f"{name} starts again.")
