"""Where the embedded server's socket lives.

The path of a Unix socket has at most 107 bytes (103 on some systems), and a data directory may
stand deep. Then the socket goes into a runtime directory under a short name of its own.
"""

import os
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from gateway.store.account import Account, CannotStart, closed_to

LONGEST = 103
SOCKET = ".s.PGSQL.5432"


def socket_directory(data_dir: Path, account: Account) -> Path:
    """A directory of ours alone, short enough for a socket. Raises ``CannotStart``."""
    tried: list[str] = []
    for path in _candidates(data_dir):
        if len(os.fsencode(path / SOCKET)) > LONGEST:
            tried.append(f"{path}: too long")
            continue
        if not account.prefix and closed_to(account, path):
            tried.append(f"{path}: closed to the server's user")
            continue
        problem = _prepare(path, account)
        if problem is None:
            return path
        tried.append(f"{path}: {problem}")
    raise CannotStart(
        f"no place for PostgreSQL's socket ({'; '.join(tried)}): set XDG_RUNTIME_DIR to a short"
        " path, or choose a shorter node.data_dir"
    )


def _candidates(data_dir: Path) -> Iterator[Path]:
    yield data_dir / "run"
    short = f"switchroom-{sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / short
    if os.geteuid() == 0:
        yield Path("/run") / short
    yield Path(tempfile.gettempdir()) / short


def _prepare(path: Path, account: Account) -> str | None:
    """Make it ours; says what is wrong if it cannot be."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        if path.is_symlink():
            return "is a symbolic link"
        if path.lstat().st_uid == os.geteuid() != account.uid:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
        # Whoever owns the directory can stand in for the database: it must be nobody else's.
        if path.lstat().st_uid != account.uid:
            return "belongs to somebody else"
        path.chmod(0o700)
    except OSError as problem:
        return problem.strerror or str(problem)
    return None
