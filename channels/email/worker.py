"""The process that understands mails for a node that has many to read: ``understand.Helper``.

Frames on stdin and stdout: four bytes of length, then MessagePack; work in, what it was understood
as out, one for one and in order. Ends when stdin does, so also when the node is killed.
"""

import signal
import sys
from typing import BinaryIO

import msgspec

from channels.email.language import LanguageGuess
from channels.email.parse import Envelope, MailParser
from channels.email.understand import HEAD_BYTES, framed, understand


def serve(parser: MailParser, asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there is nothing more to read."""
    decoder = msgspec.msgpack.Decoder(list[tuple[bytes, Envelope]])
    while head := asked.read(HEAD_BYTES):
        work = decoder.decode(asked.read(int.from_bytes(head)))
        answers.write(framed(understand(parser, work)))
        answers.flush()


def main() -> None:
    # Ctrl-C at a terminal is meant for the node, which lets us go when it has drained.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(MailParser(LanguageGuess()), sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
