"""SQL in named blocks.

A file in ``sql/`` holds blocks that begin with ``-- name: the_name`` and end where the next one
begins. They are read once, by ``Queries.load``, and asked for by name; a test prepares every
block against the migrated schema.
"""

import re
from collections.abc import Mapping
from importlib.resources import files

_BLOCK = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Queries:
    """Every block by its name."""

    def __init__(self, blocks: Mapping[str, str]) -> None:
        self._blocks = dict(blocks)

    @classmethod
    def load(cls) -> "Queries":
        """All blocks of all files. Raises ``ValueError`` if two have the same name."""
        blocks: dict[str, str] = {}
        for file in sorted(files("gateway.store").joinpath("sql").iterdir(), key=lambda f: f.name):
            if file.name.endswith(".sql"):
                for name, sql in parse(file.read_text("utf-8")).items():
                    if name in blocks:
                        raise ValueError(f"two SQL blocks are named {name!r}")
                    blocks[name] = sql
        return cls(blocks)

    def __getitem__(self, name: str) -> str:
        return self._blocks[name]

    def names(self) -> list[str]:
        return sorted(self._blocks)


def parse(source: str) -> dict[str, str]:
    """The blocks of one file."""
    parts = _BLOCK.split(source)
    return {name: sql.strip() for name, sql in zip(parts[1::2], parts[2::2], strict=True)}
