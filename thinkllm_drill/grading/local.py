"""The reference behind the same interface as the proxy of an attempt.

Runs in this process: in fp64 for the truth, with inputs moved by one roundoff for the conditioning, and in the dtype
of the case for types, shapes and its own rounding error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thinkllm_drill.grading.rng import Rng
from thinkllm_drill.judge import autodiff
from thinkllm_drill.judge import profile as profile_
from thinkllm_drill.judge.failures import AttemptRaised
from thinkllm_drill.judge.intermediates import collected
from thinkllm_drill.judge.remote import Raised
from thinkllm_drill.judge.runner import local_function
from thinkllm_drill.judge.wire import Record

PLAIN = (bool, int, float, str, bytes, list, tuple, dict, set, frozenset)
DATA = (*PLAIN, Tensor, np.ndarray, np.generic, torch.dtype, torch.device, torch.Generator)
"""What an attempt's side gives as data, and not as an object that stays there."""


class Reference:
    """A trusted module, called with every float tensor cast.

    Args:
        module: what the reference file defines.
        dtype: float tensors and modules are cast to it; None leaves them as they are.
        jitter: move float inputs by a relative error of this size, with random signs from `rng`.
        rng: the source of the signs.
    """

    def __init__(
        self, module: Any, dtype: torch.dtype | None = torch.float64, *, jitter: float = 0.0, rng: Rng | None = None
    ) -> None:
        self._module = module
        self._dtype = dtype
        self._jitter = jitter
        self._rng = rng
        self.changed: list[str] = []
        self.intermediates: dict[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return LocalObject(self, getattr(self._module, name))

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def place(self, tensor: Tensor) -> LocalObject:
        """The tensor, cast, with an identity of its own."""
        return LocalObject(self, self._cast(tensor).clone())

    def local(self, source: str, foretold: Any = None) -> Any:
        """The function that `source` evaluates to; `foretold` is for an attempt, see `judge.remote.Local`."""
        return LocalObject(self, local_function(source))

    def cast_module(self, module: LocalObject, dtype: torch.dtype) -> None:
        """Put a module into the dtype of a case, where this reference runs in the dtype of its inputs."""
        if self._dtype is None:
            module._thing.to(dtype)

    def outcome(self, thunk: Callable[[], Any]) -> Any:
        """The result of `thunk()`, or the exception that it raised, as a value to compare."""
        try:
            return thunk()
        except Exception as error:
            return raised(error)

    def vjp(
        self, target: Any, inputs: Mapping[str, Any], wrt: Sequence[str], cotangents: Mapping[int, Tensor] | None
    ) -> tuple[Any, dict[str, Tensor]]:
        """The output and the gradients with respect to `wrt`; see `judge.autodiff.vjp`."""
        cast = None if cotangents is None else {index: self._cast(c) for index, c in cotangents.items()}
        with self._default_dtype():
            return autodiff.vjp(target._thing, self._cast(dict(inputs)), wrt, cast)

    def profile(
        self, target: Any, /, *args: Any, saved: bool = False, instructions: bool = False, **inputs: Any
    ) -> profile_.Cost:
        """What the call costs, in the dtype of this reference: compare its FLOPs with an attempt's, not its bytes."""
        thing = getattr(self._module, target) if isinstance(target, str) else target._thing
        cast = self._cast(list(args)), self._cast(dict(inputs))
        with self._default_dtype():
            _, cost = profile_.profile(thing, *cast, saved=saved, instructions=instructions)
        return profile_.Cost(**cost)

    def _invoke(self, thing: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        file = getattr(self._module, "__file__", None)
        with self._default_dtype(), collected(self.intermediates or (), (file,)) as held:
            value = thing(*self._cast(list(args)), **self._cast(dict(kwargs)))
        if self.intermediates is not None:
            self.intermediates |= held
        if self._dtype is not None and isinstance(value, torch.nn.Module) and isinstance(thing, type):
            value = value.to(self._dtype)
        return self._wrap(value)

    @contextlib.contextmanager
    def _default_dtype(self) -> Iterator[None]:
        before = torch.get_default_dtype()
        if self._dtype is torch.float64:
            torch.set_default_dtype(torch.float64)
        try:
            yield
        finally:
            torch.set_default_dtype(before)

    def _cast(self, value: Any) -> Any:
        if isinstance(value, LocalObject):
            return value._thing
        if isinstance(value, Tensor) and value.is_floating_point():
            return self._cast_tensor(value)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return self._cast_tensor(torch.from_numpy(value.copy())).numpy()
        if type(value) in (list, tuple, set):
            return type(value)(self._cast(item) for item in value)
        if isinstance(value, dict):
            return {key: self._cast(item) for key, item in value.items()}
        if isinstance(value, Record):
            name, fields, _ = value._record
            return getattr(self._module, name)(**{key: self._cast(item) for key, item in fields.items()})
        return value

    def _cast_tensor(self, value: Tensor) -> Tensor:
        if self._dtype is None:
            return value.clone()
        cast = value.to(self._dtype, copy=True)
        if self._jitter and self._rng is not None:
            signs = self._rng.integers(0, 2, cast.shape).to(cast.dtype) * 2 - 1
            # short binary fractions are meant exactly: ties, masks, ones and zeros
            exact = (cast * 1024 == (cast * 1024).round()) & (cast.abs() < 8192)
            cast = torch.where(torch.isfinite(cast) & ~exact, cast * (1 + self._jitter * signs), cast)
        return cast

    def _wrap(self, value: Any) -> Any:
        return value if value is None or isinstance(value, DATA) else LocalObject(self, value)


class LocalObject:
    """An object of the reference; arguments of its methods are cast."""

    _impl: Reference
    _thing: Any

    def __init__(self, impl: Reference, thing: Any) -> None:
        self.__dict__.update(_impl=impl, _thing=thing)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._impl._invoke(self._thing, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "value" and isinstance(self._thing, Tensor):
            return lambda: self._thing.detach().clone()
        found = getattr(self._thing, name)
        return (
            LocalObject(self._impl, found)
            if callable(found) and not isinstance(found, Tensor)
            else self._impl._wrap(found)
        )

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._thing, name, self._impl._cast(value))

    def vjp(self, inputs: Mapping[str, Any], wrt: Sequence[str], cotangents: Mapping[int, Tensor] | None) -> Any:
        """The output and the gradients of a call of this object."""
        return self._impl.vjp(self, inputs, wrt, cotangents)

    def profile(self, *args: Any, **inputs: Any) -> profile_.Cost:
        """What a call of this object costs."""
        return self._impl.profile(self, *args, **inputs)

    def fetch(self) -> Any:
        """The object as data."""
        return self._thing

    def __iter__(self) -> Iterator[Any]:
        return iter(self._thing)

    def __next__(self) -> Any:
        return next(self._thing)

    def __len__(self) -> int:
        return len(self._thing)

    def __bool__(self) -> bool:
        return True

    def __contains__(self, item: Any) -> bool:
        return item in self._thing

    def __setitem__(self, key: Any, value: Any) -> None:
        self._thing[key] = self._impl._cast(value)


def _forward(name: str) -> Callable[..., Any]:
    def operate(self: LocalObject, *others: Any) -> Any:
        return self._impl._invoke(getattr(self._thing, name), others, {})

    return operate


for _name in [
    "add",
    "radd",
    "sub",
    "rsub",
    "mul",
    "rmul",
    "truediv",
    "rtruediv",
    "floordiv",
    "rfloordiv",
    "mod",
    "pow",
    "rpow",
    "matmul",
    "rmatmul",
    "and",
    "rand",
    "or",
    "ror",
    "xor",
    "lt",
    "le",
    "gt",
    "ge",
    "getitem",
    "delitem",
    "neg",
    "pos",
    "abs",
    "invert",
]:
    setattr(LocalObject, f"__{_name}__", _forward(f"__{_name}__"))


def raised(error: Exception) -> Raised:
    """The exception as an observation."""
    if isinstance(error, AttemptRaised):
        return Raised(error.type_name, error.bases)
    return Raised(type(error).__name__, [cls.__name__ for cls in type(error).__mro__])
