"""What an agent is worth to the house: what each skill at its level is scarce by. Pure.

Whoever meets a need brings more than it asks for; what is brought for nothing is the agent's worth
less the need's, and the need's is the same for all who meet it. So the cheapest agent wastes least,
whatever is needed: the only Hungarian speaker and whoever has level 5 are kept for those who ask.
"""

from math import log2

from gateway.core.ids import AgentName, SkillName
from gateway.core.model import AgentProfile

LEVELS = 5
STEP = 2.0
"""Classes to an octave: agents whose worth differs by less than two fifths count as alike."""


class Prices:
    """Kept up to date with the directory."""

    __slots__ = ("_known", "_levels", "_profiles", "_sums")

    def __init__(self) -> None:
        self._profiles: dict[AgentName, AgentProfile] = {}
        self._levels: dict[SkillName, list[int]] = {}
        self._sums: dict[SkillName, tuple[float, ...]] = {}
        self._known: dict[AgentName, int] = {}

    def define(self, name: AgentName, profile: AgentProfile | None) -> None:
        """The directory's entry is this now; ``None``: there is none."""
        old = self._profiles.pop(name, None)
        if profile is not None:
            self._profiles[name] = profile
        for sign, one in ((-1, old), (1, profile)):
            for skill, top in one.skills.items() if one is not None else ():
                counts = self._levels.setdefault(skill, [0] * LEVELS)
                for level in range(min(top, LEVELS)):
                    counts[level] += sign
        self._sums.clear()
        self._known.clear()

    def holders(self, skill: SkillName) -> int:
        """How many have the skill, at whatever level."""
        counts = self._levels.get(skill)
        return counts[0] if counts else 0

    def of(self, agent: AgentName) -> int:
        """The class of the agent's worth: lower is offered first."""
        known = self._known.get(agent)
        if known is None:
            profile = self._profiles.get(agent)
            worth = sum(map(self._worth, profile.skills.items())) if profile is not None else 0.0
            known = self._known[agent] = int(STEP * log2(1 + worth))
        return known

    def _worth(self, had: tuple[SkillName, int]) -> float:
        skill, top = had
        if top <= 0:
            return 0.0
        sums = self._sums.get(skill)
        if sums is None:
            total, found = 0.0, []
            for having in self._levels[skill]:
                total += len(self._profiles) / max(having, 1) / LEVELS
                found.append(total)
            sums = self._sums[skill] = tuple(found)
        return sums[min(top, LEVELS) - 1]
