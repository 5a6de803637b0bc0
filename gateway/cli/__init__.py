"""The command line: one small module per command, imported when it runs, so that --help is instant.

Exit codes: 0 done, 1 failed (one line says what to do), 2 used wrongly.
"""

import sys
from collections.abc import Sequence

from cyclopts import App

COMMANDS = {
    "demo": "gateway.cli.demo:demo",
    "run": "gateway.cli.run:run",
}


def application() -> App:
    """Every command, by name; none of their modules is imported yet."""
    app = App(
        name="switchroom",
        help="The contact gateway: every channel, one queue, the right person, nothing lost.",
        version_flags=["--version"],
    )
    for name, target in COMMANDS.items():
        app.command(target, name=name)
    return app


def main(tokens: Sequence[str] | None = None) -> None:
    """The entry point ``switchroom``. Ends the process with the command's exit code."""
    from gateway.failures import explained

    sys.exit(explained(lambda: application()(tokens)))
