"""What every test starts with."""

from __future__ import annotations

import contextlib
import signal

with contextlib.suppress(ImportError):  # a machine with a GPU runs tests/gpu alone, without it
    from hypothesis import HealthCheck, settings

    # the same examples in every run, however slow the machine is
    settings.register_profile("tests", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("tests")

for _name in ("SIGINT", "SIGQUIT", "SIGHUP"):
    # a run in the background of a script ignores them, and so would every program that a test starts and signals
    _number = getattr(signal, _name, None)
    if _number is not None and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _name == "SIGINT" else signal.SIG_DFL)
