"""Asking a provider whose interface is JSON."""

from channels.calling import Asked, Reply, exchange
from channels.texting.settings import ProviderSettings


async def ask_json(
    said: ProviderSettings,
    authorization: str,
    method: str,
    path: str,
    body: bytes | None = None,
) -> Reply:
    """One request below the provider's base. Raises ``SendError``."""
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    url = f"{said.base}{path}"
    return await exchange(
        Asked(url=url, method=method, body=body, headers=headers, private=said.private)
    )
