"""Inputs made on the device: the grader's own `inputs`, with random numbers drawn there.

Whole inputs do not travel: the attempt's process and that of the baselines make the same from the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from thinkllm_drill.grading.rng import Rng, keyed_seed


class DeviceRng(Rng):
    """Draws like `Rng`, on a device; two with the same key draw the same on the same kind of device."""

    def __init__(self, device: torch.device, *key: object) -> None:
        super().__init__(*key)
        self._device = device
        shapes_alone = device.type == "meta"
        self._on_device = None if shapes_alone else torch.Generator(device).manual_seed(keyed_seed(*key))

    def normal(self, shape: Sequence[int] = ()) -> Tensor:
        return torch.randn(tuple(shape), generator=self._on_device, device=self._device)

    def uniform(self, shape: Sequence[int] = (), low: float = 0.0, high: float = 1.0) -> Tensor:
        drawn = torch.rand(tuple(shape), generator=self._on_device, device=self._device)
        return drawn.mul_(high - low).add_(low)

    def integers(self, low: int, high: int, shape: Sequence[int] = ()) -> Tensor:
        return torch.randint(low, high, tuple(shape), generator=self._on_device, device=self._device)

    def bernoulli(self, shape: Sequence[int], p: float = 0.5) -> Tensor:
        return torch.rand(tuple(shape), generator=self._on_device, device=self._device) < p

    def permutation(self, n: int) -> Tensor:
        return torch.randperm(n, generator=self._on_device, device=self._device)


def maker(
    prepared: Callable[[Any, Mapping[str, Any], str], dict[str, Any]],
    params: Mapping[str, Any],
    dtype: str,
    device: torch.device,
) -> Callable[[int], dict[str, Any]]:
    """What makes the inputs of a seed on the device, by a recipe; see `recipe.load`."""

    def make(seed: int) -> dict[str, Any]:
        with torch.no_grad(), device:
            made = prepared(DeviceRng(device, "speed", seed), params, dtype)
            return {name: placed(value, device) for name, value in made.items()}

    return make


def placed(value: Any, device: torch.device) -> Any:
    """The value with all tensors on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if type(value) in (list, tuple):
        return type(value)(placed(item, device) for item in value)
    if type(value) is dict:
        return {key: placed(item, device) for key, item in value.items()}
    return value


class Mover:
    """Puts arguments of a call on a device, views of one storage as views of one storage, in their layout."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._storages: dict[int, torch.UntypedStorage] = {}

    def there(self, value: Any) -> Any:
        """The value on the device."""
        if isinstance(value, Tensor):
            return self._tensor(value)
        if type(value) in (list, tuple):
            return type(value)(self.there(item) for item in value)
        if type(value) is dict:
            return {key: self.there(item) for key, item in value.items()}
        return value

    def _tensor(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        key = storage.data_ptr() or id(storage)
        if key not in self._storages:
            block = torch.empty(0, dtype=torch.uint8).set_(storage)
            self._storages[key] = block.to(self._device, copy=True).untyped_storage()
        moved = torch.empty(0, dtype=tensor.dtype, device=self._device)
        moved.set_(self._storages[key], tensor.storage_offset(), tensor.shape, tensor.stride())
        return moved.requires_grad_(tensor.requires_grad)
