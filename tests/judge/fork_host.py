"""A service whose one judge is the process that started it: `python fork_host.py CONTROL CLIENT`, two descriptors."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys

from thinkllm_drill.judge import image, judges, sandbox, service


def main() -> None:
    """Fork runners for the owner of the control socket until it closes."""
    control, client = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    sandbox.die_with_parent()
    image.preload()
    sandbox.become_subreaper()
    zygote = service.Zygote(None)
    stand_in = os.fork()
    if stand_in == 0:
        sandbox.die_with_parent()
        signal.pause()
    zygote._judges[stand_in] = judges.Judge(stand_in, control, client, None)
    zygote._selector.register(control, selectors.EVENT_READ, ("control", stand_in))
    zygote.run()


if __name__ == "__main__":
    main()
