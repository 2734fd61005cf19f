"""What every test starts with."""

from __future__ import annotations

import signal

for _number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
    # a run in the background of a script ignores them, and so would every program that a test starts and interrupts
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL)
