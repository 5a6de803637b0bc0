"""Where a command finds its configuration."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.failures import Failed

if TYPE_CHECKING:
    from gateway.config import Settings

DEFAULT = Path("switchroom.toml")


def config_path(given: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """``--config``, else ``SWITCHROOM_CONFIG``, else ``switchroom.toml`` if it is here."""
    if given is not None:
        return given
    named = environ.get("SWITCHROOM_CONFIG")
    if named:
        return Path(named)
    return DEFAULT if DEFAULT.is_file() else None


def load_settings(
    given: Path | None, environ: Mapping[str, str] = os.environ, *, needed: bool = True
) -> "Settings | None":
    """The settings. Raises ``Failed`` with every problem, a line each."""
    import channels
    from gateway.config import ConfigError, load

    path = config_path(given, environ)
    if path is None and needed:
        raise Failed(
            f"no configuration: give --config FILE, or run `switchroom init` to write {DEFAULT}", 2
        )
    if path is None:
        return None
    try:
        return load(path, environ, {name: t.settings for name, t in channels.table().items()})
    except ConfigError as error:
        if len(error.problems) == 1:
            raise Failed(f"{path}: {error}") from error
        more = "\n  ".join(error.problems)
        raise Failed(f"{path} has {len(error.problems)} problems:\n  {more}") from error


def needed_settings(given: Path | None) -> "Settings":
    """As ``load_settings``, for commands that cannot do without."""
    settings = load_settings(given)
    if settings is None:
        raise Failed("no configuration", 2)
    return settings
