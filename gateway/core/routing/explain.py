"""Why an item waits: who is excluded, and by what. Pure."""

from datetime import datetime

from gateway.core.ids import AgentName
from gateway.core.model import Item
from gateway.core.routing.fit import how_passed, lacks, passed_lately, unavailable
from gateway.core.routing.need import need_of
from gateway.core.state import NodeState


def explain(state: NodeState, item: Item, now: datetime, *, named: int = 5) -> str:
    """Why an item still waits: how many agents are excluded, and by what."""
    need = need_of(state, item)
    counts: dict[str, list[AgentName]] = {}
    for name, profile in state.profiles.items():
        passed = passed_lately(item, name, now)
        why = (
            lacks(profile, need)
            or unavailable(state, name, need)
            or (how_passed(passed, now) if passed else "could take it")
        )
        counts.setdefault(why, []).append(name)
    said = [
        f"{len(names)} {why} ({', '.join(names[:named])}{', …' if len(names) > named else ''})"
        for why, names in sorted(counts.items(), key=lambda kv: -len(kv[1]))
    ]
    return f"needs {need}; " + ("; ".join(said) or "there are no agents")
