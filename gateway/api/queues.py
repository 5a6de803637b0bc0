"""Queues, and the two tables of names: skills and wrap-up codes."""

from gateway.api.base import Done, Listed, Paged, asked, by, read, record, whole
from gateway.api.directory_types import NameEntry, QueueEntry, named, named_entry, queue_from
from gateway.api.house import House
from gateway.api.intent import refuse_channels, refuse_work_elsewhere
from gateway.api.needs import Labels
from gateway.core import events as e
from gateway.core.entries import check_queue
from gateway.core.errors import Refused
from gateway.core.ids import QueueName
from gateway.core.model import Queue
from gateway.core.queues import remove
from gateway.core.routing.checks import check_rings, check_thresholds
from gateway.flow.ledger import Ledger
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.views import Named

TAG = "directory"


class Queues:
    """Changes are journaled; the answer comes after their commit."""

    def __init__(self, ledger: Ledger, house: House) -> None:
        self._ledger = ledger
        self._house = house

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/queues",
                handle=self._list,
                summary="Queues by name",
                asks=Paged,
                gives=Listed[Queue],
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path="/api/v1/queues/{name}",
                handle=self._one,
                summary="A queue",
                gives=Queue,
                tag=TAG,
            ),
            HttpRoute(
                method="PUT",
                path="/api/v1/queues/{name}",
                handle=self._put,
                summary="Make or change a queue",
                access="admin",
                takes=QueueEntry,
                gives=Queue,
                tag=TAG,
            ),
            HttpRoute(
                method="DELETE",
                path="/api/v1/queues/{name}",
                handle=self._remove,
                summary="Remove a queue that no item, agent or channel needs any more",
                access="admin",
                gives=Done,
                tag=TAG,
            ),
        ]

    async def _list(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, Paged)
        position = self._ledger.position
        queues = self._ledger.state.queues
        names = sorted(n for n in queues if n > query.cursor)
        items = [queues[n] for n in names[: query.limit]]
        more = names[query.limit - 1] if len(names) > query.limit else None
        await self._ledger.committed(position)
        return HttpAnswer(body=Listed(items=items, next=more))

    async def _one(self, request: HttpRequest) -> HttpAnswer:
        name = request.params["name"]
        position = self._ledger.position
        queue = self._ledger.state.queues.get(QueueName(name))
        if queue is None:
            raise Refused("not_found", f"there is no queue {name!r}", "name")
        await self._ledger.committed(position)
        return HttpAnswer(body=queue)

    async def _put(self, request: HttpRequest) -> HttpAnswer:
        entry = read(request, QueueEntry)
        name = QueueName(named(request.params["name"], entry))
        queues = self._ledger.state.queues
        queue = queue_from(name, entry, queues.get(name))
        check_rings(queue, {*queues, name})
        check_thresholds(queue, {*queues, name})
        timetable = self._ledger.state.timetable
        check_queue(queue, timetable.calendars, timetable.policies)
        defined = e.QueueDefined(queue=queue, by=by(request))
        await record(self._ledger, [e.Change(defined)])
        return HttpAnswer(body=queue)

    async def _remove(self, request: HttpRequest) -> HttpAnswer:
        name = QueueName(request.params["name"])
        refuse_channels(self._house, name, "name")
        remove(self._ledger.state, name, by(request))
        await refuse_work_elsewhere(self._house, name, "name")
        gone = remove(self._ledger.state, name, by(request))
        await record(self._ledger, [gone])
        return HttpAnswer(body=Done())


class Names:
    """Skills or codes: names with the label that people read."""

    def __init__(self, kind: str, table: Labels) -> None:
        self._kind = kind
        self._table = table

    def routes(self) -> list[HttpRoute]:
        path, one = f"/api/v1/{self._kind}", f"/api/v1/{self._kind}/{{name}}"
        return [
            HttpRoute(
                method="GET",
                path=path,
                handle=self._list,
                summary=f"All {self._kind} by name",
                gives=Listed[Named],
                tag=TAG,
            ),
            HttpRoute(
                method="PUT",
                path=one,
                handle=self._put,
                summary=f"Make or change one of the {self._kind}",
                access="admin",
                takes=NameEntry,
                gives=Named,
                tag=TAG,
            ),
            HttpRoute(
                method="DELETE",
                path=one,
                handle=self._remove,
                summary=f"Remove one of the {self._kind}; what carries it keeps it",
                access="admin",
                gives=Done,
                tag=TAG,
            ),
        ]

    async def _list(self, _request: HttpRequest) -> HttpAnswer:
        return whole(await self._table.listed())

    async def _put(self, request: HttpRequest) -> HttpAnswer:
        entry = read(request, NameEntry)
        name = named(request.params["name"], entry)
        old = next((one for one in await self._table.listed() if one.name == name), None)
        new = named_entry(self._kind, name, entry, old)
        await self._table.put([new])
        return HttpAnswer(body=new)

    async def _remove(self, request: HttpRequest) -> HttpAnswer:
        name = request.params["name"]
        if not await self._table.drop(name):
            raise Refused("not_found", f"there is nothing named {name!r}", "name")
        return HttpAnswer(body=Done())
