"""``switchroom run``: one node in the foreground."""

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.settings import needed_settings
from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings


def run(*, config: Path | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C, then drain.

    Parameters
    ----------
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    settings = needed_settings(config)
    from gateway import app

    try:
        app.main(settings)
    except BaseException as error:
        told = told_of(first_of(error), settings)
        if told is None:
            raise
        raise Failed(told) from error


def first_of(error: BaseException) -> BaseException:
    """The error at the bottom of nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def told_of(error: BaseException, settings: "Settings") -> str | None:
    """What the settings let us say better than ``failures`` can; ``None``: nothing."""
    from gateway.store.contract import Fenced, Unavailable

    match error:
        case Fenced():
            name = settings.node.name
            return f"another process runs as node {name!r}: give each node a name of its own"
        case Unavailable():
            return f"no database: {error}; `switchroom check` says more"
        case OSError() if error.errno == errno.EADDRINUSE:
            where = settings.http.listen
            return f"{where} is in use: stop what listens there, or choose another http.listen"
        case OSError() if error.errno in (errno.EACCES, errno.EADDRNOTAVAIL):
            return f"cannot listen on {settings.http.listen}: {error.strerror}"
        case _:
            return None
