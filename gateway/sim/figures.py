"""How a day went, in the field's figures. Seconds; shares from 0 to 1."""

import math
from collections.abc import Iterable, Sequence
from statistics import fmean

from msgspec import Struct


class Served(Struct, frozen=True, gc=False):
    """What became of one contact: its wait until it was answered, or given up."""

    flow: str
    wait: float
    within: float
    answered: bool


class Waits(Struct, frozen=True, kw_only=True):
    """The contacts of a flow, or of all.

    ``service_level`` is the share of all that came which were answered in time. ``asa`` and the
    percentiles are of those answered; ``longest`` is of all, also of those still waiting.
    """

    contacts: int
    answered: int
    abandoned: int
    waiting: int
    service_level: float
    asa: float
    p50: float
    p90: float
    p95: float
    p99: float
    longest: float


class Load(Struct, frozen=True, kw_only=True):
    """The agents' occupancy: mean, and where one and nine of ten lie.

    ``fairness`` is Jain's index of it: 1 if all had as much to do, 1/n if one had everything.
    """

    agents: int
    mean: float
    p10: float
    p90: float
    fairness: float


class Result(Struct, frozen=True, kw_only=True):
    """A day under one policy. It took ``seconds``, of the processor ``cpu_seconds``."""

    policy: str
    waits: Waits
    flows: dict[str, Waits]
    load: Load
    offers: int
    seconds: float
    cpu_seconds: float


def waits(served: Sequence[Served], waiting: Sequence[float] = ()) -> Waits:
    """``waiting`` are the waits so far of those whom the day's end found in the queue."""
    times = sorted(one.wait for one in served if one.answered)
    in_time = sum(1 for one in served if one.answered and one.wait <= one.within)
    contacts = len(served) + len(waiting)
    return Waits(
        contacts=contacts,
        answered=len(times),
        abandoned=len(served) - len(times),
        waiting=len(waiting),
        service_level=in_time / contacts if contacts else 1.0,
        asa=fmean(times) if times else 0.0,
        p50=percentile(times, 0.5),
        p90=percentile(times, 0.9),
        p95=percentile(times, 0.95),
        p99=percentile(times, 0.99),
        longest=max((*(one.wait for one in served), *waiting), default=0.0),
    )


def load(shares: Iterable[float]) -> Load:
    """``shares`` are the parts of their ready time that agents had something in hand."""
    known = sorted(shares)
    squares = sum(share * share for share in known)
    return Load(
        agents=len(known),
        mean=fmean(known) if known else 0.0,
        p10=percentile(known, 0.1),
        p90=percentile(known, 0.9),
        fairness=sum(known) ** 2 / (len(known) * squares) if squares else 1.0,
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of all do not exceed (nearest rank)."""
    if not ordered:
        return 0.0
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
