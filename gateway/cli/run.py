"""``switchroom run``: one node in the foreground."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def run(*, config: Annotated[Path | None, Parameter(env_var="SWITCHROOM_CONFIG")] = None) -> None:
    """Run one node in the foreground.

    Prints one line on stdout once it serves (``ready http=… agent=… chat=…``); logs go to stderr.
    SIGTERM drains and ends it.

    Example: switchroom run --config switchroom.toml

    Parameters
    ----------
    config
        The TOML file; left out, defaults and SWITCHROOM__SECTION__KEY variables count.
    """
    import channels
    from gateway import app
    from gateway import config as settings_of

    kinds = {name: kind.settings for name, kind in channels.table().items()}
    app.main(settings_of.load(config, os.environ, kinds))
