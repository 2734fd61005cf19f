"""What a scenario is going to ask of an attempt, worked out before it asks.

Most scenarios draw their inputs, make their calls and show what comes back: none of the calls depends on an earlier
answer. Such a scenario is run on a `Recorder`, and its requests can be sent while the answers to others are compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, cast

from torch import Tensor

from thinkllm_drill.judge import framing
from thinkllm_drill.judge.launch import Launcher
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.judge.remote import SHOWN, UNTOLD, Local, PlacedTensor, RemoteName, RemoteObject
from thinkllm_drill.judge.under_way import MAX_BYTES, Frame, Script, asks
from thinkllm_drill.judge.wire import Opaque

_NUMBERS = itertools.count(-1, -1)
"""Of all that recorders name; what is numbered as it is asked or made is counted upwards."""


class AnswerNeeded(BaseException):
    """A scenario does something with an answer that nobody has given; not for an `except Exception` in it."""


class _Answer:
    """In the place of an answer: it can be shown, and nothing else."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AnswerNeeded(name)


def _needed(*_: Any) -> NoReturn:
    raise AnswerNeeded


for _name in (
    *("call", "iter", "next", "len", "bool", "contains", "getitem", "setitem", "eq", "ne", "lt", "le", "gt", "ge"),
    *("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "matmul", "rmatmul", "neg", "abs", "pow"),
    *("int", "float", "index", "str", "repr", "hash", "format", "array", "enter", "exit"),
):
    setattr(_Answer, f"__{_name}__", _needed)


class Recorder(Attempt):
    """Stands in for an attempt that has answered nothing yet.

    Args:
        classes: the names in it that are classes, each with the names of its methods; what they make is given a
            number beforehand.
    """

    def __init__(self, classes: Mapping[str, Collection[str]]) -> None:
        super().__init__(cast("Launcher", None), b"", "")
        self._classes = classes
        self._known: dict[str, int] = {}
        self._frames: list[Frame] = []
        self._used: dict[str, int] = {}
        self.launches = 1

    def script(self, scenario: Callable[[], Iterable[Any]]) -> Script | None:
        """All that a scenario asks; None where it depends on an answer, calls us back, or is large."""
        self._frames, self._used = [], {}
        try:
            for _ in scenario():
                pass
        except (Exception, AnswerNeeded):  # what is wrong with it shows as it is run in earnest
            return None
        script = Script(tuple(self._frames), self._used)
        return script if script.frames and script.size <= MAX_BYTES else None

    def __getitem__(self, name: str) -> RemoteName:
        return RemoteName(self, name)

    def place(self, tensor: Tensor) -> PlacedTensor:
        number = next(_NUMBERS)
        self._ask({"op": "place", "value": tensor, "as": number})
        return PlacedTensor(self, number, tuple(tensor.shape))

    def vjp(
        self,
        target: RemoteName | RemoteObject,
        inputs: Mapping[str, Any],
        wrt: Sequence[str],
        cotangents: Mapping[int, Tensor] | None,
    ) -> tuple[Any, dict[str, Tensor]]:
        self._ask(self._vjp_request(target, inputs, wrt, cotangents))
        return _Answer(), dict.fromkeys(wrt, cast("Tensor", _Answer()))

    @property
    def changed(self) -> list[str]:
        raise AnswerNeeded

    def outcome(self, thunk: Callable[[], Any]) -> Any:
        return thunk()

    def _ready(self) -> None:
        """There is no runner."""

    def _ask(self, request: dict[str, Any], read: Callable[[Any], Any] = lambda answer: answer) -> Any:
        if request["op"] not in ("call", "vjp", "place", "value"):
            raise AnswerNeeded
        target, made = request.get("target", [""]), None
        if request["op"] == "call" and target[0] == "name" and target[1] in self._classes:
            request, made = request | {"as": next(_NUMBERS)}, target[1]
        number = next(_NUMBERS)
        message = framing.pack(*self._encode(request | {"number": number}))
        self._frames.append(Frame(number, asks(request), message))
        if made is not None:
            return RemoteObject(self, Opaque(request["as"], "object", made))
        if target == ["getattr"] and self._is_method(*request["args"]):
            return RemoteObject(self, Opaque(0, "callable", "method"))
        foretold = target[1].foretold if isinstance(target[-1], Local) else UNTOLD
        return _Answer() if foretold is UNTOLD else _told(foretold)

    def _is_method(self, owner: RemoteObject, name: str) -> bool:
        return name in self._classes.get(owner._opaque.type_name, ())

    def _encode_special(self, value: Any) -> dict[str, Any] | None:
        if isinstance(value, Local):
            number = self._known.setdefault(value.source, next(_NUMBERS))
            self._used[value.source] = number
            return {"$": "ref", "id": number}
        if isinstance(value, RemoteName):
            raise AnswerNeeded
        special = super()._encode_special(value)
        if self._callbacks:
            self._callbacks.clear()
            self._numbers.clear()
            raise AnswerNeeded
        return special


def _told(foretold: Any) -> Any:
    """What is foretold, with answers that can be shown."""
    if type(foretold) in (list, tuple):
        return type(foretold)(map(_told, foretold))
    return _Answer() if foretold is SHOWN else foretold


class Scripts:
    """The scripts of a grading's scenarios, each worked out once."""

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self._known: dict[Hashable, Script | None] = {}

    def get(self, key: Hashable) -> Script | None:
        """The script that was worked out for a key, if there was one."""
        return self._known.get(key)

    def of(
        self, key: Hashable, classes: Mapping[str, Collection[str]], run: Callable[[Recorder], Iterable[Any]]
    ) -> Script | None:
        """The script of the scenario that `run` begins, by its key."""
        if key not in self._known:
            recorder = self._recorder = self._recorder or Recorder(classes)
            self._known[key] = recorder.script(lambda: run(recorder))
        return self._known[key]
