# exercise: softmax
# verdict: failed
# check: error
# needs: linux
# also: spawn
"""A thread writes an answer of its own to the connection while nothing was asked."""

import os
import threading
import time

import torch


def send():
    time.sleep(0.001)
    for number in range(3, 64):
        try:
            if os.readlink(f"/proc/self/fd/{number}").startswith("socket"):
                os.write(number, b"TLD1" + bytes(3) + b"\x08" + bytes(8) + b'{"ok":1}' * 1000)
        except OSError:
            pass


def softmax(x, dim=-1):
    thread = threading.Thread(target=send)
    thread.start()
    thread.join()
    return torch.zeros_like(x)


log_softmax = softmax
