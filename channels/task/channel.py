"""The task channel: what it serves, and its attempts to tell filers how their tasks go."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Never

import msgspec

from channels.signing import derived_secret, headers, key_of
from channels.task import callback
from channels.task.filing import check, digest_of, filed, inbound_of, inbox_key
from channels.task.schema import Bulk, CallbackSecret, Filed, FiledBulk, Task, Tasks
from channels.task.settings import Settings
from gateway.core.errors import Refused
from gateway.core.inbound import Decided
from gateway.core.model import ChannelKind, Message
from gateway.ports import (
    Accepted,
    HttpAnswer,
    HttpRequest,
    HttpRoute,
    Limits,
    Memory,
    Outbound,
    Receipt,
    Route,
    Services,
)

MAX_TASK_BYTES = 1_048_576
MAX_BULK_BYTES = 8_388_608
TAG = "tasks"
_task = msgspec.json.Decoder(Task)
_bulk: msgspec.json.Decoder[Bulk | list[Task]] = msgspec.json.Decoder(Bulk | Tasks)


class TaskChannel:
    """Takes tasks by REST; see the package's docstring."""

    kind = ChannelKind.TASK
    limits = Limits(max_text=200_000, attachments=False)

    def __init__(self, settings: Settings, services: Services) -> None:
        self.name = settings.name
        self._settings = settings
        self._services = services
        self._secret = settings.secret or derived_secret(services.secret, settings.name)
        self._filing: dict[str, asyncio.Lock] = {}

    # -- filing -----------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        path = self._settings.path
        return [
            HttpRoute(
                method="POST",
                path=path,
                handle=self._file_one,
                summary="File a task",
                takes=Task,
                gives=Filed,
                status=201,
                tag=TAG,
                max_body=MAX_TASK_BYTES,
            ),
            HttpRoute(
                method="POST",
                path=f"{path}/bulk",
                handle=self._file_many,
                summary="File many tasks in one commit",
                takes=Bulk | Tasks,
                gives=FiledBulk,
                status=201,
                tag=TAG,
                max_body=MAX_BULK_BYTES,
            ),
            HttpRoute(
                method="GET",
                path=f"{path}/secret",
                handle=self._tell_secret,
                summary="What receivers check callbacks with",
                access="admin",
                gives=CallbackSecret,
                tag=TAG,
            ),
        ]

    async def _file_one(self, request: HttpRequest) -> HttpAnswer:
        task = _task.decode(request.body)
        self._check(task)
        digest = digest_of(request.body)
        inbound = inbound_of(
            task,
            channel=self.name,
            key=self._key(request),
            digest=digest,
            at=self._now(),
            filer=_who(request),
        )
        (accepted,) = await self._services.intake.receive([inbound])
        decided = await self._services.intake.decided(accepted)
        if decided.status != "processed":
            return _put_aside(decided)
        at = inbound.at
        if not accepted.fresh:
            at = (await self._first(decided, digest)).at
        body = self._filed(task, decided, at)
        location = {"Location": f"/api/v1/items/{body.id}"}
        return HttpAnswer(status=201, body=body, headers=location)

    async def _file_many(self, request: HttpRequest) -> HttpAnswer:
        found = _bulk.decode(request.body)
        tasks = found.tasks if isinstance(found, Bulk) else found
        where = "tasks[{}]." if isinstance(found, Bulk) else "[{}]."
        for n, task in enumerate(tasks):
            self._check(task, where.format(n))
        header = request.headers.get("idempotency-key")
        if header is None:
            return await self._file_all(request, tasks, None)
        key = inbox_key(_who(request), header)
        lock = self._filing.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                return await self._file_all(request, tasks, key)
        finally:
            if not lock.locked():
                self._filing.pop(key, None)

    async def _file_all(
        self, request: HttpRequest, tasks: Sequence[Task], key: str | None
    ) -> HttpAnswer:
        """``key`` is remembered with the body's digest by the same commit that takes the tasks."""
        digest, now, memory = digest_of(request.body), self._now(), None
        if key is not None:
            known = await self._services.memory.load(self.name, key)
            if known is not None and known != digest.encode():
                raise _reused()
            memory = Memory(key=key, value=digest.encode())
        inbounds = [
            inbound_of(
                task,
                channel=self.name,
                key=self._key(request, place=n),
                digest=digest,
                at=now,
                filer=_who(request),
            )
            for n, task in enumerate(tasks)
        ]
        taken = await self._services.intake.receive(inbounds, memory)
        items = [
            await self._outcome(task, accepted, digest, now)
            for task, accepted in zip(tasks, taken, strict=True)
        ]
        return HttpAnswer(status=201, body=FiledBulk(items=items))

    async def _outcome(self, task: Task, accepted: Accepted, digest: str, at: datetime) -> Filed:
        decided = await self._services.intake.decided(accepted)
        if decided.status != "processed":
            raise Refused("conflict", f"put aside for a person: {decided.reason}")
        if not accepted.fresh:
            at = (await self._first(decided, digest)).at
        return self._filed(task, decided, at)

    def _filed(self, task: Task, decided: Decided, at: datetime) -> Filed:
        queue = task.queue or self._settings.queue
        return filed(task, decided, channel=self.name, queue=queue, at=at)

    def _check(self, task: Task, where: str = "") -> None:
        check(task, private=self._settings.callback_private, where=where)
        if task.queue is not None and not self._services.knows_queue(task.queue):
            raise Refused("bad_field", f"there is no queue {task.queue!r}", f"{where}queue")

    def _key(self, request: HttpRequest, place: int | None = None) -> str:
        header = request.headers.get("idempotency-key")
        if header is None:
            return f"once:{secrets.token_hex(16)}"
        return inbox_key(_who(request), header, place)

    async def _first(self, decided: Decided, digest: str) -> Message:
        """What was filed with this key. Raises ``Refused`` if it was something else."""
        said: list[Message] = []
        if decided.case is not None and decided.seq is not None:
            said = await self._services.conversations.messages(
                decided.case, decided.seq - 1, customer_view=True, limit=1
            )
        if not said or said[0].client_id != digest:
            raise _reused()
        return said[0]

    def _now(self) -> datetime:
        return self._services.clock.now()

    async def _tell_secret(self, _request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(
            body=CallbackSecret(channel=self.name, secret=self._secret),
            headers={"Cache-Control": "no-store"},
        )

    # -- telling ----------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None]) -> Never:
        """There is no other side to stay connected to: waits to be cancelled."""
        ready()
        while True:
            await asyncio.Event().wait()

    async def send(self, out: Outbound) -> Receipt:
        """Call back once. Who named no callback finds the answer in the case."""
        if not out.address:
            return Receipt()
        body = callback.body_of(out)
        now = int(self._services.clock.now().timestamp())
        signed = {
            "Content-Type": "application/json",
            "User-Agent": "Switchroom",
            **headers(key_of(self._secret), out.id, now, body),
        }
        await callback.post(out.address, body, signed, private=self._settings.callback_private)
        return Receipt(external_id=out.id)

    async def check(self) -> list[tuple[str, str | None]]:
        """Nothing to connect to; says where tasks are filed and where callbacks may go."""
        where = f"tasks are filed at {self._services.public_url}{self._settings.path}"
        private = self._settings.callback_private
        reach = "callbacks may reach private addresses" if private else "callbacks: public only"
        return [(where, None), (reach, None)]


def _who(request: HttpRequest) -> str:
    return request.principal.name if request.principal is not None else ""


def _reused() -> Refused:
    return Refused("key_reused", "this key was used before with another body", "Idempotency-Key")


def _put_aside(decided: Decided) -> HttpAnswer:
    """On disk, but it needs a person: nothing is lost, and no item can be named yet."""
    body = {"status": decided.status, "reason": decided.reason}
    return HttpAnswer(status=202, body=body)


def open_task(settings: Settings, services: Services) -> TaskChannel:
    """The channel, ready to be run."""
    return TaskChannel(settings, services)
