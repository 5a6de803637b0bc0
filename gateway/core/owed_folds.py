"""How what customers are owed changes a node's state; see ``folds``."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.model import Item
from gateway.core.state import NodeState, Rows


def called_back(item: Item, at: datetime) -> dict[str, Any]:
    """What else changes of a call-back that comes to wait in its queue."""
    if item.callback is None:
        return {}
    return {
        "last_agent": item.last_agent or item.callback.agent,
        "callback": replace(item.callback, ready_at=at),
    }


def _callback_changed(s: NodeState, ev: e.CallbackChanged, at: datetime) -> Rows:
    item = s.items[ev.item]
    service, due_at = item.service, ev.callback.at
    if service is not None:
        service = replace(service, wanted_at=due_at)
        due_at = service.nearest()
    return (s.edit(item, callback=ev.callback, service=service, due_at=due_at),)


def _callback_tried(s: NodeState, ev: e.CallbackTried, at: datetime) -> Rows:
    item = s.items[ev.item]
    if item.callback is None:
        return ()
    return (s.edit(item, callback=replace(item.callback, attempts=ev.attempt)),)


def _promise_broken(s: NodeState, ev: e.PromiseBroken, at: datetime) -> Rows:
    item = s.items.get(ev.item)
    if item is None or item.promise is None:
        return ()
    return (s.edit(item, promise=replace(item.promise, broken_at=at)),)


def _customer_left(s: NodeState, ev: e.CustomerLeft, at: datetime) -> Rows:
    item = s.items.get(ev.item)
    return () if item is None else (s.edit(item, gone=ev.gone),)


def _customer_back(s: NodeState, ev: e.CustomerBack, at: datetime) -> Rows:
    item = s.items.get(ev.item)
    return () if item is None else (s.edit(item, gone=None),)


OWED_FOLDS: Mapping[type[Any], Callable[[NodeState, Any, datetime], Rows]] = {
    e.CallbackChanged: _callback_changed,
    e.CallbackTried: _callback_tried,
    e.PromiseBroken: _promise_broken,
    e.CustomerLeft: _customer_left,
    e.CustomerBack: _customer_back,
}
