# exercise: softmax
# verdict: failed
# check: wrong
# needs: sandbox
# also: spawn
"""Signals the judge and the service in every way there is; 0 would do to show that it can."""

import ctypes
import os
import platform
import signal

import torch

TGKILL, QUEUE, PIDFD = (234, 129, 434) if platform.machine() == "x86_64" else (131, 138, 434)


def softmax(x, dim=-1):
    parent, libc = os.getppid(), ctypes.CDLL(None)
    ways = [
        lambda: os.kill(parent, 0),
        lambda: os.kill(parent, signal.SIGCONT),
        lambda: os.killpg(os.getpgid(parent), 0),
        lambda: os.pidfd_open(parent),
    ]
    for way in ways:
        try:
            way()
        except OSError:
            continue
        raise LookupError("the parent can be signalled")
    if 0 in (libc.syscall(TGKILL, parent, parent, 0), libc.syscall(QUEUE, parent, 0, bytes(128))):
        raise LookupError("the parent can be signalled by system call")
    return torch.zeros_like(x)


log_softmax = softmax
