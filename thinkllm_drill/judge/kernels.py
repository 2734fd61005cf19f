"""Triton kernels in a runner without a GPU: interpreted program by program, and watched.

Triton's interpreter alone is too kind: a store outside every tensor corrupts the heap and passes, and so does a race
(see `sanitizer`); an output that was never written may look right (here it is NaN). With bfloat16 it is wrong (see
`bfloat16`), `tl.dot` of float32 is more exact than on a GPU (see `dots`), and some of what compiles fails there (see
`idioms`). All this relies on interfaces that Triton
does not promise, hence the pinned range of versions; `tests/grading/test_kernels.py` notices when they change.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from thinkllm_drill.judge import autodiff, bfloat16, dots, idioms
from thinkllm_drill.judge.sanitizer import Sanitizer, Traffic, line_of

MOVES = frozenset(
    {"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"}
    | {"zeros", "zeros_like", "new_zeros", "ones", "ones_like", "new_ones", "full", "full_like", "new_full"}
    | {"fill", "fill_", "zero_", "scalar_tensor", "lift_fresh", "lift_fresh_copy", "set_", "resize_"}
    | {"clone", "copy", "copy_", "_to_copy", "contiguous", "cat", "stack", "constant_pad_nd", "_unsafe_view"}
)
"""What torch may do around a kernel, beside views: make tensors, fill them, copy and cast them."""

READS = ("numpy", "__array__", "tolist", "__dlpack__")
"""Methods that take a tensor's numbers out of torch."""


@dataclass
class Launches:
    """How many kernels were launched in this process."""

    count: int = 0


@dataclass
class _State:
    """Whether a kernel is running or only pretended to run, and the modules whose language is patched for it."""

    running: bool = False
    ghost: bool = False
    patched: set[int] = field(default_factory=set)


launches = Launches()
_state = _State()
_sanitizer: Sanitizer | None = None


def import_interpreted() -> None:
    """Import Triton with its interpreter switched on, again if it has been imported without.

    Triton's own functions (`tl.max`, `tl.sum`) are what they are from its import on, and torch imports it to count
    FLOPs. Its compiled part can be loaded only once, so it stays.
    """
    os.environ["TRITON_INTERPRET"] = "1"
    language = sys.modules.get("triton.language")
    if language is not None and type(language.sum).__name__ != "InterpretedFunction":
        for name in [name for name in sys.modules if name.partition(".")[0] == "triton"]:
            if not name.startswith("triton._C"):
                del sys.modules[name]
    importlib.import_module("triton.language")


def interpret() -> None:
    """Watch the kernels of this process, which runs them in Triton's interpreter from now on."""
    global _sanitizer
    if _sanitizer is not None:
        return
    import_interpreted()
    # torch.empty gives NaN from now on; the public function would first import Inductor, which takes seconds
    torch._C._set_deterministic_algorithms(True, warn_only=True)
    import triton.language as tl
    from triton.runtime import interpreter

    bfloat16.mend(interpreter, tl)
    dots.mend(interpreter)
    idioms.mend(interpreter, tl)
    interpreter.InterpreterBuilder.create_splat = _bools_kept(interpreter.InterpreterBuilder.create_splat)
    _sanitizer = Sanitizer(interpreter)
    _sanitizer.install()
    executor = interpreter.GridExecutor
    executor.__call__ = _launched(_sanitizer, interpreter.InterpreterError, executor.__call__)
    interpreter._patch_lang = _patched_once(interpreter._patch_lang)
    interpreter._implicit_cvt = _floats_in_float32(interpreter, tl, interpreter._implicit_cvt)
    torch.Tensor.data_ptr = _noted(_sanitizer, torch.Tensor.data_ptr)  # type: ignore[method-assign]
    options = interpreter.interpreter_builder.options
    if getattr(options, "sanitize_overflow", False) and not options.debug:  # works out assertions, then drops them
        interpreter.interpreter_builder.options = replace(options, sanitize_overflow=False)


def _bools_kept(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let a scalar condition that is broadcast stay one: `(cols < d) & (row < n)` would be int32, which is no mask."""

    def splat(builder: Any, *args: Any) -> Any:
        result = original(builder, *args)
        if any(getattr(getattr(arg, "data", None), "dtype", None) == np.bool_ for arg in args):
            result.data = result.data.astype(np.bool_)
        return result

    return splat


def _launched(sanitizer: Sanitizer, wrapper: type[Exception], original: Callable[..., Any]) -> Callable[..., Any]:
    """Count a launch, and let what the kernel raises out as it is, with the learner's own lines."""

    def launch(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _state.ghost:
            return None
        launches.count += 1
        sanitizer.begin(self.fn.__code__.co_filename)
        _state.running = True
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                return original(self, *args, **kwargs)
        except wrapper as error:
            cause: BaseException = error
            while isinstance(cause, wrapper) and cause.__cause__ is not None:
                cause = cause.__cause__
            raise cause from None
        finally:
            _state.running = False
            _state.patched.clear()

    return launch


def _floats_in_float32(interpreter: Any, language: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    """Pass floats to a kernel as a compiled one gets them: the interpreter leaves them in Python's double precision."""

    def convert(argument: Any) -> Any:
        if not isinstance(argument, float):
            return original(argument)
        handle = interpreter.TensorHandle(np.array([argument], np.float32), language.float32)
        return language.tensor(handle, language.float32)

    return convert


def _noted(sanitizer: Sanitizer, original: Callable[..., int]) -> Callable[..., int]:
    """Let the sanitizer know whose address the host asks for; a launch does so with each of its arguments."""

    def data_ptr(self: torch.Tensor) -> int:
        if not _state.running:
            sanitizer.address_taken(self)
        return original(self)

    return data_ptr


def _patched_once(original: Callable[..., Any]) -> Callable[..., Any]:
    """Patch the language once a launch: the interpreter would do it again at each `tl.max` and `tl.sum`."""

    def patch(fn: Any) -> Any:
        key = id(fn.__globals__)
        if _state.running and key in _state.patched:
            return None
        _state.patched.add(key)
        return original(fn)

    return patch


# what the host does


class _HostWatch(TorchDispatchMode):
    """Notes what torch computes outside kernels."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, and asking for it imports torch._dynamo, which takes over a second."""
        return False

    def __init__(self, file: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.file = file
        self.seen: dict[str, int] = {}

    def note(self, name: str) -> None:
        """Remember an operation and the first line that it was called at."""
        if not _state.running:
            self.seen.setdefault(name, line_of(self.file))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._overloadpacket.__name__
        if not func.is_view and name not in MOVES:
            self.note("item" if name == "_local_scalar_dense" else name)
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def _reads_noted(watch: _HostWatch) -> Iterator[None]:
    """Note calls of the methods that take numbers out of torch."""
    originals = {name: getattr(torch.Tensor, name) for name in READS}

    def noting(name: str) -> Callable[..., Any]:
        def method(self: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            watch.note(name)
            return originals[name](self, *args, **kwargs)

        return method

    for name in READS:
        setattr(torch.Tensor, name, noting(name))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(torch.Tensor, name, original)


def audit(
    function: Callable[..., Any],
    inputs: Mapping[str, Any],
    wrt: Sequence[str] = (),
    cotangents: Mapping[int, torch.Tensor] | None = None,
) -> dict[str, Any]:
    """How a call comes to its answer; with `cotangents`, the call and its gradients with respect to `wrt`.

    Returns:
        launches: how many kernels it launches.
        widest, widest_line, moved, heaviest, atomics: see `sanitizer.Traffic`.
        host: what torch computes outside kernels, with the line of each.
        idle: whether the answer is the same when no kernel is run (a ghost run).
    """
    assert _sanitizer is not None

    def answered(given: Mapping[str, Any]) -> Any:
        if cotangents is None:
            return function(**given)
        return autodiff.vjp(function, given, wrt, cotangents)

    unused = tree_map(_copied, dict(inputs))
    code = getattr(function, "__code__", None)
    watch = _HostWatch(code.co_filename if code else "")
    _sanitizer.traffic = Traffic()
    before = launches.count
    with watch, _reads_noted(watch):
        answer = answered(inputs)
    facts = asdict(_sanitizer.traffic) | {"launches": launches.count - before, "host": watch.seen}
    _state.ghost = True
    try:
        ghost = answered(unused)
    except Exception:  # a host function may well stumble over an answer that is not there
        return facts | {"idle": False}
    finally:
        _state.ghost = False
    return facts | {"idle": _same((answer, dict(inputs)), (ghost, unused))}


def fenced(given: Any) -> contextlib.AbstractContextManager[None]:
    """While a call is answered that was given these arguments: kernels may write nothing beside their elements."""
    if _sanitizer is None:
        return contextlib.nullcontext()
    return _sanitizer.fenced(leaf for leaf in tree_leaves(given) if isinstance(leaf, torch.Tensor))


def written_by(function: Callable[..., Any], inputs: Mapping[str, Any]) -> torch.Tensor | None:
    """Which program wrote each element of the tensor that a call returns; see `Sanitizer.writers_of`."""
    assert _sanitizer is not None
    answer = function(**inputs)
    return _sanitizer.writers_of(answer) if isinstance(answer, torch.Tensor) else None


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value


def _same(one: Any, other: Any) -> bool:
    """Whether all tensors of two answers are equal, bit by bit."""
    ours, theirs = ([t for t in tree_leaves(v) if isinstance(t, torch.Tensor)] for v in (one, other))
    if [(t.shape, t.dtype) for t in ours] != [(t.shape, t.dtype) for t in theirs]:
        return False
    pairs = zip(ours, theirs, strict=True)
    return all(torch.equal(a.flatten().view(torch.uint8), b.flatten().view(torch.uint8)) for a, b in pairs)
