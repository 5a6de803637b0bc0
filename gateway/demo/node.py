"""The demo's node: an ordinary node that also hands ``/demo/*`` to the process that keeps it."""

import os
import sys
from pathlib import Path

import channels
from gateway import app, config
from gateway.demo.control import routes
from gateway.failures import explained


def main() -> int:
    """``python -m gateway.demo.node FILE CONTROL_URL``, started by the keeper alone."""
    file, control_url = sys.argv[1:3]
    return explained(lambda: _serve(Path(file), control_url))


def _serve(file: Path, control_url: str) -> None:
    kinds = {name: kind.settings for name, kind in channels.table().items()}
    settings = config.load(file, os.environ, kinds)
    app.main(settings, extra=lambda node: routes(control_url, node.pages.has))


if __name__ == "__main__":
    sys.exit(main())
