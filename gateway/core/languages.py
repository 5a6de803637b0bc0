"""Which skills meet a language, by BCP 47. Pure.

A language is a skill whose name is a language tag. Somebody who has ``es`` takes what comes in
``es-AR`` (RFC 4647 §3.4: the tag is cut from its end), and who has ``es-AR`` takes what is known
as ``es`` only; but never across scripts: Chinese of Taiwan is written otherwise than Chinese of
China, so ``zh-TW`` is met neither by ``zh-CN`` nor by ``zh``. Whatever else will do must be
declared, by the queue.
"""

from collections.abc import Mapping, Sized

from gateway.core.ids import SkillName

_SCRIPTS: dict[str, tuple[str, dict[str, str]]] = {
    # Languages of several scripts: the usual one, and where another is (CLDR, likely subtags).
    "az": ("Latn", {"ir": "Arab", "iq": "Arab", "ru": "Cyrl"}),
    "kk": ("Cyrl", {"cn": "Arab", "tr": "Latn"}),
    "ku": ("Latn", {"iq": "Arab", "ir": "Arab"}),
    "mn": ("Cyrl", {"cn": "Mong"}),
    "ms": ("Latn", {}),
    "pa": ("Guru", {"pk": "Arab"}),
    "sr": ("Cyrl", {"me": "Latn"}),
    "ug": ("Arab", {"kz": "Cyrl", "mn": "Cyrl"}),
    "uz": ("Latn", {"af": "Arab", "cn": "Cyrl"}),
    "yue": ("Hant", {"cn": "Hans"}),
    "zh": ("Hans", {"tw": "Hant", "hk": "Hant", "mo": "Hant"}),
}

MOST_KNOWN = 5_000
"""Tags come from outside; so many answers are remembered."""


def canonical(tag: str) -> str:
    """The tag as it is compared: lower case, hyphens."""
    return tag.strip().replace("_", "-").lower()


def _parts(tag: str) -> tuple[str, str, tuple[str, ...]]:
    """Language, script and the rest of a canonical tag; no script: there is only one."""
    language, *rest = tag.split("-")
    script = ""
    if rest and len(rest[0]) == 4 and rest[0].isalpha():
        script = rest.pop(0).title()
    usual = _SCRIPTS.get(language)
    if not script and usual is not None:
        script = next((usual[1][part] for part in rest if part in usual[1]), usual[0])
    return language, script, tuple(rest)


def nearness(tag: str, spoken: str) -> int | None:
    """How near who speaks ``spoken`` comes to ``tag``: 0 is the same; ``None``: does not meet it.

    Both canonical.
    """
    if tag == spoken:
        return 0
    language, script, rest = _parts(tag)
    other, other_script, other_rest = _parts(spoken)
    if language != other or script != other_script:
        return None
    shared = min(len(rest), len(other_rest))
    if rest[:shared] != other_rest[:shared]:
        return None
    # Cut from the end of what is asked, as RFC 4647 does, before what is narrower than asked.
    cut, narrower = len(rest) - shared, len(other_rest) - shared
    return cut if not narrower else 100 + narrower


class Tongues:
    """Which of the skills that somebody has meet a language; asked for every item that waits.

    ``changes`` counts how often the answers may have become others.
    """

    def __init__(self, holders: Mapping[SkillName, Sized]) -> None:
        self._holders = holders
        self.changes = 0
        self._known: dict[tuple[str, tuple[str, ...]], tuple[SkillName, ...]] = {}

    def changed(self) -> None:
        """Somebody has a skill that nobody had, or nobody has one any more."""
        self.changes += 1
        self._known.clear()

    def of(self, tag: str, also: tuple[str, ...] = ()) -> tuple[SkillName, ...]:
        """The skills that meet ``tag``, nearest first, then those that meet ``also``.

        None: nobody in the house does.
        """
        known = self._known.get((tag, also))
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            known = self._known[tag, also] = self._find(tag, also)
        return known

    def _find(self, tag: str, also: tuple[str, ...]) -> tuple[SkillName, ...]:
        found: dict[SkillName, None] = {}
        for wanted in (tag, *also):
            asked = canonical(wanted)
            near = [
                (distance, skill)
                for skill, holders in self._holders.items()
                if holders and (distance := nearness(asked, canonical(skill))) is not None
            ]
            found.update((skill, None) for _, skill in sorted(near))
        return tuple(found)
