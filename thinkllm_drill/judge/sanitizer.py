"""Memory of interpreted kernels: addresses are checked before they are touched, accesses are counted, races are found.

A pointer argument leads into one storage, and so does every pointer made of it; a pointer made of a number, as from a
table of addresses, leads into an argument or into a living tensor whose `data_ptr` the host has asked for. What the
caller's tensors leave of their storages, as between rows that are further apart than they are long, may be read, not
written. A load that masks lanes off without `other` gives NaN there, or whole numbers far from 0, of either sign.
Programs run one after the other in the interpreter, at once on a GPU: what one of them wrote, no other may read in the
same launch, nor write with another value. Atomic operations can order programs, so a launch that uses one is not
checked for races.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import torch

KEEPS_POINTERS = (
    *("create_addptr", "create_splat", "create_unsplat", "create_broadcast", "create_expand_dims"),
    *("create_reshape", "create_trans", "create_bitcast"),
)
"""Operations of the interpreter that make pointers of pointers; not every version of Triton has all."""

Storage = tuple[int, int]
"""Address and bytes."""

_UNTYPED: Any = torch.UntypedStorage  # what it has for weak references is not typed


class OutOfBounds(Exception):
    """A kernel touched memory outside the tensors that it was launched with."""


class Race(Exception):
    """The order in which programs run decides what a kernel computes."""


@dataclass
class Traffic:
    """What kernels loaded and stored.

    `widest` is the largest number of lanes of one access, at line `widest_line`; `moved` holds how many elements were
    loaded and stored, by the bytes of the storage they are in; `heaviest` holds the same of the one program that did
    most of it, for each size of storage; `atomics` counts atomic operations, of any width.
    """

    widest: int = 0
    widest_line: int = 0
    moved: dict[int, int] = field(default_factory=dict)
    heaviest: dict[int, int] = field(default_factory=dict)
    atomics: int = 0


@dataclass
class _Launch:
    """The launch that is going on: its kernel's file, the storages of its arguments, and who wrote each byte.

    `moved` is that of the program that runs, the last of `programs`.
    """

    file: str = ""
    storages: list[Storage] = field(default_factory=list)
    writers: dict[Storage, Any] = field(default_factory=dict)
    programs: list[tuple[int, ...]] = field(default_factory=list)
    moved: dict[int, int] = field(default_factory=dict)
    ordered: bool = False

    def number(self, program: tuple[int, ...]) -> int:
        """A number for a program, from 1 on; programs come one after the other."""
        if not self.programs or self.programs[-1] != program:
            self.programs.append(program)
            self.moved = {}
        return len(self.programs)


class Sanitizer:
    """Watches the memory operations of Triton's interpreter.

    Args:
        interpreter: the module `triton.runtime.interpreter`.
    """

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        self._launch = _Launch()
        self._addressed: dict[Storage, Any] = {}  # weak references, by storage
        self._beside: dict[Storage, Any] = {}
        self.traffic = Traffic()

    def install(self) -> None:
        """Put the checks around the interpreter's own operations."""
        builder, executor = self._interpreter.InterpreterBuilder, self._interpreter.GridExecutor
        for name in KEEPS_POINTERS:
            if hasattr(builder, name):
                setattr(builder, name, _keeping_origin(getattr(builder, name)))
        builder.create_masked_load = self._masked_load(builder.create_masked_load)
        builder.create_masked_store = self._masked_store(builder.create_masked_store)
        builder.create_atomic_rmw = self._atomic(builder.create_atomic_rmw, pointers=1, mask=3)
        builder.create_atomic_cas = self._atomic(builder.create_atomic_cas, pointers=0, mask=None)
        executor._init_args_hst = self._registered(executor._init_args_hst)
        self._interpreter._implicit_cvt = _with_origin(self._interpreter._implicit_cvt)

    @contextlib.contextmanager
    def fenced(self, given: Iterable[torch.Tensor]) -> Iterator[None]:
        """While a call is answered that was given these tensors: nothing may be written beside their elements."""
        self._beside = beside(given)
        try:
            yield
        finally:
            self._beside = {}

    def begin(self, file: str) -> None:
        """A kernel of that file is launched."""
        self._launch = _Launch(file)

    def address_taken(self, tensor: torch.Tensor) -> None:
        """The host asks for the address of a tensor: kernels may find it in a table."""
        storage = tensor.untyped_storage()
        key = storage.data_ptr(), storage.nbytes()
        if key in self._addressed:
            _UNTYPED._free_weak_ref(self._addressed[key])
        self._addressed[key] = storage._weak_ref()

    def _alive(self) -> list[Storage]:
        """Those storages whose address was asked for that still exist."""
        for key, reference in list(self._addressed.items()):
            if _UNTYPED._expired(reference):
                _UNTYPED._free_weak_ref(reference)
                del self._addressed[key]
        return list(self._addressed)

    def writers_of(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """Which program of the last launch wrote each element of a tensor, in the order in which a GPU starts them.

        The first grid dimension runs fastest. −1 stands for none of them; None where the launch did not write there.
        """
        storage = tensor.untyped_storage()
        writers = self._launch.writers.get((storage.data_ptr(), storage.nbytes()))
        if writers is None:
            return None
        starts = sorted(range(len(self._launch.programs)), key=lambda number: self._launch.programs[number][::-1])
        order = torch.full((len(starts) + 1,), -1)
        order[torch.tensor(starts, dtype=torch.int64) + 1] = torch.arange(len(starts))
        of_bytes = torch.from_numpy(writers).as_strided(
            tensor.shape, [stride * tensor.element_size() for stride in tensor.stride()],
            tensor.storage_offset() * tensor.element_size(),
        )  # fmt: skip
        return order[of_bytes.long()]

    def _registered(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def init(executor: Any, *args: Any) -> Any:
            ready = original(executor, *args)
            self._launch.storages = sorted({*_storages(ready), *self._alive()})
            return ready

        return init

    def _masked_load(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def load(builder: Any, ptrs: Any, mask: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
            for storage, offsets in self._visit("load", builder, ptrs, mask):
                self._demand_own(builder, storage, offsets)
            filled = self._undefined(ptrs, builder.grid_idx) if other is None else other
            return original(builder, ptrs, mask, filled, *args, **kwargs)

        return load

    def _masked_store(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def store(builder: Any, ptrs: Any, value: Any, mask: Any, *args: Any, **kwargs: Any) -> Any:
            visited = self._visit("store", builder, ptrs, mask)
            before = self._bits(ptrs, mask)
            result = original(builder, ptrs, value, mask, *args, **kwargs)
            changed = (self._bits(ptrs, mask) != before)[_live(ptrs, mask)]
            for storage, offsets in visited:
                if len(offsets) == len(changed):  # else a pointer tensor into several storages
                    self._demand_own(builder, storage, offsets[changed])
                self._own(builder, storage, offsets)
            return result

        return store

    def _atomic(self, original: Callable[..., Any], *, pointers: int, mask: int | None) -> Callable[..., Any]:
        def atomic(builder: Any, *args: Any, **kwargs: Any) -> Any:
            self._visit("atomic", builder, args[pointers], None if mask is None else args[mask])
            self._launch.ordered = True
            self.traffic.atomics += 1
            return original(builder, *args, **kwargs)

        return atomic

    def _visit(self, kind: str, builder: Any, ptrs: Any, mask: Any) -> list[tuple[Storage, Any]]:
        """Check every live lane's address and count it; the storages touched, and the offsets in bytes in each.

        The address must lie in the storage that its pointer came from; where that is not known, in any argument's.
        """
        if ptrs.data.size > self.traffic.widest:
            self.traffic.widest, self.traffic.widest_line = ptrs.data.size, line_of(self._launch.file)
        address = ptrs.data[_live(ptrs, mask)]
        size = max(1, ptrs.get_element_ty().primitive_bitwidth // 8)
        origin = getattr(ptrs, "origin", None)
        inside, visited = np.zeros(address.shape, bool), []
        for storage in self._launch.storages if origin is None else [origin]:
            start, length = storage
            here = (address >= start) & (address <= start + max(length - size, 0)) & (length >= size)
            if here.any():
                offsets = (address[here] - start).astype(np.int64)
                if kind != "load" and storage in self._beside and (lanes := int(self._beside[storage][offsets].sum())):
                    self._outside("beside", lanes, builder)
                visited.append((storage, offsets))
                self._count(builder.grid_idx, length, int(here.sum()))
            inside |= here
        if lanes := int((~inside).sum()):
            self._outside(kind, lanes, builder)
        return visited

    def _outside(self, kind: str, lanes: int, builder: Any) -> NoReturn:
        line = line_of(self._launch.file)
        raise OutOfBounds(f"{kind}: {lanes} lanes out of bounds, program {builder.grid_idx}, line {line}")

    def _count(self, program: tuple[int, ...], size: int, elements: int) -> None:
        """Note that a program loads or stores so many elements of a storage of that size."""
        traffic, launch = self.traffic, self._launch
        launch.number(program)  # it may be a new one
        launch.moved[size] = launch.moved.get(size, 0) + elements
        traffic.moved[size] = traffic.moved.get(size, 0) + elements
        traffic.heaviest[size] = max(traffic.heaviest.get(size, 0), launch.moved[size])

    def _demand_own(self, builder: Any, storage: Storage, offsets: Any) -> None:
        """Raise where another program of this launch wrote at these offsets."""
        writers = self._launch.writers.get(storage)
        if writers is None or self._launch.ordered:
            return
        found = writers[offsets]
        others = found[(found != 0) & (found != self._launch.number(builder.grid_idx))]
        if len(others):
            first, line = self._launch.programs[others[0] - 1], line_of(self._launch.file)
            raise Race(f"programs {first} and {builder.grid_idx} share {len(others)} elements, line {line}")

    def _own(self, builder: Any, storage: Storage, offsets: Any) -> None:
        writers = self._launch.writers.setdefault(storage, np.zeros(storage[1], np.int32))
        writers[offsets] = self._launch.number(builder.grid_idx)

    def _undefined(self, ptrs: Any, program: tuple[int, ...]) -> Any:
        """What lanes that are masked off hold: NaN, or whole numbers that nobody expects; None for bools.

        Signed ones are above and below all others in turns, by lane, program and line: of one sign alone they would
        pass every comparison that leaves them out by chance, and two loads would agree on them.
        """
        kind = ptrs.get_element_ty()
        dtype = self._interpreter._get_np_dtype(kind)
        if dtype.kind == "f":
            return self._interpreter.TensorHandle(np.full(ptrs.data.shape, np.nan, dtype), kind)
        if str(kind) == "bf16":
            return self._interpreter.TensorHandle(np.full(ptrs.data.shape, 0x7FC0, dtype), kind)
        if dtype.kind in "iu":
            odd = np.frombuffer(b"\x5b" * dtype.itemsize, dtype)[0]
            turn = self._launch.number(program) + line_of(self._launch.file)
            lanes = np.arange(turn, turn + ptrs.data.size).reshape(ptrs.data.shape)
            return self._interpreter.TensorHandle(np.where(lanes % 2, odd, ~odd), kind)
        return None

    def _bits(self, ptrs: Any, mask: Any) -> Any:
        """What is in memory at the live lanes, as whole numbers."""
        size = max(1, ptrs.get_element_ty().primitive_bitwidth // 8)
        dtype = np.dtype(f"u{size}")
        return self._interpreter._interpreter.load(ptrs.data, mask.data, np.zeros(ptrs.data.shape, dtype), dtype)


def beside(tensors: Iterable[torch.Tensor]) -> dict[Storage, Any]:
    """Of each storage the bytes that none of the tensors shows, as bools; what is shown whole is left out."""
    unseen: dict[Storage, Any] = {}
    for tensor in tensors:
        storage, size = tensor.untyped_storage(), tensor.element_size()
        key = storage.data_ptr(), storage.nbytes()
        if key not in unseen:
            unseen[key] = np.ones(storage.nbytes(), bool)
        if tensor.numel():
            rest = unseen[key][tensor.storage_offset() * size :]
            elements = rest[: len(rest) // size * size].view(f"V{size}")
            strides = [stride * size for stride in tensor.stride()]
            np.lib.stride_tricks.as_strided(elements, tensor.shape, strides)[...] = np.zeros((), f"V{size}")
    return {key: bytes_ for key, bytes_ in unseen.items() if bytes_.any()}


def line_of(file: str) -> int:
    """The innermost line of `file` that is being executed, 0 if there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == file:
            return frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return 0


def _live(ptrs: Any, mask: Any) -> Any:
    """Which lanes are not masked off."""
    if mask is None:
        return np.ones(ptrs.data.shape, bool)
    return np.broadcast_to(mask.data, ptrs.data.shape).astype(bool)


def _storages(value: Any) -> Iterator[Storage]:
    """The storages of all tensors in the arguments of a kernel."""
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
    """Let a pointer argument know the storage that it leads into."""

    def convert(argument: Any) -> Any:
        converted = original(argument)
        if hasattr(argument, "data_ptr"):
            converted.handle.origin = next(_storages(argument), None)
        return converted

    return convert


def _keeping_origin(original: Callable[..., Any]) -> Callable[..., Any]:
    def operation(builder: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(builder, *args, **kwargs)
        origins = (getattr(arg, "origin", None) for arg in args)
        result.origin = next((origin for origin in origins if origin is not None), None)
        return result

    return operation
