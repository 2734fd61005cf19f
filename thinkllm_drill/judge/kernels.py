"""Triton kernels in a runner without a GPU: interpreted program by program, and watched.

Triton's interpreter alone is too kind. A store outside every tensor passes and corrupts the heap; a lane that is masked
off without `other` reads as 0; an output that was never written may look right. Here the first raises, and the others
are NaN; bfloat16 is mended (see `bfloat16`). All this relies on interfaces that Triton does not promise, hence the
pinned range of versions; `tests/grading/test_kernels.py` notices when they change.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from thinkllm_drill.judge import bfloat16

MOVES = frozenset(
    {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "zeros", "zeros_like", "new_zeros"}
    | {"ones", "ones_like", "new_ones", "full", "full_like", "new_full", "fill", "fill_", "zero_", "scalar_tensor"}
    | {"clone", "copy", "copy_", "_to_copy", "contiguous", "cat", "stack", "constant_pad_nd", "_unsafe_view"}
    | {"lift_fresh", "lift_fresh_copy", "set_", "resize_"}
)
"""What torch may do around a kernel, beside views: make tensors, fill them, copy and cast them."""

KEEPS_POINTERS = (
    *("create_addptr", "create_splat", "create_unsplat", "create_broadcast", "create_expand_dims"),
    *("create_reshape", "create_trans", "create_bitcast"),
)
"""Operations of the interpreter that make pointers of pointers, into the same tensor."""

READS = ("numpy", "__array__", "tolist", "__dlpack__")
"""Methods that take a tensor's numbers out of torch."""


class OutOfBounds(Exception):
    """A kernel touched memory outside the tensors that it was launched with."""


@dataclass
class Launches:
    """What kernels did in this process since `forget`.

    `widest` is the largest number of lanes of one load or store, at line `widest_line`; `moved` holds the elements that
    were loaded and stored, by the bytes of the storage they are in.
    """

    count: int = 0
    widest: int = 0
    widest_line: int = 0
    moved: dict[int, int] = field(default_factory=dict)

    def forget(self) -> None:
        """Begin anew; `count` goes on."""
        self.widest = self.widest_line = 0
        self.moved = {}


@dataclass
class _State:
    """The launch that is going on: its tensors' addresses, the kernel's file, what the language was patched for."""

    running: bool = False
    ghost: bool = False
    file: str = ""
    storages: list[tuple[int, int]] = field(default_factory=list)
    patched: set[int] = field(default_factory=set)


launches = Launches()
_state = _State()
_interpreted = False


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
    global _interpreted
    if _interpreted:
        return
    _interpreted = True
    import_interpreted()
    # torch.empty gives NaN from now on; the public function would first import Inductor, which takes seconds
    torch._C._set_deterministic_algorithms(True, warn_only=True)
    import triton.language as tl
    from triton.runtime import interpreter

    bfloat16.mend(interpreter, tl)
    builder, executor = interpreter.InterpreterBuilder, interpreter.GridExecutor
    builder.create_masked_load = _masked_load(interpreter, builder.create_masked_load)
    builder.create_masked_store = _watched("store", builder.create_masked_store, pointers=0, mask=2)
    builder.create_atomic_rmw = _watched("atomic", builder.create_atomic_rmw, pointers=1, mask=3)
    builder.create_atomic_cas = _watched("atomic", builder.create_atomic_cas, pointers=0, mask=None)
    for name in KEEPS_POINTERS:
        setattr(builder, name, _keeping_origin(getattr(builder, name)))
    interpreter._implicit_cvt = _with_origin(interpreter._implicit_cvt)
    executor._init_args_hst = _registered(executor._init_args_hst)
    executor.__call__ = _launched(interpreter.InterpreterError, executor.__call__)
    interpreter._patch_lang = _patched_once(interpreter._patch_lang)
    options = interpreter.interpreter_builder.options
    if getattr(options, "sanitize_overflow", False) and not options.debug:  # works out assertions, then drops them
        interpreter.interpreter_builder.options = replace(options, sanitize_overflow=False)


# a launch


def _launched(wrapper: type[Exception], original: Callable[..., Any]) -> Callable[..., Any]:
    """Count a launch, and let what the kernel raises out as it is, with the learner's own lines."""

    def launch(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _state.ghost:
            return None
        launches.count += 1
        _state.running, _state.file = True, self.fn.__code__.co_filename
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
            _state.storages.clear()
            _state.patched.clear()

    return launch


def _registered(original: Callable[..., Any]) -> Callable[..., Any]:
    """Note which memory a kernel may touch: the storages of its arguments."""

    def init(self: Any, *args: Any) -> Any:
        ready = original(self, *args)
        _state.storages = sorted(set(_storages(ready)))
        return ready

    return init


def _storages(value: Any) -> Iterator[tuple[int, int]]:
    if isinstance(value, torch.Tensor):
        storage = value.untyped_storage()
        yield storage.data_ptr(), storage.nbytes()
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _storages(item)
    elif isinstance(value, dict):
        yield from _storages(list(value.values()))
    elif hasattr(value, "base"):  # a tensor descriptor, a reinterpreted tensor
        yield from _storages(value.base)


def _with_origin(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let a pointer argument know the storage that it points into."""

    def convert(argument: Any) -> Any:
        converted = original(argument)
        if hasattr(argument, "data_ptr"):
            converted.handle.origin = next(_storages(argument), None)
        return converted

    return convert


def _keeping_origin(original: Callable[..., Any]) -> Callable[..., Any]:
    def operation(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        origins = (getattr(arg, "origin", None) for arg in args)
        result.origin = next((origin for origin in origins if origin is not None), None)
        return result

    return operation


def _patched_once(original: Callable[..., Any]) -> Callable[..., Any]:
    """Patch the language once a launch: the interpreter would do it again at each `tl.max` and `tl.sum`."""

    def patch(fn: Any) -> Any:
        key = id(fn.__globals__)
        if _state.running and key in _state.patched:
            return None
        _state.patched.add(key)
        return original(fn)

    return patch


# memory


def _masked_load(interpreter: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    """A load whose masked-off lanes are NaN where no `other` is given."""

    def load(self: Any, ptrs: Any, mask: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
        _visit("load", self, ptrs, mask)
        if other is None:
            kind = ptrs.get_element_ty()
            dtype = interpreter._get_np_dtype(kind)
            if dtype.kind == "f":
                other = interpreter.TensorHandle(np.full(ptrs.data.shape, np.nan, dtype), kind)
            elif str(kind) == "bf16":
                other = interpreter.TensorHandle(np.full(ptrs.data.shape, 0x7FC0, dtype), kind)
        return original(self, ptrs, mask, other, *args, **kwargs)

    return load


def _watched(kind: str, original: Callable[..., Any], *, pointers: int, mask: int | None) -> Callable[..., Any]:
    def access(self: Any, *args: Any, **kwargs: Any) -> Any:
        _visit(kind, self, args[pointers], None if mask is None else args[mask])
        return original(self, *args, **kwargs)

    return access


def _visit(kind: str, builder: Any, ptrs: Any, mask: Any) -> None:
    """Check every live lane's address before memory is touched, and count it.

    It must lie in the storage that its pointer came from; where that is not known, in one of any argument.
    """
    address = ptrs.data
    if address.size > launches.widest:
        launches.widest, launches.widest_line = address.size, line_of(_state.file)
    if mask is not None:
        address = address[np.broadcast_to(mask.data, address.shape).astype(bool)]
    size = max(1, ptrs.get_element_ty().primitive_bitwidth // 8)
    inside = np.zeros(address.shape, bool)
    origin = getattr(ptrs, "origin", None)
    for start, length in _state.storages if origin is None else [origin]:
        here = (address >= start) & (address <= start + max(length - size, 0)) & (length >= size)
        launches.moved[length] = launches.moved.get(length, 0) + int(here.sum())
        inside |= here
    lanes = int((~inside).sum())
    if lanes:
        program = ", ".join(str(index) for index in builder.grid_idx)
        line = line_of(_state.file)
        raise OutOfBounds(f"{kind}: {lanes} lanes out of bounds, program ({program}), line {line}")


def line_of(file: str) -> int:
    """The innermost line of `file` that is being executed, 0 if there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == file:
            return frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return 0


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


def audit(function: Callable[..., Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """How a call comes to its answer.

    Returns:
        launches: how many kernels it launches.
        widest, widest_line, moved: as in `Launches`.
        host: what torch computes outside kernels, with the line of each.
        idle: whether the answer is the same when no kernel is run (a ghost run).
    """
    unused = tree_map(_copied, dict(inputs))
    code = getattr(function, "__code__", None)
    watch = _HostWatch(code.co_filename if code else "")
    launches.forget()
    before = launches.count
    with watch, _reads_noted(watch):
        answer = function(**inputs)
    facts: dict[str, Any] = {"launches": launches.count - before, "moved": dict(launches.moved), "host": watch.seen}
    facts |= {"widest": launches.widest, "widest_line": launches.widest_line}
    _state.ghost = True
    try:
        ghost = function(**unused)
    except Exception:  # a host function may well stumble over an answer that is not there
        return facts | {"idle": False}
    finally:
        _state.ghost = False
    return facts | {"idle": _same((answer, dict(inputs)), (ghost, unused))}


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value


def _same(one: Any, other: Any) -> bool:
    """Whether all tensors of two answers are equal, bit by bit."""
    ours, theirs = ([t for t in tree_leaves(v) if isinstance(t, torch.Tensor)] for v in (one, other))
    if [(t.shape, t.dtype) for t in ours] != [(t.shape, t.dtype) for t in theirs]:
        return False
    pairs = zip(ours, theirs, strict=True)
    return all(torch.equal(a.contiguous().view(torch.uint8), b.contiguous().view(torch.uint8)) for a, b in pairs)
