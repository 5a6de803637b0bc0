"""The process that understands mails for a node that has many to read: ``understand.Helper``.

Frames on stdin and stdout: four bytes of length, then MessagePack; work in, what it was understood
as out, one for one and in order; without the mail's bytes, which the node has. Ends when stdin
does, and when the node is killed, whatever it is about: a mail may keep it for ever.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from typing import BinaryIO

import msgspec

from channels.email.parse import Envelope, MailParser
from channels.email.understand import HEAD_BYTES, framed, understand, without_bytes
from channels.language import LanguageGuess

_PR_SET_PDEATHSIG = 1


def serve(parser: MailParser, asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there is nothing more to read."""
    decoder = msgspec.msgpack.Decoder(list[tuple[bytes, Envelope]])
    while head := asked.read(HEAD_BYTES):
        work = decoder.decode(asked.read(int.from_bytes(head)))
        answers.writelines(framed(without_bytes(understand(parser, work))))
        answers.flush()


def end_with(parent: int) -> None:
    """See to it that we end when ``parent`` has: by the kernel, or else by looking each second."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)  # it ended before we could say so


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def main() -> None:
    end_with(os.getppid())
    # Ctrl-C at a terminal is meant for the node, which lets us go when it has drained.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(MailParser(LanguageGuess()), sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
