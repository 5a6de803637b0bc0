"""``switchroom run``: one node in the foreground."""

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.settings import needed_settings
from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings

UNWRITABLE = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR}
)


def run(*, config: Path | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C, then drain.

    Parameters
    ----------
    config
        The configuration file; without it SWITCHROOM_CONFIG, else ./switchroom.toml.
    """
    settings = needed_settings(config)
    from gateway import app
    from gateway.rejoin import leaves

    try:
        app.main(settings)
    except BaseException as error:
        told = told_of(next(leaves(error)), settings)
        if told is None:
            raise
        raise Failed(told) from error


def told_of(error: BaseException, settings: "Settings") -> str | None:  # noqa: PLR0911 - one for each
    """What the settings let us say better than ``failures`` can; ``None``: nothing."""
    from gateway.store.contract import Fenced, Unavailable, VersionConflict

    match error:
        case Fenced():
            name = settings.node.name
            return f"another process runs as node {name!r}: give each node a name of its own"
        case VersionConflict():
            return f"the database is not as the node believed: {error}; start it again, and report"
        case Unavailable():
            return f"no database: {error}; `switchroom check` says more"
        case OSError(filename=str() as file) if error.errno in UNWRITABLE:
            folder = settings.node.data_dir
            return (
                f"cannot write to {file}: {error.strerror}; node.data_dir ({folder}) must be a"
                " folder that this user may write to"
            )
        case OSError() if error.errno == errno.EADDRINUSE:
            where = settings.http.listen
            return f"{where} is in use: stop what listens there, or choose another http.listen"
        case OSError() if error.errno in (errno.EACCES, errno.EADDRNOTAVAIL):
            return f"cannot listen on {settings.http.listen}: {error.strerror}"
        case _:
            return None
