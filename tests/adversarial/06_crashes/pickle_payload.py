# exercise: softmax
# verdict: failed
# check: contract error
# also: spawn
"""Would leave a file behind if anybody unpickled it."""

import pathlib


class Payload:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("/tmp/adversary-pickle"),)  # noqa: S108


def softmax(x, dim=-1):
    return Payload()


log_softmax = softmax
