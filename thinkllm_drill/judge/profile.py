"""What a call costs, counted operation by operation.

A claim of the process that it runs in, not a proof. What the attempt does in numpy is not seen: that too little is done
here is what tells it (`grading.helpers.assert_enough_flops`).
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from thinkllm_drill.judge import instructions as instructions_
from thinkllm_drill.judge.flops import elementwise_work, matrix_work, name_of
from thinkllm_drill.judge.saved import Saved

COPIES = frozenset(
    (
        "clone",
        "_to_copy",
        "repeat",
        "index",
        "index_select",
        "gather",
        "cat",
        "stack",
        "contiguous",
        "take",
        "embedding",
    )
)
SUMS = frozenset(("sum", "mean"))


@dataclass(frozen=True)
class Cost:
    """The cost of one call.

    `flops` is matrix work, a multiply–add as two: products, convolutions, attention, decompositions, and products
    written as a multiplication and a sum of its result. `elementwise` is every other element computed or reduced.
    `largest_bytes` is the largest storage that was allocated, `peak_bytes` the most that was alive at once beyond the
    inputs. `expanded_bytes` is the largest floating-point copy that came out larger than the `expanded_from` bytes it
    was made of (a `repeat`, or the clone of an expanded view), by the operation `expanded_by`. `operations` counts
    calls of torch's operators.

    Only where asked for, None where not: `saved_bytes`, what the graph keeps for backward in storages that are neither
    inputs nor parameters; `instructions`, bytecodes executed, and `packages`, those entered whose work shows in none.
    """

    flops: int = 0
    largest_bytes: int = 0
    peak_bytes: int = 0
    expanded_bytes: int = 0
    expanded_from: int = 0
    expanded_by: str = ""
    operations: int = 0
    elementwise: int = 0
    saved_bytes: int | None = None
    instructions: int | None = None
    packages: tuple[str, ...] = ()

    @property
    def work(self) -> int:
        """Everything that was computed, of whatever kind."""
        return self.flops + self.elementwise + (self.instructions or 0)


def profile(
    target: Callable[..., Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    saved: bool = False,
    instructions: bool = False,
) -> tuple[Any, dict[str, Any]]:
    """The result of `target(*args, **kwargs)` and its `Cost` as a dictionary.

    Args:
        saved: count what is saved for backward; floating-point tensors among the arguments require gradients.
        instructions: count bytecodes, which takes about twenty times as long.
    """
    tally = _Tally()
    args, kwargs = list(args), dict(kwargs or {})
    if saved:
        args, kwargs = _differentiable(args), _differentiable(kwargs)
    steps: dict[str, Any] = {}
    saving = Saved(tally.pause) if saved else contextlib.nullcontext()
    with torch.set_grad_enabled(saved), saving, _in_threads(tally), _Counter(tally):
        if instructions:
            value, steps["instructions"], steps["packages"] = instructions_.count(target, args, kwargs)
        else:
            value = target(*args, **kwargs)
    if isinstance(saving, Saved):
        steps["saved_bytes"] = saving.bytes(value, [target, args, kwargs])
    return value, asdict(tally.cost(**steps))


def _differentiable(tree: Any) -> Any:
    if isinstance(tree, Tensor):
        return tree.detach().requires_grad_() if tree.is_floating_point() and not tree.requires_grad else tree
    if type(tree) in (list, tuple):
        return type(tree)(_differentiable(item) for item in tree)
    if type(tree) is dict:
        return {key: _differentiable(item) for key, item in tree.items()}
    return tree


class _Tally:
    """The counts of one call, in all its threads."""

    def __init__(self) -> None:
        self._alive: dict[int, int] = {}
        self._watch: dict[int, weakref.ref[Any]] = {}
        self._products: dict[int, int] = {}
        self._now = 0
        self._lock = threading.RLock()
        self._flops = self._elementwise = self._largest = self._peak = self._operations = 0
        self._expanded = (0, 0, "")
        self.paused = False

    def pause(self, paused: bool) -> None:
        """Count nothing while it is so."""
        self.paused = paused

    def cost(self, **more: Any) -> Cost:
        """What was counted."""
        bytes_, source, name = self._expanded
        return Cost(
            self._flops,
            self._largest,
            self._peak,
            bytes_,
            source,
            name,
            self._operations,
            self._elementwise,
            **more,
        )

    def add(self, func: Any, args: Any, kwargs: Any, inputs: list[Tensor], known: set[int], out: Any) -> None:
        """Count one call of an operator."""
        with self._lock:
            self._operations += 1
            made = [tensor for tensor in tree_leaves(out) if isinstance(tensor, Tensor)]
            for tensor in made:
                if tensor.untyped_storage().data_ptr() not in known:
                    self._allocated(tensor)
                    self._maybe_expanded(func, tensor, inputs)
            flops = matrix_work(func, args, kwargs, out)
            if flops is not None:
                self._flops += flops
            else:
                self._count_elements(func, args, out, inputs)

    def _count_elements(self, func: Any, args: Any, out: Any, inputs: list[Tensor]) -> None:
        elements, name = elementwise_work(func, args, out), name_of(func)
        if name in ("mul", "mul_") and isinstance(out, Tensor) and len(inputs) == 2:
            self._products[out.untyped_storage()._cdata] = out.numel()
        elif name in SUMS and inputs:
            # a product of matrices, or an inner one, in two steps
            key = inputs[0].untyped_storage()._cdata
            if self._products.get(key) == inputs[0].numel():
                multiplied = self._products.pop(key)
                self._flops += 2 * multiplied
                self._elementwise -= multiplied
                elements = 0
        self._elementwise += elements

    def _allocated(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        size, key = storage.nbytes(), storage._cdata
        self._largest = max(self._largest, size)
        if key in self._alive:
            return
        self._alive[key] = size
        self._watch[key] = weakref.ref(storage, lambda _: self._freed(key))
        self._now += size
        self._peak = max(self._peak, self._now)

    def _freed(self, key: int) -> None:
        self._now -= self._alive.pop(key, 0)
        self._watch.pop(key, None)
        self._products.pop(key, None)

    def _maybe_expanded(self, func: Any, tensor: Tensor, inputs: list[Tensor]) -> None:
        name = name_of(func)
        if name not in COPIES or not tensor.is_floating_point():
            return
        storages = {t.untyped_storage().data_ptr(): _touched(t) for t in inputs if t.is_floating_point()}
        # in elements: a cast to a wider dtype copies nothing twice
        made, source = tensor.numel(), sum(storages.values())
        if made > source > 0 and made * tensor.element_size() > self._expanded[0]:
            self._expanded = made * tensor.element_size(), source * tensor.element_size(), name


def _touched(tensor: Tensor) -> int:
    """How many distinct elements a view can reach."""
    elements = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        elements *= size if stride else 1
    return min(elements, tensor.untyped_storage().nbytes() // tensor.element_size())


class _Counter(TorchDispatchMode):
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, and asking for it imports torch._dynamo, which takes over a second."""
        return False

    def __init__(self, tally: _Tally) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tally = tally

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._tally.paused:
            return func(*args, **kwargs)
        leaves = tree_leaves((args, kwargs))
        inputs = [t for t in leaves if isinstance(t, Tensor)]
        known = {t.untyped_storage().data_ptr() for t in inputs}
        known |= {s.data_ptr() for s in leaves if isinstance(s, torch.UntypedStorage)}  # of a view, made by `set_`
        out = func(*args, **kwargs)
        self._tally.add(func, args, kwargs, inputs, known, out)
        return out


@contextlib.contextmanager
def _in_threads(tally: _Tally) -> Iterator[None]:
    """Let threads that are started meanwhile be counted: a dispatch mode holds in its own thread alone."""
    thread: Any = threading.Thread
    begin = thread._bootstrap_inner

    def counted(self: Any) -> None:
        with _Counter(tally):
            begin(self)

    thread._bootstrap_inner = counted
    try:
        yield
    finally:
        thread._bootstrap_inner = begin
