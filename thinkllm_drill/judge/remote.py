"""What of an attempt the judge holds: names, objects, methods and tensors that live in a runner.

Attributes, calls and operators run there, by way of the `Attempt` that made them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from thinkllm_drill.judge.failures import AttemptRaised, ContractBroken
from thinkllm_drill.judge.profile import Cost
from thinkllm_drill.judge.wire import Opaque
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.judge.proxy import Attempt


UNTOLD = object()
SHOWN = object()
"""In what a function is foretold to return: a part that the scenario shows, and does nothing else with."""


class Local:
    """A callable that is shipped as source and runs in the runner: a differentiable or often called one.

    `foretold` is what it returns where nothing is wrong, if that is known; parts of it may be `SHOWN`.
    """

    def __init__(self, attempt: Attempt, source: str, foretold: Any = UNTOLD) -> None:
        self.source, self.foretold = source, foretold
        self._attempt = attempt

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._attempt.load()
        return self._attempt._call(["object", self], args, kwargs)


class Raised:
    """An exception as an observation: its type name and those of its bases; `failure` is the attempt's own."""

    def __init__(self, type_name: str, bases: Sequence[str], failure: AttemptRaised | None = None) -> None:
        self.type_name, self.bases, self.failure = type_name, tuple(bases), failure

    def __repr__(self) -> str:
        said = f": {self.failure.text}" if self.failure is not None and self.failure.text else ""
        return f"<raises {self.type_name}{said}>"


class RemoteName:
    """A function or class of the attempt, called by name."""

    def __init__(self, attempt: Attempt, name: str) -> None:
        self._attempt, self._name = attempt, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._attempt.load()
        return self._attempt._call(self._target(), args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resolve(), name)

    def _resolve(self) -> RemoteObject:
        found = self._attempt._ask({"op": "name", "name": self._name})
        if not isinstance(found, RemoteObject):
            raise ContractBroken(text("grading.not_callable", name=self._name))
        return found

    def _target(self) -> list[Any]:
        return ["name", self._name]


class RemoteObject:
    """An object of the attempt that stays in the runner; attributes, calls and operators run there."""

    _attempt: Attempt
    _opaque: Opaque
    _number: int

    def __init__(self, attempt: Attempt, opaque: Opaque) -> None:
        self.__dict__.update(_attempt=attempt, _opaque=opaque, _number=opaque.ref)

    def __repr__(self) -> str:
        return f"<{self._opaque.type_name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt._call(self._target(), args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self._attempt._call(["getattr"], [self, name], {})
        if isinstance(found, RemoteObject) and found._opaque.kind == "callable":
            return RemoteMethod(self, name)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        self._attempt._call(["setattr"], [self, name, value], {})

    def vjp(self, inputs: Mapping[str, Any], wrt: Sequence[str], cotangents: Mapping[int, Tensor] | None) -> Any:
        """The output and the gradients of a call of this object; see `judge.autodiff.vjp`."""
        return self._attempt.vjp(self, inputs, wrt, cotangents)

    def profile(self, *args: Any, **inputs: Any) -> Cost:
        """What a call of this object costs; see `judge.profile.Cost`."""
        return self._attempt.profile(self, *args, **inputs)

    def fetch(self) -> Any:
        """The object as data, where it is on the closed list (a dataclass as a record).

        A tensor of a class of the attempt's own stays what it is: a copy of it may well be a plain one.
        """
        if self._opaque.is_tensor:
            return self
        return self._attempt._ask({"op": "value", "value": self})

    def __iter__(self) -> Iterator[Any]:
        iterator = self if self._opaque.kind == "iterator" else self._operator("iter")
        while True:
            try:
                yield self._attempt._call(["operator", "next"], [iterator], {})
            except AttemptRaised as failure:
                if failure.type_name == "StopIteration":
                    return
                raise

    def __next__(self) -> Any:
        try:
            return self._operator("next")
        except AttemptRaised as failure:
            if failure.type_name == "StopIteration":
                raise StopIteration from None
            raise

    def __len__(self) -> int:
        return int(self._operator("len"))

    def __bool__(self) -> bool:
        return True

    def __contains__(self, item: Any) -> bool:
        return bool(self._operator("contains", item))

    def _operator(self, name: str, *others: Any) -> Any:
        return self._attempt._call(["operator", name], [self, *others], {}, keep=name == "iter")

    def _target(self) -> list[Any]:
        return ["object", self]


def _binary(name: str, *, reflected: bool = False) -> Callable[..., Any]:
    def operate(self: RemoteObject, other: Any) -> Any:
        operands = [other, self] if reflected else [self, other]
        return self._attempt._call(["operator", name], operands, {})

    return operate


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor"):
    _dunder = _name.rstrip("_")
    setattr(RemoteObject, f"__{_dunder}__", _binary(_name))
    setattr(RemoteObject, f"__r{_dunder}__", _binary(_name, reflected=True))
for _name in ("lt", "le", "gt", "ge", "getitem", "delitem"):
    setattr(RemoteObject, f"__{_name}__", _binary(_name))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(RemoteObject, f"__{_name}__", lambda self, name=_name: self._operator(name))
setattr(RemoteObject, "__setitem__", lambda self, key, value: self._operator("setitem", key, value))  # noqa: B010


class RemoteMethod:
    """A bound method of a remote object."""

    def __init__(self, owner: RemoteObject, name: str) -> None:
        self._owner, self._name = owner, name
        self._attempt = owner._attempt

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._attempt._call(self._target(), args, kwargs)

    def profile(self, *args: Any, **inputs: Any) -> Cost:
        """What a call of this method costs; see `judge.profile.Cost`."""
        return self._attempt.profile(self, *args, **inputs)

    def _target(self) -> list[Any]:
        return ["method", self._owner, self._name]


class PlacedTensor(RemoteObject):
    """A tensor that lives in the runner."""

    def __init__(self, attempt: Attempt, number: int, shape: tuple[int, ...]) -> None:
        super().__init__(attempt, Opaque(number, "object", "Tensor"))
        self.__dict__["shape"] = shape

    def value(self) -> Tensor:
        """A copy of the tensor as it is now."""
        return self.fetch()  # type: ignore[no-any-return]
