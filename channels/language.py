"""A guess at the language of a text, for routing; a hint, never a fact."""

from threading import Lock
from typing import Any

MIN_CHARS = 20
"""A shorter text is no basis for a guess."""
_MAX_CHARS = 400
_MIN_CONFIDENCE = 0.5


class LanguageGuess:
    """Holds the model. It takes a second to load, on first use or by ``warm``; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._model: Any = None

    def warm(self) -> None:
        """Load the model now; call it off the event loop."""
        with self._lock:
            if self._model is None:
                # Imports numpy and a table of a million numbers: only a mailbox that runs pays.
                from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

                self._model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def __call__(self, text: str) -> str:
        """The language as a BCP 47 code, or nothing when the text is short or the guess weak."""
        sample = " ".join(text[: _MAX_CHARS * 2].split())[:_MAX_CHARS]
        if len(sample) < MIN_CHARS:
            return ""
        self.warm()
        language, confidence = self._model.classify(sample)
        return str(language) if confidence >= _MIN_CONFIDENCE else ""


GUESS = LanguageGuess()
"""The one of the process: whoever guesses shares the model, which is large and never changes."""
