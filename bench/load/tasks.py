"""Systems that file tasks by REST: at a rate, or as many as are worked off.

Callbacks come to an HTTP server of its own, so that the generator knows when a task is done.
"""

import asyncio
import json
import time
from typing import Any

import aiohttp
from aiohttp import web

from bench.load.control import Answer, serve
from bench.load.tally import Tally


class Filers:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._http: aiohttp.ClientSession | None = None
        self._path = "/api/v1/tasks"
        self._callback = ""

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "begin":
                return await self._begin(**said)
            case "at_rate":
                return await self._at_rate(**said)
            case "run":
                return await self._run(**said)
            case other:
                raise ValueError(f"filers cannot {other!r}")

    async def _begin(self, url: str, token: str, *, callbacks: bool = False) -> Answer:
        self._http = aiohttp.ClientSession(
            url,
            headers={"Authorization": f"Bearer {token}"},
            connector=aiohttp.TCPConnector(limit=64),
        )
        if callbacks:
            app = web.Application()
            app.router.add_post("/told", self._told)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self._callback = f"http://127.0.0.1:{runner.addresses[0][1]}/told"
        return {}

    async def _file(self, title: str, key: str) -> None:
        if self._http is None:
            raise RuntimeError("say begin first")
        task: dict[str, Any] = {
            "title": title,
            "body": "The address on the account does not match the one on the letter.",
        }
        if self._callback:
            task["callback_url"] = f"{self._callback}?key={key}"
        body, headers = json.dumps(task), {"Idempotency-Key": f"bench-{key}"}
        async with self._http.post(
            self._path, data=body, headers={**headers, "Content-Type": "application/json"}
        ) as answer:
            if answer.status != 201:
                raise RuntimeError(f"filing answered {answer.status}: {await answer.text()}")

    # -- open loop --------------------------------------------------------------------------

    async def _at_rate(self, rate: float, seconds: float, batch: str = "a") -> Answer:
        """File at a rate; answers when each was due (CLOCK_MONOTONIC), by its mark."""
        times: list[tuple[int, float]] = []
        due, end = time.monotonic(), time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            while due < end:
                await asyncio.sleep(max(due - time.monotonic(), 0))
                mark = len(times)
                group.create_task(self._file(f"@t={mark}; Check the address", f"{batch}-{mark}"))
                times.append((mark, due))
                due += 1 / rate
        return {"times": times}

    # -- closed loop ------------------------------------------------------------------------

    async def _run(self, count: int, at_once: int) -> Answer:
        """File ``count``, no more than ``at_once`` open; answers when all have been worked off."""
        self.tally.begin(count, at_once)
        async with asyncio.TaskGroup() as group:
            while (key := await self.tally.next()) is not None:
                group.create_task(self._file(f"Check the address of customer {key}", key))
        return await self.tally.done()

    async def _told(self, request: web.Request) -> web.Response:
        said = await request.json()
        if said.get("event") == "item.completed":
            self.tally.finish(request.query["key"], request.headers.get("webhook-id", ""))
        return web.Response(status=204)


if __name__ == "__main__":
    serve(lambda: Filers().perform)
