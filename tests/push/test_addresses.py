"""Where a client goes next, and when: stated in vectors that the browser's clients obey too."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from push.addresses import Addresses, Loss, loss

FOLDER = Path(__file__).parent.parent / "vectors" / "addresses"
STORIES = sorted(FOLDER.glob("*.json"))


def test_there_are_stories_to_hold_the_client_to() -> None:
    assert len(STORIES) >= 10


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_python_client_goes_where_the_browser_goes(path: Path) -> None:
    story = json.loads(path.read_text())
    shares: list[float] = []
    addresses = Addresses(
        story["seeds"], story["first"], lambda: shares.pop(0), longest=story["longest"]
    )
    for number, step in enumerate(story["steps"]):
        shares[:] = step.get("shares", [])
        delay = _take(addresses, step)
        assert not shares, f"step {number} threw fewer dice"
        told: dict[str, Any] = {
            "delay": delay,
            "url": addresses.url,
            "unreachable": list(addresses.unreachable),
            "known": list(addresses.known),
        }
        for part, value in told.items():
            assert value == step.get(part, value), f"step {number}: {part}"


def _take(addresses: Addresses, step: dict[str, Any]) -> float | None:
    match step["do"]:
        case "welcomed":
            addresses.welcomed(step["peers"])
            return None
        case "moved":
            return addresses.moved(step["to"])
        case "lost":
            return addresses.lost(Loss(step["how"]))
        case other:
            assert other == "known"
            return None


@pytest.mark.parametrize(
    ("code", "welcomed", "waited", "silent", "how"),
    [
        (None, True, False, False, Loss.CUT),
        (None, False, False, False, Loss.GONE),
        (None, False, True, False, Loss.GONE),
        (None, True, False, True, Loss.GONE),
        (1012, True, False, False, Loss.SOON),
        (1012, False, False, False, Loss.SOON),
        (1012, False, True, False, Loss.AWAY),
        (1013, True, False, False, Loss.CUT),
        (1013, False, False, False, Loss.AWAY),
        (1011, False, False, False, Loss.AWAY),
    ],
)
def test_what_the_end_of_a_socket_means(
    code: int | None, *, welcomed: bool, waited: bool, silent: bool, how: Loss
) -> None:
    assert loss(code, welcomed=welcomed, waited=waited, silent=silent) is how


def _back_after(down: float, seed: int) -> float:
    """When a desktop is in again whose node answers 1012 until then; its tries cost no time."""
    dice = random.Random(seed)
    addresses = Addresses(["wss://a"], 0.5, dice.random)
    addresses.welcomed(())
    at = addresses.lost(Loss.SOON)
    while at < down:
        at += addresses.lost(Loss.SOON)
    return at


@pytest.mark.parametrize("down", [0.5, 1.0, 2.5, 5.0])
def test_two_hundred_desktops_are_back_a_moment_after_their_node(down: float) -> None:
    late = sorted(_back_after(down, seed) - down for seed in range(200))
    assert late[100] < 0.7
    assert late[-1] < 1.5


def _arrivals(seconds: float) -> Iterator[float]:
    for seed in range(2_000):
        dice = random.Random(seed)
        addresses = Addresses(["wss://a"], 0.5, dice.random)
        addresses.welcomed(())
        at = addresses.lost(Loss.CUT)
        while at < seconds:
            yield at
            at += addresses.lost(Loss.GONE)


def test_thousands_who_lost_a_node_together_do_not_come_back_together() -> None:
    tries = list(_arrivals(60.0))
    late = [sum(second <= at < second + 1 for at in tries) for second in range(20, 60)]
    assert max(late) < 2 * min(late), "no wave is left after twenty seconds"
    assert max(late) < 2_000 / 2, "and each comes every few seconds only"
