"""Ends what a test started, also when the test itself was killed.

Servers detach themselves from whoever starts them, so a process group is not enough: everything
that works in a folder of our own, or was started with a file in it, is ours.
``guard`` starts a process that waits until its stdin ends, which is when whoever started
it is gone, then ends all of them and removes the folder.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 10.0


def processes_in(folder: Path) -> list[int]:
    """The live processes that work in ``folder`` or name it in their command line."""
    others = [e for e in Path("/proc").iterdir() if e.name.isdigit() and int(e.name) != os.getpid()]
    return sorted(int(entry.name) for entry in others if _belongs(entry, folder))


def send(pids: list[int], how: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)


def end_all(folder: Path) -> None:
    """Kill whatever works in ``folder`` and wait until it is gone."""
    deadline = time.monotonic() + SECONDS
    while (left := processes_in(folder)) and time.monotonic() < deadline:
        send(left, signal.SIGKILL)
        time.sleep(0.02)


def guard(folder: Path) -> "subprocess.Popen[bytes]":
    """A process that outlives us by the moment it takes to end what is in ``folder``."""
    return subprocess.Popen(
        [sys.executable, "-c", _WAIT, str(Path(__file__).parents[2]), str(folder)],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is not for it
    )


_WAIT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.support.orphans import watch
watch(Path(sys.argv[2]))
"""


def watch(folder: Path) -> None:
    sys.stdin.buffer.read()
    end_all(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _belongs(entry: Path, folder: Path) -> bool:
    try:
        words = (entry / "cmdline").read_bytes().decode(errors="replace")
        if not words or "tests.support.orphans" in words:
            return False  # a zombie has no words left; a guard's are not its own work
        cwd = (entry / "cwd").readlink()
    except OSError:
        return False
    return str(folder) in words or cwd == folder or folder in cwd.parents
