"""How type names appear on the wire and in the journal."""


def snake(name: str) -> str:
    """``OfferMade`` → ``offer_made``."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
