"""The demo's node: an ordinary node that also hands ``/demo/*`` to the process that keeps it."""

import os
import sys
from pathlib import Path

import channels
from gateway import app, config
from gateway.demo.control import routes


def main() -> int:
    """``python -m gateway.demo.node FILE CONTROL_URL``, started by the keeper alone."""
    file, control_url = sys.argv[1:3]
    kinds = {name: kind.settings for name, kind in channels.table().items()}
    settings = config.load(Path(file), os.environ, kinds)
    app.main(settings, extra=lambda _: routes(control_url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
