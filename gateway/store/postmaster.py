"""What ``postmaster.pid`` says of a running server.

PostgreSQL writes the file into its data directory: number, directory, start, port, socket
directory, address, shared memory, status, a line each.
"""

import os
from contextlib import suppress
from pathlib import Path

from msgspec import Struct


class Postmaster(Struct, frozen=True):
    """A server as its file tells it; whether it lives is ``runs``."""

    pid: int
    cluster: Path
    socket_dir: Path
    ready: bool

    def runs(self) -> bool:
        """Whether that process lives and is the server of this very directory."""
        with suppress(ChildProcessError):  # as process 1 of a container we inherit orphans
            os.waitpid(self.pid, os.WNOHANG)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return False  # another user's: the number was given away meanwhile
        return not _is_zombie(self.pid) and self._works_here()

    def _works_here(self) -> bool:
        """A server's working directory is its data directory."""
        with suppress(OSError):
            return Path(f"/proc/{self.pid}/cwd").readlink() == self.cluster.resolve()
        return True


def read_postmaster(cluster: Path) -> Postmaster | None:
    """The server that the directory's file names, dead or alive."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if len(lines) < 5 or not lines[0].strip().isdigit():
        return None  # it is being written
    status = lines[7].strip() if len(lines) > 7 else ""
    return Postmaster(int(lines[0]), cluster, Path(lines[4].strip()), status == "ready")


def _is_zombie(pid: int) -> bool:
    """Ended, and its parent has not asked yet: no server any more, though the number exists."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return words.rpartition(")")[2].split()[:1] == ["Z"]
