"""Thousands of signed-in desktops at a node: the setting of several benchmarks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bench.frame import Progress
from bench.load.control import Generator, ask_all, generators
from gateway.core.ids import AgentName, SkillName
from gateway.core.model import AgentProfile

DESKTOPS = 11_700
PROCESSES = 2
LANGUAGES = (
    "en de fr es it pt nl pl sv da no fi cs hu ro el tr ru uk he ar hi zh ja".split()  # noqa: SIM905
)
SKILLS = [f"skill-{n:02d}" for n in range(40)]


def staff(count: int = DESKTOPS) -> list[AgentProfile]:
    """Agents with two languages and five skills each, spread evenly."""
    return [
        AgentProfile(
            name=AgentName(f"agent-{n:05d}"),
            display_name=f"Agent {n}",
            skills={
                **{SkillName(LANGUAGES[(n + k * 7) % len(LANGUAGES)]): 3 + k for k in range(2)},
                **{SkillName(SKILLS[(n * 5 + k * 3) % len(SKILLS)]): 1 + k for k in range(5)},
            },
        )
        for n in range(count)
    ]


@asynccontextmanager
async def desktops(
    port: int,
    tokens: Sequence[str],
    say: Progress,
    *,
    path: str = "/agent/v1",
    dialect: str = "switchroom",
    stamped: Sequence[str] = (),
    processes: int = PROCESSES,
) -> AsyncIterator[list[Generator]]:
    """All of them, connected and in sync, in some processes."""
    subprotocol = "switchroom.agent.v1" if dialect == "switchroom" else ""
    async with generators("desktops", processes) as crowd:
        seconds = 0.0
        for n, one in enumerate(crowd):
            answer = await one.ask(
                "connect",
                host="127.0.0.1",
                port=port,
                path=path,
                tokens=list(tokens[n::processes]),
                dialect=dialect,
                subprotocol=subprotocol,
                stamped=list(stamped),
            )
            seconds += answer["seconds"]
        say(f"{len(tokens):,} desktops in sync after {seconds:.1f} s ({dialect})")
        yield crowd


class Heard:
    """What all desktops heard since they were last asked, added up."""

    def __init__(self, answers: Sequence[dict[str, Any]]) -> None:
        self.marks: list[tuple[int, float]] = [
            (number, at) for answer in answers for number, at in answer["marks"]
        ]
        self.kinds: dict[str, int] = {}
        for answer in answers:
            for kind, count in answer["kinds"].items():
                self.kinds[kind] = self.kinds.get(kind, 0) + count
        self.gaps = sum(answer["gaps"] for answer in answers)
        self.repeats = sum(answer["repeats"] for answer in answers)
        self.drops = sum(sum(answer["drops"].values()) for answer in answers)
        self.errors = [error for answer in answers for error in answer["errors"]]


async def heard(crowd: Sequence[Generator]) -> Heard:
    return Heard(await ask_all(crowd, "take"))
