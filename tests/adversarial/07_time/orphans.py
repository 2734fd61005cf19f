# exercise: softmax
# verdict: failed
# check: timeout error
# needs: linux
# seconds: 1
# also: open
"""Where it may fork: two generations of children in sessions of their own, which hold every descriptor open."""

import os
import signal
import time


def spread(generations):
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            if generations:
                spread(generations - 1)
            time.sleep(1000)
            os._exit(0)


def softmax(x, dim=-1):
    spread(2)
    time.sleep(1000)


def log_softmax(x, dim=-1):
    return x
