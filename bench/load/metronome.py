"""Says when work is due: ``python -m bench.load.metronome RATE SECONDS``.

Writes the moment at which each piece is due to stdout, ``RATE`` a second, as a double of the
machine's monotonic clock, which all processes share. A loop's own timers are good to a
millisecond or two, which is as long as what they would be used to measure.
"""

import os
import sys
import time
from struct import Struct

BEAT = Struct("=d")


def main(rate: float, seconds: float) -> int:
    began = time.monotonic()
    count = int(rate * seconds)
    for number in range(count):
        due = began + number / rate
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)  # keeping time is this process's work; it has no loop to hold up
        os.write(sys.stdout.fileno(), BEAT.pack(due))
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), float(sys.argv[2])))
