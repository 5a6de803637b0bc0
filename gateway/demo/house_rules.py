"""What the demo's company has settled: hours, promises, queues, and rules at its front door.

The times are short, so that a visitor sees within minutes what elsewhere takes hours.
"""

from datetime import date, timedelta
from typing import Any

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHOWROOM_OPENS_IN_DAYS = 3
CLOSED_QUEUE = "showroom"
_OFFER_SECONDS = {"webchat": 60, "email": 180, "task": 180}
"""The visitor is customer and agent in one: an offer waits until both hands are free."""


def hours(today: date) -> list[dict[str, Any]]:
    """Everything is open day and night but the showroom, which opens three days from now."""
    opens = _DAYS[(today + timedelta(days=SHOWROOM_OPENS_IN_DAYS)).weekday()]
    return [
        {
            "name": "always",
            "zone": "UTC",
            "week": {day: ["00:00-24:00"] for day in _DAYS},
        },
        {
            "name": "showroom",
            "zone": "Europe/Berlin",
            "week": {opens: ["10:00-13:00", "14:00-18:00"]},
            "country": "DE",
            "closed_replies": {
                "email": {
                    "": "Our showroom is closed just now; it opens on {opens}. We have your mail "
                    "and will answer it then.",
                    "de": "Unser Ausstellungsraum ist gerade geschlossen und öffnet am {opens}. "
                    "Ihre Nachricht ist da; wir antworten dann.",
                    "es": "La exposición está cerrada y abre el {opens}. Hemos recibido su mensaje "
                    "y le responderemos entonces.",
                }
            },
        },
    ]


SERVICE_POLICIES: list[dict[str, Any]] = [
    {
        "name": "gold",
        "first_reply": 120,
        "next_reply": 120,
        "resolution": 1800,
        "warn_share": 0.5,
        "raise_points": 10,
        "notify_after": 30,
        "escalate_after": 300,
        "level_queues": {"2": "second-line"},
    },
    {
        "name": "standard",
        "first_reply": 600,
        "next_reply": 600,
        "resolution": 7200,
        "notify_after": None,
    },
]

QUEUES: list[dict[str, Any]] = [
    {
        "name": "general",
        "display_name": "General",
        "hours": "always",
        "offer_seconds": _OFFER_SECONDS,
        "service_policy": "standard",
        "rings": [{"after": 60, "languages": ["en"]}],
    },
    {
        "name": "billing",
        "display_name": "Billing",
        "priority": 2,
        "skills": {"billing": 3},
        "hours": "always",
        "offer_seconds": _OFFER_SECONDS,
        "service_policy": "gold",
        "rings": [{"after": 20, "lower": 1}, {"after": 45, "drop": ["billing"]}],
        "policy": {"priority_seconds": 90, "most_declines": 5},
    },
    {
        "name": "iberia",
        "display_name": "Spanish and Portuguese",
        "hours": "always",
        "offer_seconds": _OFFER_SECONDS,
        "service_policy": "gold",
        "languages": {"pt": ["es"], "es": ["pt"]},
        "rings": [{"after": 45, "languages": ["en"]}],
        "policy": {"choice": "longest_idle"},
    },
    {
        "name": "second-line",
        "display_name": "Second line",
        "priority": 5,
        "hours": "always",
        "offer_seconds": _OFFER_SECONDS,
        "service_policy": "gold",
        "policy": {"choice": "least_occupied"},
    },
    {
        "name": CLOSED_QUEUE,
        "display_name": "Showroom",
        "hours": "showroom",
        "groups": [CLOSED_QUEUE],
        "service_policy": "standard",
    },
    {
        "name": "backoffice",
        "display_name": "Back office",
        "hours": "always",
        "offer_seconds": _OFFER_SECONDS,
    },
]

RULES: list[dict[str, Any]] = [
    {
        "name": "showroom-visits",
        "order": 10,
        "when": {"kinds": ["email"], "words": ["showroom", "ausstellungsraum", "exposición"]},
        "then": {"queue": CLOSED_QUEUE, "category": "visit"},
        "stop": True,
        "note": "Closed for the next days: the customer is told when it opens.",
    },
    {
        "name": "money-back",
        "order": 20,
        "when": {
            "words": [
                *("refund*", "money back", "charged twice", "rückerstattung", "reembols*"),
                *("devolución", "estorno", "remboursement", "退款", "استرداد", "visszatérítés"),
            ],
            "unless": {"kinds": ["task"]},
        },
        "then": {"queue": "billing", "priority": 10, "category": "refund", "tags": ["money"]},
        "note": "Money goes first, in every language.",
    },
    {
        "name": "spanish-and-portuguese",
        "order": 30,
        "when": {"languages": ["es", "pt"], "unless": {"kinds": ["task"]}},
        "then": {"queue": "iberia"},
    },
    {
        "name": "urgent-words",
        "order": 40,
        "when": {"words": ["urgent*", "dringend", "urgente*", "asap"]},
        "then": {"priority": 20, "due_seconds": 300, "tags": ["urgent"]},
    },
]
"""The first that says something decides: a refund in Spanish is a matter of billing."""
