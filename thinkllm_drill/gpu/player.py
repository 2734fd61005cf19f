"""Times calls of one function beside its device: in the attempt's process, or in that of the baselines.

No input is used twice, so that nothing that was kept of an earlier call is of use. What a call has written is sampled
in the order of the device's work right behind its end, and the judge names afterwards which samples it wants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from thinkllm_drill.gpu.device import Device

SAMPLES = 1 << 16
"""Elements of each output that are sampled a call."""
SYNC_EVERY = 8
WARM_SECONDS = 0.025
WARM_CALLS = 3
MOST_PREPARED_BYTES = 12 << 30


class NotATensor(TypeError):
    """A call gave something else than plain tensors on the device."""


@dataclass(frozen=True)
class Block:
    """Calls timed one after the other.

    Attributes:
        seconds: of each call, by events.
        late: at every eighth call, for how long the device worked on after the call's end event.
    """

    seconds: tuple[float, ...]
    late: tuple[float, ...]


class Player:
    """One function on one shape.

    Args:
        device: where it runs.
        call: takes the inputs by keyword.
        make: inputs of a seed, never the same for two seeds.
        mutates: inputs that hold output, too.
    """

    def __init__(
        self,
        device: Device,
        call: Callable[..., Any],
        make: Callable[[int], dict[str, Any]],
        mutates: Sequence[str] = (),
        samples: int = SAMPLES,
    ) -> None:
        self._device, self._call, self._make, self._mutates = device, call, make, tuple(mutates)
        self._samples = samples
        self._kept: list[list[Tensor]] = []
        self._prepared: list[dict[str, Any]] = []

    def warm_up(self, seeds: Sequence[int]) -> float:
        """Call until compilation and autotuning are over: at least 3 calls after the first and 25 ms; seconds taken."""
        device = self._device
        start = begin = device.now()
        for number, seed in enumerate(seeds):
            inputs = self._make(seed)
            self._outputs(self._call(**inputs), inputs)
            device.synchronize()
            if number == 0:
                begin = device.now()
            elif number >= WARM_CALLS and device.now() - begin >= WARM_SECONDS:
                break
        return device.now() - start

    def block(self, seeds: Sequence[int], picks: Sequence[int]) -> Block:
        """Time a call on the inputs of each seed; `picks` seeds which elements of its output are sampled."""
        device, events, late = self._device, [], []
        self._kept.clear()
        for number, (seed, pick) in enumerate(zip(seeds, picks, strict=True)):
            inputs, chosen = self._make(seed), self._chosen(pick)
            start, end = device.event(), device.event()
            device.flush()
            device.record(start)
            value = self._call(**inputs)
            device.record(end)
            if number % SYNC_EVERY == SYNC_EVERY - 1:
                device.wait(end)
                reached = device.now()
                device.synchronize()
                late.append(device.now() - reached)
            self._kept.append([device.take(leaf, chosen) for leaf in self._outputs(value, inputs)])
            events.append((start, end))
        device.synchronize()
        return Block(tuple(device.elapsed(start, end) for start, end in events), tuple(late))

    def samples(self, index: int) -> list[Tensor]:
        """What was sampled of a call of the last block."""
        return [sample.cpu() for sample in self._kept[index]]

    def prepare(self, seeds: Sequence[int]) -> int:
        """Make inputs to be used by `stretch`, as many as there is memory for; their number."""
        self._prepared.clear()
        self._device.release()
        room = min(self._device.free_bytes() // 2, MOST_PREPARED_BYTES)
        for seed in seeds:
            made = self._make(seed)
            room -= sum(leaf.nbytes for leaf in tree_leaves(made) if isinstance(leaf, Tensor))
            if room < 0 and self._prepared:
                break
            self._prepared.append(made)
        self._device.synchronize()
        return len(self._prepared)

    def stretch(self, first: int, count: int, pick: int) -> list[Tensor]:
        """Call on prepared inputs one after the other; samples of the last output, which cannot be had before it is."""
        value: Any = None
        inputs: dict[str, Any] = {}
        self._device.hold()
        for inputs in self._prepared[first : first + count]:
            value = self._call(**inputs)
        chosen = self._chosen(pick)
        return [self._device.take(leaf, chosen).cpu() for leaf in self._outputs(value, inputs)]

    def close(self) -> None:
        """Let go of all memory."""
        self._prepared.clear()
        self._kept.clear()
        self._device.release()

    def _chosen(self, pick: int) -> Tensor:
        return chosen(self._device, pick, self._samples)

    def _outputs(self, value: Any, inputs: dict[str, Any]) -> list[Tensor]:
        return outputs(value, inputs, self._mutates, self._device)


def chosen(device: Device, pick: int, samples: int) -> Tensor:
    """The places that a seed picks, to be taken modulo the size of a tensor."""
    generator = torch.Generator(device.torch_device).manual_seed(pick)
    return torch.randint(0, 1 << 62, (samples,), generator=generator, device=device.torch_device)


def outputs(value: Any, inputs: dict[str, Any], mutates: Sequence[str], device: Device) -> list[Tensor]:
    """The tensors that a call has made, and the inputs that it was to change."""
    found = output_leaves(value, inputs, mutates)
    for leaf in found:
        if type(leaf) is not Tensor or leaf.device.type != device.torch_device.type:
            where = f" on {leaf.device}" if isinstance(leaf, Tensor) else ""
            raise NotATensor(f"{type(leaf).__name__}{where}")
    return [leaf.detach() for leaf in found if leaf.numel()]


def output_leaves(value: Any, inputs: Mapping[str, Any], mutates: Sequence[str]) -> list[Any]:
    """What of a call is looked at: the leaves of its answer, and of the inputs that it was to change."""
    changed = [inputs[name] for name in mutates if name in inputs]
    return [leaf for leaf in [*tree_leaves(value), *tree_leaves(changed)] if leaf is not None]
