"""A runner that is made ready for an exercise before there is an attempt to load."""

from __future__ import annotations

import contextlib
import select
from collections.abc import Sequence

from thinkllm_drill.judge import framing
from thinkllm_drill.judge.launch import Exit, Launcher, RunnerProcess
from thinkllm_drill.judge.wire import Encoder

READY_SECONDS = 10.0


class AheadLauncher:
    """A launcher whose first runner is there already, with the rules of an exercise in force.

    Args:
        launcher: where all others come from.
        runner: one that has been asked for nothing.
        forbid: what the exercise forbids.
        kernels: the attempt holds Triton kernels.
    """

    def __init__(self, launcher: Launcher, runner: RunnerProcess, forbid: Sequence[str], *, kernels: bool) -> None:
        self._launcher = launcher
        self._runner: RunnerProcess | None = runner
        self.polls_memory = launcher.polls_memory
        request = {"op": "prepare", "number": 0, "forbid": list(forbid), "kernels": kernels}
        with contextlib.suppress(OSError):
            runner.connection.sendall(framing.pack(*Encoder().encode(request)))

    def start(self) -> RunnerProcess:
        """The runner, once; then others."""
        runner, self._runner = self._runner, None
        if runner is None:
            return self._launcher.start()
        if _is_ready(runner):
            return runner
        self._launcher.stop(runner)
        return self._launcher.start()

    def stop(self, runner: RunnerProcess) -> Exit:
        """As the launcher does."""
        return self._launcher.stop(runner)

    def warm_up(self) -> None:
        """As the launcher does."""
        self._launcher.warm_up()

    def close(self) -> None:
        """As the launcher does."""
        self._launcher.close()


def _is_ready(runner: RunnerProcess) -> bool:
    """Whether a runner has done what was asked of it first, and is there."""
    runner.connection.settimeout(READY_SECONDS)
    try:
        framing.receive(runner.connection)
        return not select.select([runner.connection], [], [], 0)[0]  # what is to be read is its end
    except (OSError, framing.FrameError, framing.PeerGone):
        return False
