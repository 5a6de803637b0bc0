"""The rules of the house that import-linter cannot hold."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"gateway", "channels", "push", "bench", "tests"}

# What gateway.core may import: values, types and arithmetic. Nothing here waits, reads a clock,
# throws dice or touches the world.
PURE = {
    "__future__",
    "abc",
    "base64",
    "bisect",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "hmac",
    "heapq",
    "html",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "msgspec",
    "operator",
    "re",
    "statistics",
    "string",
    "textwrap",
    "types",
    "typing",
    "unicodedata",
    "zoneinfo",
}

# datetime and zoneinfo are values, but these of their functions read the clock.
CLOCK_READERS = {"now", "today", "utcnow"}

LONGEST = 400
# A module may be longer if a reader gains by it; say how.
LONG_BECAUSE = {
    "gateway/core/folds.py": "a function for each event of the closed list, and one table",
    "gateway/ports.py": "all seams stand on one page, so that a channel's author reads one file",
}


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(ROOT.joinpath(folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def declared(name: str) -> set[str]:
    lines = ROOT.joinpath("requirements", name).read_text(encoding="utf-8").splitlines()
    names = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if not line.startswith("-"))
    return {found[0].lower().replace("_", "-") for found in names if found}


def test_core_imports_values_only() -> None:
    strangers = {
        (short(path), name)
        for path in modules("gateway/core")
        for name in imports(path)
        if name.partition(".")[0] not in PURE and not name.startswith("gateway.core")
    }
    assert not strangers


def test_core_is_told_the_time() -> None:
    readers = [
        f"{short(path)}:{node.lineno}"
        for path in modules("gateway/core")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK_READERS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"datetime", "date", "dt"}
    ]
    assert not readers


def test_every_module_of_the_gateway_has_a_place() -> None:
    config = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["id"] == "layers")
    placed = set(re.findall(r"[\w.]+", " ".join(layers)))
    built = {
        f"gateway.{path.stem}"
        for path in ROOT.joinpath("gateway").iterdir()
        if path.stem != "__init__" and (path.suffix == ".py" or any(path.glob("*.py")))
    }
    assert built <= placed, "give it a layer in pyproject.toml, [tool.importlinter]"


def test_no_module_is_long_without_a_reason() -> None:
    long = {
        short(path)
        for path in modules("gateway", "channels", "push", "bench")
        if "node_modules" not in path.parts
        and len(path.read_text(encoding="utf-8").splitlines()) > LONGEST
    }
    assert long <= LONG_BECAUSE.keys(), f"over {LONGEST} lines: divide it, or say why not"


def test_gateway_is_an_empty_package() -> None:
    """Importing any part of it must cost that part alone."""
    assert not ROOT.joinpath("gateway", "__init__.py").read_bytes()


def test_tests_are_no_packages() -> None:
    assert not list(ROOT.joinpath("tests").rglob("__init__.py"))


def test_no_dependency_takes_our_names() -> None:
    """A top-level `channels` from elsewhere (Django Channels has one) would shadow ours."""
    installed = importlib.metadata.packages_distributions()
    taken = {name: set(installed.get(name, ())) - {"switchroom"} for name in OURS}
    assert not any(taken.values()), taken


def test_what_is_imported_is_declared() -> None:
    installed = importlib.metadata.packages_distributions()
    used = {
        name.partition(".")[0]
        for path in modules("gateway", "channels", "push")
        if "web" not in path.parts  # tools of the web app's workshop, in no wheel
        for name in imports(path)
    }
    foreign = used - OURS - set(sys.stdlib_module_names)
    wanted = {
        name: {re.sub("[_.]", "-", each.lower()) for each in installed.get(name, [name])}
        for name in foreign
    }
    base = declared("base.in") | {"yarl"}  # aiohttp's own face
    undeclared = {name for name, distributions in wanted.items() if not distributions & base}
    assert not undeclared, "name it in requirements/base.in with its reason, then `make lock`"


@pytest.mark.parametrize("name", ["base", "build", "dev", "bench", "node", "fuzz"])
def test_locks_hold_versions_and_hashes_only(name: str) -> None:
    lock = ROOT.joinpath("requirements", f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in lock
    assert not re.search(r"^\s*--(?!hash=)", lock, re.MULTILINE)
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", lock, flags=re.MULTILINE).strip())
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    locked = {entry.partition("==")[0] for entry in entries}
    assert declared(f"{name}.in") <= locked, "requirements changed: `make lock`"


def test_one_version_of_everything() -> None:
    """The lists are installed one over the other; they must agree."""
    pins: dict[str, set[str]] = {}
    for lock in ROOT.joinpath("requirements").glob("*.txt"):
        for name, version in re.findall(
            r"^(\S+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE
        ):
            pins.setdefault(name, set()).add(version)
    assert not {name: versions for name, versions in pins.items() if len(versions) > 1}


def test_the_npm_lock_names_no_place() -> None:
    lock = ROOT.joinpath("push", "web", "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert '"integrity"' in lock


@pytest.mark.parametrize("stage", ["sim", "e2e", "chaos"])
def test_a_stage_looks_for_its_tests_in_the_folder_of_its_name(stage: str) -> None:
    """The Makefile says so, for every worker reads every file that it is told of."""
    folder = ROOT / "tests" / stage
    marked = [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(rf"mark\.{stage}\b", path.read_text(encoding="utf-8"))
    ]
    assert [path for path in marked if folder not in path.parents] == []
    assert marked
