"""Both ends of the talk between a benchmark and its generators: JSON lines over pipes."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvloop

LINE_BYTES = 256 * 1024 * 1024
"""A line may hold every latency of a run."""

Answer = dict[str, Any]
Perform = Callable[[dict[str, Any]], Awaitable[Answer]]


class GeneratorFailed(Exception):
    """A generator ended, or answered that it could not do what it was told."""


class Generator:
    """One generator's process, as the benchmark sees it."""

    def __init__(self, module: str, process: asyncio.subprocess.Process) -> None:
        self.module = module
        self._process = process
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, do: str, **words: Any) -> Answer:
        """Have it do something and wait for the answer. Raises ``GeneratorFailed``."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise GeneratorFailed(f"{self.module} has no pipes")
        async with self._turn:
            stdin.write(json.dumps({"do": do, **words}).encode() + b"\n")
            await stdin.drain()
            text = await stdout.readline()
        if not text:
            raise GeneratorFailed(f"{self.module} ended while doing {do!r}")
        answer: Answer = json.loads(text)
        if "failed" in answer:
            raise GeneratorFailed(f"{self.module}: {do!r}: {answer['failed']}")
        return answer

    async def end(self) -> None:
        """Have it stop by itself, or stop it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(5.0):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def busy(work: asyncio.Future[None] | None) -> bool:
    """Whether it goes on. Raises what it failed with."""
    if work is None or not work.done():
        return work is not None
    work.result()
    return False


@asynccontextmanager
async def generators(module: str, count: int = 1) -> AsyncIterator[list[Generator]]:
    """``count`` processes of ``bench.load.MODULE``."""
    started: list[Generator] = []
    try:
        for _ in range(count):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"bench.load.{module}",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_BYTES,
            )
            started.append(Generator(module, process))
        yield started
    finally:
        await asyncio.gather(*(one.end() for one in started))


async def ask_all(group: Sequence[Generator], do: str, **words: Any) -> list[Answer]:
    """The same to all of them, at once."""
    return list(await asyncio.gather(*(one.ask(do, **words) for one in group)))


def _reasons(error: BaseException) -> list[str]:
    """What went wrong, without the groups around it."""
    if isinstance(error, BaseExceptionGroup):
        return [reason for one in error.exceptions for reason in _reasons(one)][:5]
    return [f"{type(error).__name__}: {error}"]


# -- inside the generator's process ---------------------------------------------------------


async def _work(said: "asyncio.Queue[bytes]", act: Perform) -> None:
    while True:
        request = json.loads(await said.get())
        try:
            answer = await act(request)
        except Exception as error:  # noqa: BLE001 - told to the benchmark, which then fails
            answer = {"failed": ", ".join(_reasons(error))}
        print(json.dumps(answer), flush=True)


def serve(perform: Callable[[], Perform]) -> None:
    """Do what stdin says, line by line, until it ends. ``perform`` is made inside the loop."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=LINE_BYTES)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        said: asyncio.Queue[bytes] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            working = group.create_task(_work(said, perform()))
            while text := await reader.readline():
                said.put_nowait(text)
            # Nobody is there any more who would take an answer.
            working.cancel()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
