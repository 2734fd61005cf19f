"""Landlock: a process gives up access to the file system for itself and its children, without any privilege.

System calls through ctypes (Linux 5.13 and later). Rules can only allow, so what must stay hidden inside an allowed
folder is left out entry by entry. Source: the kernel's Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RULE_PATH_BENEATH = 1
CREATE_RULESET_VERSION = 1
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
READ = EXECUTE | READ_FILE | READ_DIR
ALL_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
REFER = 1 << 13
FILE_ONLY = EXECUTE | WRITE_FILE | READ_FILE | (1 << 14) | (1 << 15)
"""Rights that make sense for a file; a rule for a file may hold no others."""
SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3


def version() -> int:
    """The version of the interface that the kernel offers; 0 where it has none."""
    if sys.platform != "linux":
        return 0
    found = ctypes.CDLL(None, use_errno=True).syscall(CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)
    return max(0, int(found))


def restrict(read: Iterable[Path], write: Iterable[Path]) -> bool:
    """Allow reading beneath `read` and everything beneath `write`, and nothing else from now on; whether it worked."""
    offered = version()
    if not offered:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    rights = ALL_BY_VERSION.get(offered, ALL_BY_VERSION[5])
    network = 3 if offered >= 4 else 0
    scoped = SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if offered >= 6 else 0
    fields = [rights, network, scoped][: 3 if offered >= 6 else 2 if offered >= 4 else 1]
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = libc.syscall(CREATE_RULESET, ctypes.c_char_p(attributes), len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        for path, allowed in [*((path, READ) for path in read), *((path, rights) for path in write)]:
            _allow(libc, ruleset, path, allowed & rights)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def hide(readable: Iterable[Path]) -> bool:
    """Deny reading of all but what is beneath `readable`, and nothing else; whether it worked.

    Renaming from one folder into another is denied by every ruleset that does not speak of it, so this one allows it.
    """
    if version() < 2:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    rights = READ_FILE | READ_DIR | REFER
    attributes = struct.pack("=Q", rights)
    ruleset = libc.syscall(CREATE_RULESET, ctypes.c_char_p(attributes), len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(libc, ruleset, path, rights)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not path.is_dir():
                rights &= FILE_ONLY
            rule = struct.pack("=Qi", rights, descriptor)
            libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.c_char_p(rule), 0)
        finally:
            os.close(descriptor)


def without(root: Path, hidden: set[Path]) -> Iterator[Path]:
    """What to allow so that all beneath `root` is readable but for the `hidden` paths."""
    if root in hidden:
        return
    if not any(root in path.parents for path in hidden):
        yield root
        return
    with contextlib.suppress(OSError):
        for child in root.iterdir():
            # a link may lead back to what holds a hidden path (lib64 in a virtual environment)
            if child.is_symlink() and _leads_to(child.resolve(), hidden):
                continue
            yield from without(child, hidden)


def _leads_to(target: Path, hidden: set[Path]) -> bool:
    return any(target == path or target in path.parents or path in target.parents for path in hidden)
