"""The demo's company: who works there, what waits where, in which languages."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from gateway.demo import house_rules

SUPPORT = "support@switchroom.demo"
YOU = "you@customer.demo"
YOUR_NAME = "You, the customer"
FILES_TASKS = "web-shop"
"""The program whose tasks the back office does; agents read who filed them."""
LANGUAGES = ("en", "de", "es", "fr", "pt", "zh", "ar", "hu")

AGENTS: tuple[tuple[str, str, dict[str, int]], ...] = (
    ("ann", "Ann Weaver", {"en": 5, "de": 3, "billing": 3, "tech": 2}),
    ("bruno", "Bruno Duarte", {"en": 4, "pt": 5, "es": 4, "billing": 4}),
    ("chloe", "Chloé Martin", {"en": 4, "fr": 5, "de": 2, "tech": 4}),
    ("dávid", "Dávid Kovács", {"en": 3, "hu": 5, "tech": 3}),
    ("mei", "Mei Lin", {"en": 4, "zh": 5, "billing": 2, "tech": 3}),
    ("omar", "Omar Haddad", {"en": 4, "ar": 5, "fr": 3, "billing": 3}),
)
"""Ann is the one that the visitor signs in as: she speaks most of what comes first."""
VISITOR_AGENT = "ann"
VISITOR_SKILLS = dict.fromkeys((*LANGUAGES, "billing", "tech"), 3)
VISITOR_CAPACITY = {"webchat": 5, "email": 5, "task": 5}
"""More than played customers bring: what the visitor writes as a customer is offered at once."""


def declaration(played_agents: int, today: date) -> dict[str, Any]:
    """The company as ``switchroom apply`` would declare it.

    Without played agents the visitor's agent speaks everything, so that all work reaches the
    screen; with them the languages are shared out and one sees the routing choose.
    """
    agents = [_agent(name, shown, skills) for name, shown, skills in AGENTS]
    if played_agents == 0:
        agents[0]["skills"] = VISITOR_SKILLS
    agents[0]["capacity"] = VISITOR_CAPACITY
    for n in range(played_agents):
        name, shown, skills = AGENTS[1 + n % (len(AGENTS) - 1)]
        turn = n // (len(AGENTS) - 1)
        if turn:
            agents.append(_agent(f"{name}-{turn + 1}", f"{shown} {turn + 1}", skills))
    # Whoever works at the showroom is at home while that is closed.
    agents.append(_agent("noa", "Noa Stern", {"en": 5, "de": 5}, groups=[house_rules.CLOSED_QUEUE]))
    agents.append(_agent("sam", "Sam Okafor", {"en": 5}, role="supervisor"))
    agents.append(_agent("alex", "Alex Berg", {"en": 5}, role="admin"))
    return {
        "skills": [{"name": s, "label": s} for s in (*LANGUAGES, "billing", "tech")],
        "hours": house_rules.hours(today),
        "service_policies": house_rules.SERVICE_POLICIES,
        "queues": house_rules.QUEUES,
        "rules": house_rules.RULES,
        "codes": [
            {"name": "solved", "label": "Solved"},
            {"name": "explained", "label": "Explained how it works"},
            {"name": "refund", "label": "Refund granted"},
            {"name": "escalated", "label": "Handed to a specialist"},
            {"name": "spam", "label": "Not for us"},
        ],
        "agents": agents,
    }


def _agent(
    name: str,
    shown: str,
    skills: dict[str, int],
    role: str = "agent",
    groups: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "name": name,
        "display_name": shown,
        "skills": dict(skills),
        "role": role,
        "groups": list(groups),
    }


def played_names(count: int) -> list[str]:
    """The agents that are played, never the visitor's."""
    others = len(AGENTS) - 1
    return [
        AGENTS[1 + n % others][0] + (f"-{n // others + 1}" if n >= others else "")
        for n in range(count)
    ]
