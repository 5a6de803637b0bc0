"""The measures of reports, each a function of what was counted in an interval. Pure.

``MEASURES`` has all of them with their names, units and formulas; docs/reports.md says the same,
and a test compares. A measure without anything to divide by is ``None``, never 0.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct, field

from gateway.core.facts.rows import percentile
from gateway.core.facts.values import COUNTS

Unit = Literal["count", "seconds", "share", "points"]


class Sums(Struct, frozen=True):
    """What was counted in an interval: sums by name, answered waits by bucket, the longest."""

    by_name: Mapping[str, float] = field(default_factory=dict)
    buckets: tuple[tuple[int, int], ...] = ()
    longest: float | None = None

    def __getitem__(self, name: str) -> float:
        return self.by_name.get(name, 0.0)

    def __add__(self, other: "Sums") -> "Sums":
        names = {*self.by_name, *other.by_name}
        waits = dict(self.buckets)
        for number, many in other.buckets:
            waits[number] = waits.get(number, 0) + many
        known = [one for one in (self.longest, other.longest) if one is not None]
        return Sums(
            {name: self[name] + other[name] for name in names},
            tuple(sorted(waits.items())),
            max(known, default=None),
        )


class Measure(Struct, frozen=True):
    """What a report shows; ``formula`` is in the words of ``docs/reports.md``."""

    name: str
    unit: Unit
    formula: str
    of: Callable[[Sums], float | None]


def _count(name: str, formula: str) -> Measure:
    return Measure(name, "count", formula, lambda sums: sums[name])


def _total(name: str, formula: str) -> Measure:
    return Measure(name, "seconds", formula, lambda sums: sums[name])


def _ratio(name: str, unit: Unit, formula: str, above: tuple[str, ...], below: str) -> Measure:
    """The sum of ``above`` by ``below``, whose parts are added, or taken away with a minus."""
    plus = tuple(part for part in below.split() if not part.startswith("-"))
    minus = tuple(part[1:] for part in below.split() if part.startswith("-"))

    def of(sums: Sums) -> float | None:
        divisor = sum(sums[part] for part in plus) - sum(sums[part] for part in minus)
        return sum(sums[part] for part in above) / divisor if divisor > 0 else None

    return Measure(name, unit, formula, of)


def _wait(name: str, share: float, formula: str) -> Measure:
    return Measure(name, "seconds", formula, lambda sums: percentile(sums.buckets, share))


_SHARES = {
    "abandon_rate": ("abandoned / offered", ("abandoned",), "offered"),
    "answer_rate": ("answered / offered", ("answered",), "offered"),
    "service_level_aws": (
        "(answered + abandoned + call-back chosen, each within the target) / offered",
        ("answered_within", "abandoned_within", "chosen_within"),
        "offered_aimed",
    ),
    "service_level_genesys": (
        "answered within the target / (answered + abandoned - short abandoned)",
        ("answered_within",),
        "answered_aimed abandoned_aimed -short_aimed",
    ),
    "service_level_asterisk": (
        "answered within the target / answered",
        ("answered_within",),
        "answered_aimed",
    ),
    "service_level_asterisk2": (
        "(answered + abandoned, each within the target) / (answered + abandoned)",
        ("answered_within", "abandoned_within"),
        "answered_aimed abandoned_aimed",
    ),
    "occupancy": ("handling / (handling + idle)", ("talk", "wrap"), "talk wrap idle"),
    "occupancy_shared": (
        "time with anything in hand / (that + idle): overlapping work counts once",
        ("busy",),
        "busy idle",
    ),
    "offer_answer_rate": (
        "answered / (answered + declined + missed)",
        ("answered",),
        "answered declined missed",
    ),
    "fcr": (
        "solved at the first contact, none following within 7 days on any channel / solved",
        ("solved_first",),
        "solved",
    ),
    "level_one_rate": ("solved without leaving level 1 / solved", ("solved_at_one",), "solved"),
    "promises_kept_rate": (
        "promises kept / (kept + broken)",
        ("promises_kept",),
        "promises_kept promises_broken",
    ),
    "callbacks_reached_rate": (
        "attempts that reached the customer / attempts",
        ("callbacks_reached",),
        "callback_tries",
    ),
    "csat": ("scores of 4 and 5 / all scores", ("satisfied",), "rated"),
}
_MEANS = {
    "asa": ("seconds waited by those answered / answered", ("answered_wait",), "answered"),
    "aht": ("(talk + wrap-up) / handled", ("talk", "wrap"), "handled"),
    "aht_shared": (
        "(talk + wrap-up, overlapping time divided) / handled",
        ("talk_shared", "wrap_shared"),
        "handled",
    ),
    "first_reply": (
        "from the contact to our first answer / first answers",
        ("first_reply_sum",),
        "first_replies",
    ),
    "next_reply": (
        "from what the customer wrote to our next answer / those",
        ("next_reply_sum",),
        "next_replies",
    ),
    "first_reply_open": (
        "the same in open hours, where a first reply is promised",
        ("first_reply_open_sum",),
        "first_replies_open",
    ),
    "resolution": ("from opening (or reopening) to solved / solved", ("resolution_sum",), "solved"),
    "resolution_open": (
        "the same in open hours, where a resolution is promised",
        ("resolution_open_sum",),
        "resolutions_open",
    ),
    "promise_late": (
        "seconds after the time of promises kept / kept",
        ("promise_late_sum",),
        "promises_kept",
    ),
    "told_wait": ("wait that customers were told / told", ("told_wait_sum",), "told"),
    "true_wait": ("wait of the same customers / told", ("true_wait_sum",), "told"),
    "told_off": ("difference of the two, either way / told", ("told_off_sum",), "told"),
}
_WORDS = {
    "contacts": "work items that customers or systems brought",
    "offered": "waits begun: an item came to a queue from elsewhere",
    "answered": "waits that ended with somebody having the item",
    "abandoned": "waits that ended with the customer leaving",
    "flowed_out": "waits that ended otherwise: other queue, later, closed",
    "callbacks_chosen": "of those, for a call-back that keeps the place",
    "offers": "offers made to agents",
    "declined": "offers declined",
    "missed": "offers not answered in time",
    "picked": "items that agents picked themselves",
    "misrouted": "items said to have come to the wrong person",
    "transferred": "items an agent passed on",
    "handled": "parts of items that an agent has finished",
    "completed": "items completed",
    "canceled": "items canceled or rejected",
    "breached": "promised times that passed",
    "solved": "cases solved",
    "solved_first": "of those, at the first contact",
    "solved_at_one": "of those, without leaving level 1",
    "first_replies": "first answers of a person",
    "next_replies": "further answers of a person",
    "first_replies_open": "first answers where one is promised",
    "resolutions_open": "work ended where a resolution is promised",
    "promises_kept": "promises kept",
    "promises_broken": "promises broken",
    "callbacks": "call-backs asked for",
    "callback_tries": "attempts to call back",
    "callbacks_reached": "attempts that reached the customer",
    "told": "customers who were told a wait and then served",
    "rated": "scores given",
    "satisfied": "scores of 4 and 5",
}
_TIMES = {
    "waiting": "seconds that items waited",
    "held": "seconds that items were put aside",
    "talk": "seconds that items were in somebody's hands",
    "wrap": "seconds of wrap-up",
    "busy": "seconds with anything in hand",
    "idle": "seconds ready with nothing in hand",
    "ready": "seconds ready",
    "not_ready": "seconds signed in and not ready",
    "stage": "seconds that cases were in a stage (read by `stage`)",
}
# In the order of the table in the documents.
MEASURES: tuple[Measure, ...] = (
    *(_count(name, _WORDS[name]) for name in COUNTS),
    _count("short_abandoned", "abandoned within the queue's `abandoned.after` seconds"),
    *(_ratio(name, "share", *spec) for name, spec in _SHARES.items()),
    *(_ratio(name, "seconds", *spec) for name, spec in _MEANS.items()),
    _wait("wait_median", 0.5, "half of those answered waited no longer"),
    _wait("wait_p90", 0.9, "nine of ten answered waited no longer"),
    _wait("wait_p99", 0.99, "99 of 100 answered waited no longer"),
    Measure("wait_longest", "seconds", "the longest wait that was answered", lambda s: s.longest),
    _ratio(
        "concurrency",
        "points",
        "(talk + wrap-up) / time with anything in hand",
        ("talk", "wrap"),
        "busy",
    ),
    _ratio("score", "points", "sum of scores / scores", ("score_sum",), "rated"),
    *(_total(name, words) for name, words in _TIMES.items()),
)
BY_NAME: Mapping[str, Measure] = {measure.name: measure for measure in MEASURES}


def measured(sums: Sums) -> dict[str, float | int | None]:
    """Every measure by its name; counts whole, the others to a thousandth."""
    found: dict[str, float | int | None] = {}
    for measure in MEASURES:
        value = measure.of(sums)
        if value is None:
            found[measure.name] = None
        else:
            digits = 4 if measure.unit == "share" else 3
            found[measure.name] = round(value) if measure.unit == "count" else round(value, digits)
    return found
