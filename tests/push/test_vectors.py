"""The law of the desktop, as the browser's reducer is held to it, for the Python client."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from push.protocol import Snapshot, decode_server
from push.reducer import Desktop

FOLDER = Path(__file__).parent.parent / "vectors" / "desk"
VALUES = json.loads((FOLDER / "_values.json").read_text())
STORIES = sorted(p for p in FOLDER.glob("*.json") if not p.name.startswith("_"))


def resolved(value: Any) -> Any:
    """The value with every ``$use`` replaced."""
    match value:
        case {"$use": name}:
            return {**resolved(VALUES[name]), **resolved(value.get("with", {}))}
        case dict():
            return {key: resolved(inner) for key, inner in value.items()}
        case list():
            return [resolved(inner) for inner in value]
        case _:
            return value


def held(desktop: Desktop) -> dict[str, Any]:
    """What the desktop holds, in the form of the vectors."""

    def plain(value: Any) -> Any:
        return json.loads(msgspec.json.encode(value))

    return {
        "epoch": desktop.epoch,
        "seq": desktop.seq,
        "waiting": desktop.waiting,
        "state": plain(desktop.state),
        "capacity": plain(desktop.capacity),
        "offers": [plain(desktop.offers[o]) for o in sorted(desktop.offers)],
        "items": [plain(desktop.items[i]) for i in sorted(desktop.items)],
        "messages": plain(desktop.messages),
        "deliveries": plain(desktop.deliveries),
        "typing": plain(desktop.typing),
    }


def test_there_are_stories_to_hold_the_client_to() -> None:
    assert len(STORIES) >= 10


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_python_client_obeys_the_law(path: Path) -> None:
    story = resolved(json.loads(path.read_text()))
    desktop = Desktop()
    for number, step in enumerate(story["frames"]):
        try:
            verdict = desktop.apply(decode_server.decode(json.dumps(step["frame"]))).value
        except msgspec.ValidationError:
            verdict = "ignored"  # as the client does with a frame of a later protocol
        assert verdict == step["verdict"], f"frame {number}"
    for part, expected in story["state"].items():
        assert held(desktop)[part] == expected, part
    if "same_as" in story:
        fresh = Desktop()
        snapshot = decode_server.decode(json.dumps(story["same_as"]))
        assert isinstance(snapshot, Snapshot)
        fresh.apply(snapshot)
        for part in ("epoch", "seq", "state", "capacity", "offers", "items"):
            assert held(desktop)[part] == held(fresh)[part], part
