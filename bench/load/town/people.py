"""The whole town: begins, goes home by and by, and tells what everybody has written down."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from msgspec import Struct

from bench.load.control import Generator, ask_all, generators
from bench.load.town.audit import Logs

Pace = tuple[float, float]


class Mailbox(Struct, frozen=True):
    """Where customers' mails lie: an IMAP server on loopback, without TLS."""

    port: int
    user: str
    password: str
    address: str


class Sizes(Struct, frozen=True, kw_only=True):
    """How many, and the seconds each waits between two acts."""

    chats: int
    filers: int
    clerk_pace: Pace
    chat_pace: Pace
    task_pace: Pace
    mail_pace: Pace
    slow: float = 0.05
    """Until a callback or a mail to a customer is said to be taken."""


class Town:
    """The processes, and what they are told to do."""

    def __init__(
        self,
        clerks: list[Generator],
        visitors: Generator,
        errands: Generator,
        letters: Generator,
        sizes: Sizes,
    ) -> None:
        self.clerks, self.visitors, self.errands, self.letters = clerks, visitors, errands, letters
        self.sizes = sizes
        self._seat: dict[str, Generator] = {}

    @property
    def pids(self) -> list[int]:
        return [one.pid for one in (*self.clerks, self.visitors, self.errands, self.letters)]

    async def post(self, port: int = 0) -> int:
        """Open the customers' mail server, at any port that is free or at this; its port."""
        answer = await self.letters.ask("open", slow=self.sizes.slow, port=port)
        return int(answer["smtp"])

    async def sign_in(self, people: Sequence[tuple[str, str, list[str]]]) -> None:
        """Agents by name, token and the sockets' addresses, the nearest first."""
        shares: list[list[tuple[str, str, list[str]]]] = [[] for _ in self.clerks]
        for n, person in enumerate(people):
            shares[n % len(shares)].append(person)
            self._seat[person[0]] = self.clerks[n % len(shares)]
        await asyncio.gather(
            *(
                clerks.ask("sign_in", people=share, pace=self.sizes.clerk_pace)
                for clerks, share in zip(self.clerks, shares, strict=True)
                if share
            )
        )

    async def sign_off(self, names: Sequence[str]) -> list[str]:
        """These finish what they have and go. Returns who could not, and stays."""
        asked: dict[Generator, list[str]] = {}
        for name in names:
            asked.setdefault(self._seat[name], []).append(name)
        answers = await asyncio.gather(
            *(clerks.ask("sign_off", names=some) for clerks, some in asked.items())
        )
        return [name for answer in answers for name in answer["late"]]

    async def customers(
        self, https: Sequence[str], sockets: Sequence[str], token: str, box: Mailbox | None
    ) -> None:
        """Everybody who wants something begins; returns once all chats are connected."""
        sizes = self.sizes
        await self.errands.ask(
            "begin", urls=https, token=token, filers=sizes.filers, pace=sizes.task_pace,
            slow=sizes.slow,
        )  # fmt: skip
        if box is not None:
            await self.letters.ask(
                "begin", imap=box.port, user=box.user, password=box.password, box=box.address,
                pace=sizes.mail_pace,
            )  # fmt: skip
        await self.visitors.ask("begin", urls=sockets, chairs=sizes.chats, pace=sizes.chat_pace)

    async def evening(self, seconds: float) -> dict[str, int]:
        """Nobody new comes; wait until nothing is open. Returns what is after ``seconds``."""
        end = time.monotonic() + seconds
        await ask_all([self.errands, self.letters, self.visitors], "stop")
        while time.monotonic() < end:
            left = await self.open()
            if not any(left.values()):
                return {}
            await asyncio.sleep(0.3)
        return await self.open()

    async def open(self) -> dict[str, int]:
        """What somebody still waits for."""
        people = {"tasks": self.errands, "mails": self.letters, "chats": self.visitors}
        left = {name: int((await one.ask("how"))["open"]) for name, one in people.items()}
        return {**left, "in agents' hands": sum(one["in_hand"] for one in await self.at_work())}

    async def attempt(self, seconds: float) -> None:
        """Wait until a node begins to send somebody a mail. Raises ``TimeoutError``."""
        async with asyncio.timeout(seconds):
            await self.letters.ask("attempt")

    async def sending(self) -> bool:
        """Whether a mail to a customer is under way just now, not yet said to be taken."""
        return bool((await self.letters.ask("how"))["sending"])

    async def at_work(self) -> list[dict[str, Any]]:
        """How the agents are, process by process."""
        return await ask_all(self.clerks, "how")

    async def logs(self, sockets: Sequence[str]) -> Logs:
        """Everything that anybody wrote down; transcripts are asked of the ``sockets``."""
        return Logs(
            clerks=await ask_all(self.clerks, "log"),
            visitors=await self.visitors.ask("log", urls=sockets),
            errands=await self.errands.ask("log"),
            letters=await self.letters.ask("log"),
        )


@asynccontextmanager
async def town(sizes: Sizes, clerks: int = 1) -> AsyncIterator[Town]:
    """``clerks``: in how many processes the agents live."""
    async with AsyncExitStack() as stack:
        crowd = await stack.enter_async_context(generators("town.clerks", clerks))
        (visitors,) = await stack.enter_async_context(generators("town.visitors"))
        (errands,) = await stack.enter_async_context(generators("town.errands"))
        (letters,) = await stack.enter_async_context(generators("town.letters"))
        yield Town(crowd, visitors, errands, letters, sizes)
