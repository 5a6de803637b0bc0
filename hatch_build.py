"""Hatchling's two questions to us: what do we depend on, and is the web app built?

The dependency list lives in requirements/base.in alone, where each line says why it is
there. The web app lives in push/static/, which git ignores: a wheel without it would start
and show an agent nothing, so such a wheel is refused here rather than found out later.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

WEB_BUILD = Path("push", "static")
ENTRY_PAGE = WEB_BUILD / "index.html"


def requirements(text: str) -> list[str]:
    """Return the requirements of a `.in` file, without comments and empty lines."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


class Metadata(MetadataHookInterface):
    """Fills `project.dependencies` from requirements/base.in, and takes the README if it is there.

    A container's build copies no README; the wheel it makes is never published.
    """

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        source = Path(self.root, "requirements", "base.in")
        metadata["dependencies"] = requirements(source.read_text(encoding="utf-8"))
        if Path(self.root, "README.md").is_file():
            metadata["readme"] = "README.md"


class WebApp(BuildHookInterface[Any]):
    """Puts push/static/ into the wheel, or stops the build."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # the tree itself is served; `make web` fills it when it is needed
        if not Path(self.root, ENTRY_PAGE).is_file():
            message = (
                f"the web app is not built: {ENTRY_PAGE} is missing. "
                "Run `make web` (needs Node 20 or later), then build again."
            )
            raise RuntimeError(message)
        build_data["artifacts"].append(f"{WEB_BUILD.as_posix()}/**")
