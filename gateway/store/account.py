"""As whom the embedded PostgreSQL runs when the node runs as root, for PostgreSQL refuses to.

Not root: as ourselves. Root: as the owner of a data directory that exists, else as the system
user ``switchroom``, which is made on first use. Nobody's home is opened to others for it: where
a directory on the way (``/root``, say) is closed, the server keeps the one capability that lets
it pass (``CAP_DAC_READ_SEARCH``; it can read no more than the root process that starts it).
"""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from gateway.core.errors import GatewayError

SYSTEM_USER = "switchroom"
_CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}


class CannotStart(GatewayError):
    """The embedded PostgreSQL cannot run here; the text says what to do."""


class Account(Struct, frozen=True):
    """The user to run as, and the words to put before a command where bits are not enough."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def command(self, words: Sequence[str]) -> list[str]:
        return [*self.prefix, *words]

    def popen_arguments(self) -> dict[str, object]:
        """For ``subprocess``: a prefix changes the user itself."""
        if self.prefix or self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(data: Path, needed: Sequence[Path]) -> Account:
    """Whom to run as for ``data``, able to reach all of ``needed``. Raises ``CannotStart``."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    owner = data.stat() if data.exists() else None
    if owner is not None and owner.st_uid != 0:
        account = Account(owner.st_uid, owner.st_gid)
    else:
        entry = _system_user()
        account = Account(entry.pw_uid, entry.pw_gid)
    closed = next((d for path in needed for d in closed_to(account, path)), None)
    return account if closed is None else _passing(account, closed)


def closed_to(account: Account, path: Path) -> list[Path]:
    """The directories on the way to ``path`` that ``account`` may not pass."""
    return [p for p in path.parents if p.exists() and not _may_pass(account, p)]


def _may_pass(account: Account, directory: Path) -> bool:
    info = directory.stat()
    if info.st_uid == account.uid:
        return bool(info.st_mode & stat.S_IXUSR)
    if info.st_gid == account.gid:
        return bool(info.st_mode & stat.S_IXGRP)
    return bool(info.st_mode & stat.S_IXOTH)


def _passing(account: Account, closed: Path) -> Account:
    held = _capabilities()
    name = next((n for n, bit in _CAPABILITIES.items() if held >> bit & 1), None)
    setpriv = shutil.which("setpriv")
    if name is None or setpriv is None:
        raise CannotStart(
            f"PostgreSQL must not run as root, and the user it would run as cannot pass {closed}."
            f" Set node.data_dir to a place outside, or run 'chmod o+x {closed}', or run"
            " switchroom as an ordinary user, or name a database in store.dsn."
        )
    caps = f"+{name}"
    prefix = (
        setpriv,
        f"--reuid={account.uid}",
        f"--regid={account.gid}",
        "--clear-groups",
        f"--inh-caps={caps}",
        f"--ambient-caps={caps}",
        "--",
    )
    return Account(account.uid, account.gid, prefix)


def _capabilities() -> int:
    """The effective capabilities of this process; none where there is no ``/proc``."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = next((line for line in status.splitlines() if line.startswith("CapEff:")), "0")
    return int(found.split(":")[-1], 16)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    useradd = shutil.which("useradd")
    if useradd is not None:
        command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        # Another node may be doing the same right now: what counts is that the user exists.
        subprocess.run([*command, SYSTEM_USER], check=False, capture_output=True)  # noqa: S603
    for name in (SYSTEM_USER, "postgres"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CannotStart(
        f"PostgreSQL must not run as root, and there is no user {SYSTEM_USER!r} to run it as."
        f" Create one ('useradd --system {SYSTEM_USER}'), or run switchroom as an ordinary user,"
        " or name a database in store.dsn."
    )
