"""Coverage-guided fuzzing of the mail parser; ``make fuzz`` runs it.

libFuzzer (by way of atheris) changes the mails of the corpus, keeps what reaches new branches of
our parser and of the library's, and of the reader of the invitations in them, and looks for an
input that gives no value, gives one that cannot be stored, or takes over a second. What it finds
belongs into ``tests/vectors/mail``, mended.
"""

import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cyclopts import App

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
MAX_SECONDS = 1.0
MAX_BYTES = 4_000
"""A longer input is no new idea, only a slower one; the corpus has the long mails."""
_AT = datetime(2026, 11, 20, 8, 15, 2, tzinfo=UTC)


def seeds(into: Path) -> None:
    """Every mail of the corpus that is short enough, one file each."""
    into.mkdir(parents=True, exist_ok=True)
    for path in [*VECTORS.glob("email/*.eml"), *VECTORS.glob("mail/**/*.eml")]:
        if path.stat().st_size <= MAX_BYTES:
            shutil.copyfile(path, into / f"{path.parent.name}-{path.stem}")


def target() -> Callable[[bytes], None]:
    """One input: parsed, judged, and forgotten. Imports what it tests, so that it is watched."""
    from channels.email.parse import Envelope, MailParser
    from channels.email.show import MailShow
    from channels.language import LanguageGuess
    from gateway.core.ids import ChannelName
    from tests.support.storable import assert_storable

    class Mute(LanguageGuess):
        """Guesses nothing: it takes text of any kind, and half of the time."""

        def __call__(self, text: str) -> str:
            text.encode()
            return ""

    parser, show = MailParser(Mute()), MailShow()
    own = frozenset({"support@example.com"})

    def one(raw: bytes) -> None:
        envelope = Envelope(
            channel=ChannelName("support"),
            key="INBOX:1:7",
            at=_AT,
            own=own,
            authserv_id="mx.example.com",
            size=len(raw),
        )
        began = time.process_time()
        inbound = parser(raw, envelope)
        for file in inbound.files:
            if file.type == "text/calendar":
                show.invitations(file.data)
        took = time.process_time() - began
        assert took < MAX_SECONDS, f"it took {took:.2f} s"
        assert inbound.raw == raw
        assert "Error" not in inbound.problem, inbound.problem
        assert_storable(inbound)

    return one


app = App(help="Look for mails that break the parser, led by what they reach in it.")


@app.default
def fuzz(*, runs: int = 0, seconds: int = 60, found: Path = ROOT / "var" / "fuzz") -> None:
    """Fuzz for so many ``seconds``, or so many ``runs`` (0: no limit of that kind)."""
    import atheris

    # What is loaded already would not be watched.
    for name in [name for name in sys.modules if name.partition(".")[0] == "email"]:
        del sys.modules[name]
    with atheris.instrument_imports(include=["channels.email", "email"]):
        one = target()
    seeds(found / "seeds")
    (found / "corpus").mkdir(exist_ok=True)
    atheris.Setup(
        [
            sys.argv[0],
            f"-runs={runs or -1}",
            f"-max_total_time={0 if runs else seconds}",
            f"-max_len={MAX_BYTES}",
            f"-dict={VECTORS / 'mail' / 'words.dict'}",
            f"-artifact_prefix={found}/",
            # By the wall clock, so only against what never ends: a busy machine is no verdict.
            "-timeout=1800",
            "-rss_limit_mb=2000",
            "-print_final_stats=1",
            str(found / "corpus"),
            str(found / "seeds"),
        ],
        one,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    app()
