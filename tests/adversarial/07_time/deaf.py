# exercise: softmax
# verdict: failed
# check: timeout
# seconds: 1
# also: spawn
"""Ignores every signal that can be ignored and catches every exception."""

import signal
import time

for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass


def softmax(x, dim=-1):
    while True:
        try:
            time.sleep(1e9)
        except BaseException:
            pass


def log_softmax(x, dim=-1):
    return x
