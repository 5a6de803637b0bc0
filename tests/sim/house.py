"""What the simulated house does by rule: its rules, macros, thresholds, and how it calls back."""

import random
from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.courtesy import Courtesy
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, MacroName, RuleName
from gateway.core.macros import Macro
from gateway.core.model import ChannelKind, Queue
from gateway.core.owed import Abandoned, Callbacks
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.when import When
from gateway.core.state import NodeState
from gateway.core.thresholds import Threshold
from gateway.core.timetable import Entry
from gateway.flow.node import Node
from tests.sim.questions import ASKED, LATER
from tests.sim.service import CALENDAR, POLICY, PROMISE
from tests.support.builders import queue

SECRET, FURIOUS, LOUD = "secret", "furious", "loud"
"""Words that rules look for: in what we write, in what customers write."""
NUMBER = "+49 30 1234567"
STILL_THERE = "Are you still there?"
BUSY = "Many are waiting."
SORRY = MacroName("sorry")
WRITTEN = (ChannelKind.EMAIL, ChannelKind.WEBCHAT, ChannelKind.TASK)
MACROS = (
    Macro(
        name=SORRY, kinds=WRITTEN, then=Then(reply="Sorry.", tags=("sorry",), complete="apology")
    ),
    Macro(name=MacroName("known"), then=Then(note="It is known.", priority=5)),
    Macro(name=MacroName("later"), then=Then(queue=LATER)),
)
RULES = (
    Rule(
        name=RuleName("no secrets"),
        on=("reply",),
        when=When(words=(SECRET,)),
        then=Then(hold="it tells a secret"),
    ),
    Rule(
        name=RuleName("furious"),
        on=("contact", "message"),
        when=When(words=(FURIOUS,)),
        then=Then(hold="somebody is furious"),
    ),
    Rule(
        name=RuleName("loud"),
        on=("message",),
        when=When(words=(LOUD,)),
        then=Then(tell="somebody is loud"),
    ),
    Rule(name=RuleName("ask"), on=("silent",), after=5.0, then=Then(reply=STILL_THERE)),
    Rule(
        name=RuleName("give up"),
        on=("silent",),
        follows=RuleName("ask"),
        after=6.0,
        then=Then(complete="no answer"),
    ),
    Rule(name=RuleName("long"), on=("waiting",), after=9.0, then=Then(priority=10)),
    Rule(
        name=RuleName("tagged"),
        on=("tagged",),
        when=When(tags=("t1",)),
        then=Then(macro=MacroName("known")),
    ),
    Rule(
        name=RuleName("late"),
        on=("breached",),
        when=When(clocks=("resolution",)),
        then=Then(priority=20, queue=LATER),
    ),
    *ASKED,
    Rule(name=RuleName("again"), on=("reopened",), then=Then(tags=("again",))),
)
THRESHOLDS = (
    Threshold(
        name="many",
        when="waiting",
        at=4.0,
        back=1.0,
        message={ChannelKind.WEBCHAT: {"": BUSY}},
    ),
    Threshold(name="slow", when="longest_wait", at=14.0, overflow_to=LATER),
)
ENTRIES: tuple[Entry, ...] = (CALENDAR, POLICY, *RULES, *MACROS)


def queues(
    offer_seconds: dict[ChannelKind, float], gone_after: float, **more: Any
) -> tuple[Queue, Queue]:
    """Where contacts come to, and where what is slow goes."""
    first = queue(
        offer_seconds=offer_seconds,
        service_policy=PROMISE,
        thresholds=THRESHOLDS,
        callbacks=Callbacks(again_seconds=4.0, most_attempts=2),
        abandoned=Abandoned(after=2.0, gone_after=gone_after, then="callback"),
        promise_grace_seconds=6.0,
        courtesy=Courtesy(acknowledge=True, grace_seconds=2.0, closing=True),
        **more,
    )
    return first, replace(first, name=LATER, thresholds=())


def declared(entry: Entry) -> e.Event:
    """Somebody declares it."""
    match entry:
        case Rule():
            return e.RuleDefined(rule=entry, by="sim")
        case Macro():
            return e.MacroDefined(macro=entry, by="sim")
        case _:
            raise TypeError(entry)


def change_something(node: Node, dice: random.Random) -> bool:
    """As by ``apply``: a rule, a macro or a queue is not as it was; whether it could be done."""
    ledger = node.ledger
    try:
        ledger.check_open()
    except Refused:
        return False
    ledger.record([e.Change(_changed(ledger.state, dice))])
    return True


def _changed(state: NodeState, dice: random.Random) -> e.Event:
    mood = dice.random()
    if mood < 0.4 and state.rules.rules:
        rule = dice.choice(sorted(state.rules.rules.values(), key=lambda one: one.name))
        # Which rule waits how long is what automation goes by; never is it switched off for good.
        return declared(replace(rule, after=dice.choice([2.0, 5.0, 12.0]) if rule.after else 0.0))
    if mood < 0.6 and state.macros:
        macro = dice.choice(sorted(state.macros.values(), key=lambda one: one.name))
        return declared(replace(macro, label=f"{dice.random():.3f}"))
    known = state.queues[dice.choice(sorted(state.queues))]
    calls = replace(
        known.callbacks,
        again_seconds=dice.choice([2.0, 6.0]),
        cancel_on_return=dice.random() < 0.7,
        same_agent=dice.random() < 0.5,
    )
    thresholds = tuple(replace(one, at=dice.choice([3.0, 5.0])) for one in known.thresholds[:1])
    return e.QueueDefined(
        queue=replace(known, callbacks=calls, thresholds=(*thresholds, *known.thresholds[1:])),
        by="sim",
    )


SUE = AgentName("sue")
"""The supervisor."""
