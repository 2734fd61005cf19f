# exercise: softmax
# verdict: failed
# check: error
import pathlib
import pickle

import safetensors.torch


class Payload:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("/tmp/adversary-pickle"),)  # noqa: S108


def softmax(x, dim=-1):
    safetensors.torch.save = lambda *args, **kwargs: pickle.dumps(Payload())
    return x


log_softmax = softmax
