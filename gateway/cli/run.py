"""``switchroom run``: one node in the foreground."""

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.failure import Failed
from gateway.cli.settings import needed_settings

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
    except BaseExceptionGroup as group:
        raise explained(first_of(group), settings) from group
    except Exception as error:
        raise explained(error, settings) from error


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error at the bottom of nested groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def explained(error: BaseException, settings: "Settings") -> BaseException:
    """A known trouble as one line that says what to do; anything else as it is."""
    from gateway.core.errors import GatewayError
    from gateway.store.contract import Fenced, Unavailable

    told: str | None = None
    match error:
        case Fenced():
            name = settings.node.name
            told = f"another process runs as node {name!r}: give each node a name of its own"
        case Unavailable():
            told = f"no database: {error}; check store.dsn with `switchroom check`"
        case GatewayError():
            told = str(error)
        case FileNotFoundError():
            told = f"there is no file {error.filename}: check the paths in http.tls"
        case OSError() if error.errno == errno.EADDRINUSE:
            told = (
                f"{settings.http.listen} is in use: stop what listens there, "
                "or choose another http.listen"
            )
        case OSError() if error.errno in (errno.EACCES, errno.EADDRNOTAVAIL):
            told = f"cannot listen on {settings.http.listen}: {error.strerror}"
        case _:
            pass
    return error if told is None else Failed(told)
