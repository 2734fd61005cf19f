"""What every test starts with."""

from __future__ import annotations

import signal

for _name in ("SIGINT", "SIGQUIT", "SIGHUP"):
    # a run in the background of a script ignores them, and so would every program that a test starts and signals
    _number = getattr(signal, _name, None)
    if _number is not None and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _name == "SIGINT" else signal.SIG_DFL)
