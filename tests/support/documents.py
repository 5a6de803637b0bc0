"""Writes what the documents take from the code: every configuration key, and the state diagram.

``make docs`` runs it; ``tests/docs`` fails while what is committed differs from what it writes.
"""

import inspect
import re
import sys
import types
import typing
from pathlib import Path
from typing import Any

import msgspec

import channels
from gateway.config import ENV_PREFIX, SECTIONS
from gateway.core.lifecycle import diagram

ROOT = Path(__file__).parent.parent.parent
_HEAD = f"""# Configuration

One TOML file: `--config FILE`, or `SWITCHROOM_CONFIG`. Any key can be set by an environment
variable `{ENV_PREFIX}SECTION__KEY`, which wins over the file. A secret is a string,
`{{ env = "NAME" }}` or `{{ file = "PATH" }}` (relative to the configuration's folder). Unknown
keys and bad values are refused at the start, all of them at once. `switchroom init` writes a
commented file, `switchroom check` tries everything in it. `make docs` writes this page.
"""


def configuration() -> str:
    """``docs/configuration.md``."""
    parts = [_HEAD]
    for name, kind in SECTIONS.items():
        parts += [f"## `[{name}]`\n", _about(kind), *_table(kind, "")]
    for name, channel in sorted(channels.table().items()):
        parts += [
            f'## `[[channel]]` of kind "{name}"\n',
            _about(channel.settings),
            *_table(channel.settings, ""),
        ]
    return "\n".join(parts).rstrip() + "\n"


def architecture(page: str) -> str:
    """``docs/architecture.md`` with the state diagram as the table has it."""
    return re.sub(
        r"```mermaid\n.*?\n```", lambda _: f"```mermaid\n{diagram()}\n```", page, flags=re.DOTALL
    )


def _about(kind: type[Any]) -> str:
    return re.sub(r"``", "`", inspect.getdoc(kind) or "") + "\n"


def _table(kind: type[Any], prefix: str) -> list[str]:
    rows = ["| key | default | type |", "| --- | --- | --- |"]
    nested: list[str] = []
    for field in msgspec.structs.fields(kind):
        name = f"{prefix}{field.encode_name}"
        inner = _struct(field.type)
        rows.append(f"| `{name}` | {_default(field)} | {_type(field.type)} |")
        if inner is not None:
            nested += [f"`{name}`: {_about(inner)}", *_table(inner, f"{name}.")]
    return [*rows, "", *nested]


def _default(field: Any) -> str:
    if field.required:
        return "*needed*"
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{field.default_factory()!r}`"
    return "" if field.default in ("", None) else f"`{field.default!r}`"


def _struct(kind: Any) -> type[Any] | None:
    for option in _options(kind):
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return option
    return None


def _options(kind: Any) -> tuple[Any, ...]:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return typing.get_args(kind)
    return (kind,)


def _type(kind: Any) -> str:
    words = []
    for option in _options(kind):
        base, bounds = option, ""
        if typing.get_origin(option) is typing.Annotated:
            base, *meta = typing.get_args(option)
            bounds = ", ".join(
                f"{name} {value}"
                for m in meta
                for name in ("ge", "gt", "le", "lt")
                if (value := getattr(m, name, None)) is not None
            )
        if typing.get_origin(base) is typing.Literal:
            words.append(" or ".join(f"`{v}`" for v in typing.get_args(base)))
        elif base is not type(None):
            name = getattr(base, "__name__", str(base)) if not typing.get_args(base) else str(base)
            words.append(f"{name.replace('|', 'or')} ({bounds})" if bounds else name)
    return " or ".join(words)


def written() -> dict[Path, str]:
    """Every file this writes, with what it should hold."""
    page = ROOT / "docs" / "architecture.md"
    return {
        ROOT / "docs" / "configuration.md": configuration(),
        page: architecture(page.read_text("utf-8")),
    }


def main() -> int:
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
