"""What a ``[[channel]]`` of kind "sms" can say."""

from typing import ClassVar

from channels.texting.settings import ProviderSettings


class Settings(ProviderSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number at a provider, for text messages (docs/protocols/sms.md).

    ``number`` is ours, in E.164; ``numbers`` others of ours by country (ISO 3166-1), for who is
    written to first. ``account`` and ``api_secret`` sign us in at the provider (Twilio: account and
    auth token, Vonage: key and secret, Telnyx: the API key alone); ``secret`` is what its webhooks
    are checked with, and signs us in where there is no ``api_secret``. ``old_secret`` is valid
    besides, while a secret is changed; ``signing_keys`` are Twilio's shared keys by their id.
    ``api_base`` is where messages are posted, for ``generic`` the whole address. ``unsettled`` says
    what is done with a message of which nobody knows whether it left: sent once more, or held for a
    person. For ``join_hours`` what the same number writes joins its open case; ``confirm_stop``
    answers who wants no more texts. ``max_media_bytes`` and ``media_types`` bound the files that
    are taken, ``link_hours`` is how long a link to one of ours is good; with ``media`` they are
    sent as pictures (MMS) instead. ``private`` allows providers at private addresses.
    """

    kind: ClassVar[str] = "sms"

    media: bool = False
