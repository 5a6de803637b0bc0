"""What the front door offers by itself, in the words of the house or in ours (``catalogue``)."""

from gateway.core import catalogue
from gateway.core.catalogue import Say
from gateway.core.rules.rule import Labels
from gateway.core.rules.texts import nearest

PERSON_WORDS = (
    "person",
    "human",
    "agent",
    "operator",
    "representative",
    "persona",
    "humano",
    "agente",
    "mensch*",
    "mitarbeiter*",
    "personne",
    "humain",
    "pessoa",
    "umano",
    "人工",
    "担当者",
    "상담원",
    "человек*",
    "оператор*",
    "إنسان",
    "موظف",
)
"""By these somebody who writes freely asks for a person, too."""


def phrase(name: Say, language: str, own: Labels | None = None) -> str:
    """In the nearest language; ``own`` is how the house says it, where it says it."""
    said = nearest(own, language) if own is not None else ""
    return said or catalogue.our_words(name, language)


def every(name: Say, own: Labels | None = None) -> tuple[str, ...]:
    """All ways of saying it: whoever writes freely may do so in any language."""
    owned = (own,) if isinstance(own, str) else tuple(own.values()) if own is not None else ()
    return tuple(dict.fromkeys((*owned, *catalogue.every(name))))
