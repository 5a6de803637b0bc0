"""Systems that file tasks at whichever node answers, and are told by callbacks how they went."""

import asyncio
import json
import random
import time
from typing import Any

import aiohttp
from aiohttp import web

from bench.load.control import Answer, busy, serve
from bench.load.town.marks import mark_of, new_mark

TRY_SECONDS = 8.0
REPEATED_SHARE = 0.1
"""How much of what was acknowledged is asked again, elsewhere if there is an elsewhere."""


class Errands:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.acked: list[list[Any]] = []
        """[begun, acknowledged, key, item]"""
        self.changed: list[list[str]] = []
        """[key, item, another item]: the same request again got another answer."""
        self.told: list[list[Any]] = []
        """[begun, ended, webhook-id, event, item, mark in the body]"""
        self.problems: dict[str, int] = {}
        self._urls: list[str] = []
        self._token, self._callback = "", ""
        self._slow = 0.0
        self._dice = random.Random(5)
        self._stop = asyncio.Event()
        self._filing: asyncio.Future[None] | None = None

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "begin":
                return await self._begin(**said)
            case "stop":
                self._stop.set()  # what was begun is carried through
                return {}
            case "how":
                done = {entry[4] for entry in self.told if entry[3] == "item.completed"}
                undone = sum(entry[3] not in done for entry in self.acked)
                return {"open": busy(self._filing) + undone}
            case "log":
                return {
                    "acked": self.acked,
                    "changed": self.changed,
                    "told": self.told,
                    "problems": self.problems,
                }
            case other:
                raise ValueError(f"errands cannot {other!r}")

    async def _begin(
        self, urls: list[str], token: str, filers: int, pace: list[float], slow: float
    ) -> Answer:
        """``pace``: seconds between a filer's tasks; ``slow``: until a callback is answered."""
        self._urls, self._token, self._slow = urls, token, slow
        self._stop.clear()
        if not self._callback:
            app = web.Application()
            app.router.add_post("/told", self._hear)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self._callback = f"http://127.0.0.1:{runner.addresses[0][1]}/told"
        self._filing = asyncio.get_running_loop().create_task(self._file_all(filers, pace))
        return {}

    async def _file_all(self, filers: int, pace: list[float]) -> None:
        async with (
            aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=aiohttp.ClientTimeout(total=TRY_SECONDS),
            ) as http,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(filers):
                group.create_task(self._file(http, pace))

    async def _file(self, http: aiohttp.ClientSession, pace: list[float]) -> None:
        while not self._stop.is_set():
            await asyncio.sleep(self._dice.uniform(*pace))  # the rate of the traffic
            key, begun = new_mark(), time.monotonic()
            url = self._dice.choice(self._urls)
            while (item := await self._ask(http, url, key)) is None:
                await asyncio.sleep(self._dice.uniform(0.05, 0.4))  # as a client backs off
                url = self._urls[(self._urls.index(url) + 1) % len(self._urls)]
            self.acked.append([begun, time.monotonic(), key, item])
            if self._dice.random() < REPEATED_SHARE:
                again = await self._ask(http, self._dice.choice(self._urls), key)
                if again not in {None, item}:
                    self.changed.append([key, item, str(again)])

    async def _ask(self, http: aiohttp.ClientSession, url: str, key: str) -> str | None:
        """The item's id, or None where it has to be asked again."""
        task = {
            "title": f"Check the address {key}",
            "body": f"It does not match. {key}",
            "callback_url": self._callback,
        }
        try:
            async with http.post(
                f"{url}/api/v1/tasks", json=task, headers={"Idempotency-Key": key}
            ) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._note(type(error).__name__)
            return None
        if answer.status == 201:
            return str(json.loads(text)["id"])
        self._note(f"{answer.status}" if answer.status >= 500 else f"{answer.status} {text[:200]}")
        return None

    def _note(self, problem: str) -> None:
        self.problems[problem] = self.problems.get(problem, 0) + 1

    async def _hear(self, request: web.Request) -> web.Response:
        begun = time.monotonic()
        said = json.loads(await request.read())
        delivery = request.headers.get("webhook-id", "")
        mark = mark_of(str(said.get("body", "")))
        entry = [begun, None, delivery, said["event"], said["item"], mark]
        self.told.append(entry)
        await asyncio.sleep(self._slow)  # leaves an attempt open for a kill to fall into
        entry[1] = time.monotonic()
        return web.Response(status=204)


if __name__ == "__main__":
    serve(lambda: Errands().perform)
