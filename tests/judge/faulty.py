"""An attempt that does to its process whatever it is told."""
# ruff: noqa: SIM105, F841, PTH109, PTH123, PTH208  (written as learners write)

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time

import torch


def fine():
    return "fine"


def spin():
    while True:
        pass


def sleep():
    time.sleep(1e6)


def multiply():
    x = torch.ones(6000, 6000)
    while True:
        x @ x


def deaf():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass


def exit_0():
    os._exit(0)


def exit_3():
    os._exit(3)


def sys_exit():
    sys.exit("bye")


def segfault():
    ctypes.string_at(0)


def abort():
    os.abort()


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)


def memory():
    return bytearray(3 << 30)


def allocation():
    return torch.empty(100 << 30, dtype=torch.uint8)


def touch(megabytes):
    kept = torch.ones(megabytes << 18)
    time.sleep(600)


def ask():
    return input("your name? ")


def stop_here():
    breakpoint()


def recurse(n=0):
    return recurse(n + 1)


def recurse_in_c():
    sys.setrecursionlimit(10**9)

    class A:
        def __repr__(self):
            return repr([self])

    return repr(A())


def lines(n):
    for k in range(n):
        print("line", k)
    return n


def half_a_line():
    sys.stdout.write("no end")
    sys.stderr.write("of line")


def connection():
    found = []
    for n in range(3, 64):
        try:
            found.append(socket.socket(fileno=os.dup(n)))
        except OSError:
            pass
    return found


def write(data):
    for sock in connection():
        sock.sendall(data)
    return "done"


def close_everything():
    os.closerange(0, 200)


def child(own_session):
    process = subprocess.Popen(["sleep", "600"], start_new_session=own_session)
    return process.pid


def orphan():
    """Forks twice and leaves a grandchild in a session of its own, which keeps every descriptor open."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            time.sleep(600)
            os._exit(0)
        os.write(write, str(pid).encode())
        os._exit(0)
    return int(os.read(read, 20))


def pid():
    return os.getpid()


def where():
    return os.getcwd(), sorted(os.environ), os.listdir(".")


def fill(megabytes):
    with open("big", "wb") as file:
        for _ in range(megabytes):
            file.write(bytes(1 << 20))


class Rude(Exception):
    def __str__(self):
        raise RuntimeError("no")


class Own(ValueError):
    pass


def rude():
    raise Rude


def own():
    raise Own("mine")


def long():
    raise ValueError("x" * 100_000)


def blank():
    raise NotImplementedError("blank 2: the mask")


def not_a_blank():
    raise NotImplementedError("later")


def interrupt():
    raise KeyboardInterrupt


def huge_answer():
    return "x" * (65 << 20)


def deep_answer():
    found = []
    for _ in range(200):
        found = [found]
    return found


def patched():
    from thinkllm_drill.judge import wire

    wire._JSON.encode = lambda tree: 1 / 0
    return torch.ones(1)
