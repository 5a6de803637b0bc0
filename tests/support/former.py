"""The version before this one, as it stood in git, for running it beside the present one."""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.editions import VECTORS

ROOT = Path(__file__).parents[2]
CODE = ("gateway", "channels", "push")


def former_version(edition: int, folder: Path) -> Path:
    """A tree of the code that was the last of an edition (``tests/vectors/edition/N/commit``).

    Skips the test in a checkout without its history (an archive, a shallow clone), which nobody
    can install; raises where there is a history that lacks the commit.
    """
    commit = (VECTORS / str(edition) / "commit").read_text("utf-8").strip()
    done = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, *CODE],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        if _has_history():
            raise RuntimeError(f"git has no {commit}: {done.stderr.decode(errors='replace')}")
        pytest.skip(f"the history of git does not reach back to edition {edition}")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    static = ROOT / "push" / "static"
    if static.exists() and not (folder / "push" / "static").exists():
        (folder / "push" / "static").symlink_to(static)
    return folder


def _has_history() -> bool:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--is-shallow-repository"],
        capture_output=True,
        check=False,
        text=True,
    )
    return done.returncode == 0 and done.stdout.strip() == "false"
