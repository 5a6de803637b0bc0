"""Recording about many at once without one of them harming the others."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import structlog

from gateway.core import events as e
from gateway.flow.ledger import Ledger

K = TypeVar("K")
_log = structlog.get_logger("apart")


def record_of_each(
    ledger: Ledger, keys: Iterable[K], decide: Callable[[K], Sequence[e.Change]], what: str
) -> int:
    """Record what ``decide`` says of each, together; should that fail, of each by itself.

    Whoever fails is logged as ``what``, with its key. Of how many something was recorded.
    """
    decided = [(key, changes) for key in keys if (changes := _decided(key, decide, what))]
    if not decided:
        return 0
    try:
        ledger.record([change for _, changes in decided for change in changes])
    except Exception as fault:  # noqa: BLE001 - one's failure, looked for below
        # Said also if no one fails alone: then it was something between them.
        _log.warning("not together, hence one by one", what=what, reason=repr(fault))
        # Decided anew: some of it may stand in the state already.
        return sum(_recorded(ledger, key, decide, what) for key, _ in decided)
    return len(decided)


def _decided(key: K, decide: Callable[[K], Sequence[e.Change]], what: str) -> Sequence[e.Change]:
    try:
        return decide(key)
    except Exception:  # noqa: BLE001 - its own failure, nobody else's
        _log.exception(what, key=str(key))
        return ()


def _recorded(ledger: Ledger, key: K, decide: Callable[[K], Sequence[e.Change]], what: str) -> bool:
    try:
        if changes := decide(key):
            ledger.record(changes)
    except Exception:  # noqa: BLE001 - its own failure, nobody else's
        _log.exception(what, key=str(key))
        return False
    return bool(changes)
