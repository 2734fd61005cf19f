"""seccomp: a process gives up system calls for itself, without any privilege.

A classic BPF program through ctypes: no sockets, no new processes (threads stay), no exec, no ptrace, no reading of
other processes' memory, nothing done to another process by its number, nothing kept that no process owns (shared memory
and queues of System V, keys). Source: the kernel's Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

PR_GET_SECCOMP, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 21, 22, 38
MODE_FILTER = 2
LOAD, JUMP_EQUAL, JUMP_SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
CLONE_THREAD = 0x10000

DENIED = (
    *("socket", "socketpair", "connect", "fork", "vfork", "execve", "execveat", "ptrace", "process_vm_readv"),
    *("process_vm_writev", "bpf", "io_uring_setup", "pidfd_getfd", "setns", "unshare", "mount", "pidfd_send_signal"),
    *("setpriority", "ioprio_set", "process_madvise", "shmget", "msgget", "semget", "mq_open", "open_by_handle_at"),
    *("add_key", "request_key", "keyctl", "perf_event_open", "userfaultfd"),
)
OWN = (
    *("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "prlimit64", "pidfd_open"),
    *("sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"),
)
"""Allowed where the first argument is this process or 0, which means the same or its group."""
# audit architecture, then the numbers of DENIED, OWN, clone and clone3; None where the architecture has no such call
TABLES: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        dict(
            socket=41, socketpair=53, connect=42, fork=57, vfork=58, execve=59, execveat=322, ptrace=101,
            process_vm_readv=310, process_vm_writev=311, bpf=321, io_uring_setup=425, pidfd_getfd=438, setns=308,
            unshare=272, mount=165, clone=56, clone3=435, pidfd_send_signal=424, setpriority=141, ioprio_set=251,
            process_madvise=440, shmget=29, msgget=68, semget=64, mq_open=240, open_by_handle_at=304, add_key=248,
            request_key=249, keyctl=250, perf_event_open=298, userfaultfd=323, kill=62, tkill=200, tgkill=234,
            rt_sigqueueinfo=129, rt_tgsigqueueinfo=297, prlimit64=302, pidfd_open=434, sched_setaffinity=203,
            sched_setscheduler=144, sched_setparam=142, sched_setattr=314,
        ),
    ),
    "aarch64": (
        0xC00000B7,
        dict(
            socket=198, socketpair=199, connect=203, execve=221, execveat=281, ptrace=117, process_vm_readv=270,
            process_vm_writev=271, bpf=280, io_uring_setup=425, pidfd_getfd=438, setns=268, unshare=97, mount=40,
            clone=220, clone3=435, pidfd_send_signal=424, setpriority=140, ioprio_set=30, process_madvise=440,
            shmget=194, msgget=186, semget=190, mq_open=180, open_by_handle_at=265, add_key=217, request_key=218,
            keyctl=219, perf_event_open=241, userfaultfd=282, kill=129, tkill=130, tgkill=131, rt_sigqueueinfo=138,
            rt_tgsigqueueinfo=240, prlimit64=261, pidfd_open=434, sched_setaffinity=122, sched_setscheduler=119,
            sched_setparam=118, sched_setattr=274,
        ),
    ),
}  # fmt: skip


def available() -> bool:
    """Whether this kernel filters system calls and we know this processor's numbers."""
    if sys.platform != "linux" or platform.machine() not in TABLES:
        return False
    return bool(ctypes.CDLL(None).prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)


def restrict() -> bool:
    """Deny the calls above to this process from now on; whether it worked."""
    if not available():
        return False
    architecture, numbers = TABLES[platform.machine()]
    program = _program(architecture, numbers)
    buffer = ctypes.create_string_buffer(program)

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    pointer = Program(len(program) // 8, ctypes.addressof(buffer))
    return bool(libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(pointer), 0, 0) == 0)


def _program(architecture: int, numbers: dict[str, int]) -> bytes:
    deny, unknown = FAIL | errno.EPERM, FAIL | errno.ENOSYS
    lines = [
        _line(LOAD, 0, 0, ARCHITECTURE),
        _line(JUMP_EQUAL, 1, 0, architecture),
        _line(RETURN, 0, 0, deny),  # another architecture's calls on the same processor
        _line(LOAD, 0, 0, NUMBER),
    ]
    for name in DENIED:
        if name in numbers:
            lines += [_line(JUMP_EQUAL, 0, 1, numbers[name]), _line(RETURN, 0, 0, deny)]
    for name in OWN:
        lines += [
            _line(JUMP_EQUAL, 0, 5, numbers[name]),
            _line(LOAD, 0, 0, FIRST_ARGUMENT),
            _line(JUMP_EQUAL, 2, 0, os.getpid()),
            _line(JUMP_EQUAL, 1, 0, 0),
            _line(RETURN, 0, 0, deny),
            _line(RETURN, 0, 0, ALLOW),
        ]
    # clone3 hides its flags behind a pointer: libc falls back to clone, whose flags tell threads from processes
    lines += [_line(JUMP_EQUAL, 0, 1, numbers["clone3"]), _line(RETURN, 0, 0, unknown)]
    lines += [
        _line(JUMP_EQUAL, 0, 3, numbers["clone"]),
        _line(LOAD, 0, 0, FIRST_ARGUMENT),
        _line(JUMP_SET, 1, 0, CLONE_THREAD),
        _line(RETURN, 0, 0, deny),
        _line(RETURN, 0, 0, ALLOW),
    ]
    return b"".join(lines)


def _line(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
