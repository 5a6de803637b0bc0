"""Sites: who is taken out of routing when a place closes, wholly or by a share. Pure.

Each agent has a fixed place from 0 to 99 that follows from the name alone. A site that is open by
so many per cent closes out the agents from that place on: closing further adds agents and never
swaps them, and every node comes to the same without asking anybody. The share is exact for many
agents and about right for few.
"""

from hashlib import blake2b

from gateway.core.ids import AgentName
from gateway.core.model import Site

WHOLE = 100


def place(agent: AgentName) -> int:
    """Where the agent stands among a hundred, for ever."""
    digest = blake2b(agent.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % WHOLE


def closes(site: Site, agent: AgentName) -> bool:
    """Whether an agent who sits there is in the share that is closed."""
    return site.open_percent < WHOLE and place(agent) >= site.open_percent


def why(site: Site) -> str:
    """Why one of its agents gets nothing, in words."""
    reason = f" ({site.reason})" if site.reason else ""
    if site.open_percent <= 0:
        return f"site {site.name!r} is closed{reason}"
    return f"{WHOLE - site.open_percent} % of site {site.name!r} are closed{reason}"
