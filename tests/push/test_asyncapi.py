"""The document of the protocol says what the code does."""

import ast
import re
from pathlib import Path
from typing import Any

from push.asyncapi import document
from push.protocol import ERROR_CODES, Close

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "protocols" / "agent.md").read_text()


def references(value: Any) -> set[str]:
    match value:
        case {"$ref": str(target)}:
            return {target}
        case dict():
            return {r for inner in value.values() for r in references(inner)}
        case list():
            return {r for inner in value for r in references(inner)}
        case _:
            return set()


def found(made: dict[str, Any], pointer: str) -> Any:
    for part in pointer.removeprefix("#/").split("/"):
        made = made[part]
    return made


def test_every_reference_leads_somewhere() -> None:
    made = document()
    assert references(made)
    for pointer in references(made):
        assert found(made, pointer)


def test_the_document_has_the_closed_list_of_errors_and_every_close_code() -> None:
    made = document()
    assert made["asyncapi"] == "3.0.0"
    assert made["components"]["schemas"]["Error"]["properties"]["code"]["enum"] == [*ERROR_CODES]
    assert set(made["x-close-codes"]) == {str(int(code)) for code in Close}


def test_every_frame_error_and_close_code_is_explained_in_the_docs() -> None:
    tags = {m["name"] for m in document()["components"]["messages"].values()}
    words = {*tags, *ERROR_CODES, *(str(int(code)) for code in Close)}
    assert {word for word in words if not re.search(rf"`{word}\b", DOCS)} == set()


def refusals(path: Path) -> set[str]:
    """The codes that a module refuses with."""
    codes = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused":
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant):
                codes.add(str(first.value))
    return codes


def test_no_command_is_refused_with_a_code_outside_the_list() -> None:
    modules = [
        *(ROOT / "push").glob("*.py"),
        *(ROOT / "gateway" / "core").glob("desk*.py"),
        *(ROOT / "gateway" / "core" / "desk").glob("*.py"),
        ROOT / "gateway" / "core" / "hands.py",
        ROOT / "gateway" / "flow" / "desk.py",
        ROOT / "gateway" / "flow" / "ledger.py",
    ]
    codes = set().union(*(refusals(path) for path in modules))
    assert {"not_yours", "offer_gone", "unavailable"} <= codes
    assert codes <= set(ERROR_CODES)
