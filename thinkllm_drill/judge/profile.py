"""What a call costs, counted operation by operation.

A claim of the process that it runs in, not a proof. FLOPs count a multiply-add as two and matrix products alone.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

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


@dataclass(frozen=True)
class Cost:
    """The cost of one call.

    `largest_bytes` is the largest storage that was allocated, `peak_bytes` the most that was alive at once beyond the
    inputs. `expanded_bytes` is the largest floating-point copy that came out larger than the `expanded_from` bytes it
    was made of (a `repeat`, or the clone of an expanded view), by the operation `expanded_by`.
    """

    flops: int = 0
    largest_bytes: int = 0
    peak_bytes: int = 0
    expanded_bytes: int = 0
    expanded_from: int = 0
    expanded_by: str = ""
    operations: int = 0


class _Counter(TorchDispatchMode):
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, and asking for it imports torch._dynamo, which takes over a second."""
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        from torch.utils.flop_counter import flop_registry

        self._formulas = flop_registry
        self._alive: dict[int, int] = {}
        self._watch: dict[int, weakref.ref[Any]] = {}
        self.flops = self.largest = self.peak = self.operations = 0
        self.expanded = (0, 0, "")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        inputs = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        known = {t.untyped_storage().data_ptr() for t in inputs}
        out = func(*args, **kwargs)
        self.operations += 1
        formula = self._formulas.get(func._overloadpacket)
        if formula is not None:
            self.flops += int(formula(*args, **kwargs, out_val=out))
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor) and tensor.untyped_storage().data_ptr() not in known:
                self._allocated(tensor)
                self._maybe_expanded(func, tensor, inputs)
        return out

    def _allocated(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        size, key = storage.nbytes(), storage._cdata
        self.largest = max(self.largest, size)
        if key in self._alive:
            return
        self._alive[key] = size
        self._watch[key] = weakref.ref(storage, lambda _: (self._alive.pop(key, 0), self._watch.pop(key, None)))
        self.peak = max(self.peak, sum(self._alive.values()))

    def _maybe_expanded(self, func: Any, tensor: Tensor, inputs: list[Tensor]) -> None:
        name = func._overloadpacket.__name__
        if name not in COPIES or not tensor.is_floating_point():
            return
        storages = {t.untyped_storage().data_ptr(): _touched(t) for t in inputs if t.is_floating_point()}
        # in elements: a cast to a wider dtype copies nothing twice
        made, source = tensor.numel(), sum(storages.values())
        if made > source > 0 and made * tensor.element_size() > self.expanded[0]:
            self.expanded = made * tensor.element_size(), source * tensor.element_size(), name


def _touched(tensor: Tensor) -> int:
    """How many distinct elements a view can reach."""
    elements = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        elements *= size if stride else 1
    return min(elements, tensor.untyped_storage().nbytes() // tensor.element_size())


def profile(call: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """The result of `call()` and its `Cost` as a dictionary."""
    with torch.no_grad(), _Counter() as counter:
        value = call()
    bytes_, source, name = counter.expanded
    return value, asdict(Cost(counter.flops, counter.largest, counter.peak, bytes_, source, name, counter.operations))
