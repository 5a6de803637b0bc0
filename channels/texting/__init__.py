"""What SMS and the messengers share: providers with their signatures, files, segments, numbers.

``wire`` has what all providers are translated to and from; ``twilio``, ``vonage``, ``telnyx`` and
``generic`` translate; ``hooks`` takes webhooks in, ``outgoing`` sends, ``media`` brings files in,
``links`` hands them out, ``channel`` is the whole. ``segments`` and ``numbers`` are pure.
"""
