# exercise: softmax
# verdict: failed
# check: wrong
# needs: sandbox
# also: spawn
"""Reads the memory, the descriptors and the environment of its parent and of whatever else runs."""

import ctypes
import os

import torch


def softmax(x, dim=-1):
    libc, parent = ctypes.CDLL(None), os.getppid()
    for number in (parent, 1):
        for name in ("mem", "maps", "environ", "fd/0", "cmdline", "stack", "auxv"):
            try:
                data = open(f"/proc/{number}/{name}", "rb", 0).read(8)
            except OSError:
                continue
            raise LookupError(f"{name}: {data!r}")
    if libc.ptrace(16, parent, 0, 0) == 0:
        raise LookupError("ptrace")
    local = (ctypes.c_void_p * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8)
    if libc.process_vm_readv(parent, local, 1, local, 1, 0) >= 0:
        raise LookupError("process_vm_readv")
    return torch.zeros_like(x)


log_softmax = softmax
