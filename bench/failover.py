"""What dies, and how long until everybody is served again; nothing lost, nothing done twice.

Two nodes in two regions over one PostgreSQL that Patroni keeps on two servers with synchronous
replication, all of it on this machine (``tests/support`` starts it as plain processes). Agents
work through the product's client, customers chat over their own sockets, mails lie in a mailbox,
tasks are filed at whichever node answers: ``bench.load.town``. Each part begins with nodes and
people of its own, and ends when everybody has got what was promised, or has not.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from bench.frame import Options, Progress, scratch
from bench.load.town.audit import Findings, Logs, audit
from bench.load.town.people import Mailbox, Sizes, Town, town
from bench.node import free_port, seed
from bench.report import Budget, Report
from bench.spent import Spent
from gateway.core.ids import AgentName, QueueName
from gateway.core.model import AgentProfile, Queue
from gateway.demo.mailserver import Account, DemoMail
from tests.support.patroni import NAME as DATABASE
from tests.support.patroni import Member, PatroniCluster, running_cluster
from tests.support.process import TOKEN
from tests.support.regions import Region, Regions, running_regions

BUDGETS = (
    Budget(figure="ours", limit=8, better="less"),
    Budget(figure="database_s", limit=5, better="less"),
    Budget(figure="database_machine_s", limit=25, better="less"),
)
ONE_POOL = Queue(name=QueueName("general"), display_name="General", overflow_after=0)
"""Agents of both regions take what comes to either."""
BOX = "support@bench.example"
STRUCK = "east"
FROZEN_SECONDS = 45.0
BEFORE_SECONDS, AFTER_SECONDS, EVENING_SECONDS = 10.0, 10.0, 180.0
SERVED_SECONDS = 90.0
SOON_SECONDS = 30.0
"""After the blow: by then silence has been noticed (2.5 heartbeats)."""
HEARTBEAT_SECONDS = 10.0


class Scene(Struct):
    """One part as it runs."""

    both: Regions
    town: Town
    struck: Region
    primary: Member

    @property
    def cluster(self) -> PatroniCluster:
        return self.both.cluster


class Part(Struct, frozen=True, kw_only=True):
    """A blow, how long it lasts, and what makes it good again."""

    figure: str
    """The name of its time in ``details``."""
    of_node: bool
    blow: Callable[[Scene], Awaitable[None]]
    seconds: float
    heal: Callable[[Scene], Awaitable[None]]


async def _kill_node(scene: Scene) -> None:
    await scene.struck.kill()


async def _start_node(scene: Scene) -> None:
    await scene.struck.start()


async def _freeze_node(scene: Scene) -> None:
    scene.struck.freeze()


async def _thaw_node(scene: Scene) -> None:
    scene.struck.thaw()


async def _kill_postgres(scene: Scene) -> None:
    scene.cluster.kill_postgres(scene.primary)


async def _kill_machine(scene: Scene) -> None:
    scene.cluster.kill_member(scene.primary)


async def _start_machine(scene: Scene) -> None:
    scene.cluster.start_member(scene.primary)


async def _freeze_machine(scene: Scene) -> None:
    scene.cluster.freeze(scene.primary)


async def _thaw_machine(scene: Scene) -> None:
    scene.cluster.thaw(scene.primary)


async def _nothing(scene: Scene) -> None:
    """Patroni makes it good by itself."""


PARTS: Mapping[str, Part] = {
    "node-killed": Part(
        figure="node_s", of_node=True, blow=_kill_node, seconds=15.0, heal=_start_node
    ),
    "primary-killed": Part(
        figure="database_s", of_node=False, blow=_kill_postgres, seconds=10.0, heal=_nothing
    ),
    "machine-killed": Part(
        figure="database_machine_s",
        of_node=False,
        blow=_kill_machine,
        seconds=30.0,
        heal=_start_machine,
    ),
    "node-frozen": Part(
        figure="node_frozen_s",
        of_node=True,
        blow=_freeze_node,
        seconds=FROZEN_SECONDS,
        heal=_thaw_node,
    ),
    "machine-frozen": Part(
        figure="database_frozen_s",
        of_node=False,
        blow=_freeze_machine,
        seconds=FROZEN_SECONDS,
        heal=_thaw_machine,
    ),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--tasks-a-second", type=float, default=4.0)
    parser.add_argument("--mails-a-second", type=float, default=2.0)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")


async def measure(options: Options, say: Progress) -> Report:
    names = options.only.split(",")
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise SystemExit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    details: dict[str, Any] = {"agents": options.agents, "chats": options.chats}
    found: list[Findings] = []
    with scratch("failover") as path:
        mail = DemoMail([Account(address=BOX)], max_mails=1_000_000)
        ports = await mail.start()
        try:
            async with running_cluster() as cluster:
                say("the database is whole")
                spent = Spent(cluster)
                for n, name in enumerate(names):
                    one = _Run(options, say, cluster, ports.imap, path / name, spent)
                    findings, figures = await one.run(name, n)
                    found.append(findings)
                    details |= figures
        finally:
            await mail.stop()
    details["disordered"] = sum(len(one.disordered) for one in found)
    details["cpu_s"] = spent.seconds()
    details["generator"] = "two processes of agents, one each for chats, tasks and mails"
    return Report(
        bench="failover",
        ours=details.pop("node_s", float("nan")),
        unit="s",
        peer=None,
        lost=sum(len(one.missing) for one in found),
        duplicated=sum(len(one.duplicated) for one in found),
        repeated=sum(len(one.repeated) for one in found),
        details=details,
        budgets=BUDGETS,
    )


class _Run:
    """One part."""

    def __init__(
        self,
        options: Options,
        say: Progress,
        cluster: PatroniCluster,
        imap: int,
        path: Path,
        spent: Spent,
    ) -> None:
        self._options, self._say, self._cluster = options, say, cluster
        self._box = Mailbox(imap, BOX, "demo", BOX)
        self._path, self._spent = path, spent

    async def run(self, name: str, number: int) -> tuple[Findings, dict[str, Any]]:
        """The ``number`` keeps its people's names apart from those of other parts."""
        self._path.mkdir()
        await self._cluster.whole(120)
        async with self._scene(number) as scene:
            watch = asyncio.TaskGroup()
            async with watch:
                cpu = watch.create_task(self._spent.watch(scene.both, scene.town))
                findings, figures = await self._play(name, PARTS[name], scene)
                cpu.cancel()
        return findings, figures

    @asynccontextmanager
    async def _scene(self, number: int) -> AsyncIterator[Scene]:
        """Both nodes serve, everybody is signed in, and customers come."""
        people = await self._people(number)
        rates = self._options
        sizes = Sizes(
            chats=rates.chats,
            filers=8,
            clerk_pace=(1.0, 3.0),
            chat_pace=(2.0, 5.0),
            task_pace=(0.5 * 8 / rates.tasks_a_second, 1.5 * 8 / rates.tasks_a_second),
            mail_pace=(0.5 / rates.mails_a_second, 1.5 / rates.mails_a_second),
        )
        async with town(sizes, clerks=2) as outside:
            smtp = await outside.post(free_port())
            channels = _channels(self._box, smtp)
            async with running_regions(
                self._path, self._cluster, lambda _: channels, heartbeat=HEARTBEAT_SECONDS
            ) as both:
                await outside.sign_in(_seated(people, both))
                await outside.customers(both.https, both.sockets, TOKEN, self._box)
                self._say(f"{len(people)} agents and {rates.chats} chats are connected")
                primary = await self._cluster.primary()
                yield Scene(both, outside, both.named(STRUCK), primary)

    async def _people(self, number: int) -> list[tuple[str, str]]:
        names = [f"part{number}-agent-{n:04}" for n in range(self._options.agents)]
        people = [AgentProfile(name=AgentName(name), display_name=name) for name in names]
        tokens = await seed(None, people, () if number else (ONE_POOL,), dsn=self._cluster.dsn)
        return list(zip(names, tokens, strict=True))

    async def _play(self, name: str, part: Part, scene: Scene) -> tuple[Findings, dict[str, Any]]:
        await asyncio.sleep(BEFORE_SECONDS)  # ordinary life: what is struck must be at work
        struck = time.monotonic()
        await part.blow(scene)
        orphans = await self._orphans() if part.of_node else set()
        self._say(f"{name}: struck; {len(orphans)} items queued or offered there")
        await asyncio.sleep(struck + part.seconds - time.monotonic())  # the fault lasts so long
        await part.heal(scene)
        await scene.both.serving(SERVED_SECONDS)
        await asyncio.sleep(AFTER_SECONDS)  # ordinary life again, before the evening's account
        open_ = await scene.town.evening(EVENING_SECONDS)
        logs = await scene.town.logs(scene.both.sockets)
        findings = audit(logs)
        findings.missing += [f"{count} {what}" for what, count in open_.items() if count]
        figures = _figures(part, logs, orphans, struck)
        self._tell(name, findings, figures)
        return findings, figures

    async def _orphans(self) -> set[str]:
        """What the node that is gone had to offer, or had offered."""
        con = await self._cluster.connect(await self._cluster.primary(), database=DATABASE)
        try:
            rows = await con.fetch(
                "SELECT id FROM item WHERE owner = $1 AND state IN ('queued', 'offered')", STRUCK
            )
        finally:
            await con.close()
        return {str(row["id"]) for row in rows}

    def _tell(self, name: str, found: Findings, figures: Mapping[str, Any]) -> None:
        shown = ", ".join(f"{figure} {value:.2f}" for figure, value in figures.items())
        acked = ", ".join(f"{count} {what}" for what, count in found.acknowledged.items())
        self._say(f"{name}: {shown}")
        self._say(
            f"{name}: {acked}; missing {len(found.missing)}, duplicated {len(found.duplicated)},"
            f" repeated {len(found.repeated)}"
        )
        for line in [*found.missing[:5], *found.duplicated[:5], *found.disordered[:5]]:
            self._say(f"{name}: {line}")


def _channels(box: Mailbox, smtp: int) -> Sequence[Mapping[str, Any]]:
    plain = {"host": "127.0.0.1", "security": "none"}
    return [
        {
            "kind": "email",
            "name": "mail",
            "address": box.address,
            "imap": {**plain, "port": box.port, "user": box.user, "password": box.password},
            "smtp": {**plain, "port": smtp},
        },
        {"kind": "webchat", "name": "site", "per_minute": 1_000},
        {"kind": "task", "name": "backoffice", "callback_private": True},
    ]


def _seated(people: Sequence[tuple[str, str]], both: Regions) -> list[tuple[str, str, list[str]]]:
    """Each has one node first and the other second, by turns."""
    urls = [f"{url}/agent/v1" for url in both.sockets]
    return [(name, token, urls[n % 2 :] + urls[: n % 2]) for n, (name, token) in enumerate(people)]


def _figures(part: Part, logs: Logs, orphans: set[str], struck: float) -> dict[str, Any]:
    """Seconds after the blow."""
    name = part.figure.removesuffix("_s")
    # What is dropped by the blow, not by what comes after it: a node that begins again, the end.
    soon = struck + SOON_SECONDS
    desktops = [line for line in logs.of_clerks("outages") if struck <= line[0] <= soon]
    chats = [line for line in logs.visitors["outages"] if struck <= line[0] <= soon]
    figures: dict[str, Any] = {}
    if part.of_node:
        first: dict[str, float] = {}
        for line in logs.of_clerks("offers"):
            if line[0] > struck and line[4] != STRUCK:
                first.setdefault(line[1], line[0] - struck)
        figures[part.figure] = max((first[i] for i in orphans if i in first), default=float("nan"))
        figures[f"{name}_orphans"] = len(orphans)
        figures[f"{name}_orphans_not_offered"] = len(orphans - first.keys())
    else:
        acks = [line[1] for line in logs.errands["acked"] if line[0] >= struck]
        figures[part.figure] = min(acks, default=float("nan")) - struck
    back = "desktops_back_s" if part.figure == "node_s" else f"{name}_desktops_back_s"
    figures[back] = _last_back(desktops, struck)
    figures[f"{name}_desktops_lost"] = len({line[2] for line in desktops})
    figures[f"{name}_chats_back_s"] = _last_back(chats, struck)
    return figures


def _last_back(outages: Sequence[list[Any]], struck: float) -> float:
    """When the last one was back; not a number if one is not, nought if none was away."""
    backs = [line[1] for line in outages]
    return float("nan") if None in backs else max(backs, default=struck) - struck
