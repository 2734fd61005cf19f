"""Vector–Jacobian products of a call, the same for an attempt in the runner and for the reference in the judge."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

PARAMETERS = "parameters"


class NoGradient(Exception):
    """An output that should depend on the inputs is cut off from them."""


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors in a nested tuple, list or dict, each with its path, depth first."""
    if isinstance(value, Tensor):
        yield path, value
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}[{key!r}]")
    elif fields := getattr(value, "__dataclass_fields__", None):
        for name in fields:
            yield from leaves(getattr(value, name), f"{path}.{name}")


def attached(arguments: Mapping[str, Any], wrt: Sequence[str]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The arguments with those in `wrt` made leaves that require gradients, and these leaves by name.

    An argument may be a tensor or a list or tuple of tensors; the leaves of a list are named `name[0]`, `name[1]`, ….
    Layouts are kept.
    """
    ready, made = dict(arguments), {}
    for name in wrt:
        value = arguments.get(name)
        if name == PARAMETERS or value is None:
            continue
        if isinstance(value, Tensor):
            made[name] = ready[name] = value.detach().requires_grad_()
        else:
            items = [item.detach().requires_grad_() for item in value]
            made |= {f"{name}[{index}]": item for index, item in enumerate(items)}
            ready[name] = type(value)(items)
    return ready, made


def vjp(
    call: Callable[..., Any],
    arguments: Mapping[str, Any],
    wrt: Sequence[str],
    cotangents: Mapping[int, Tensor] | None,
    *,
    forward_done: Callable[[list[Tensor]], object] = lambda outputs: None,
) -> tuple[Any, dict[str, Tensor]]:
    """The output of `call(**arguments)` and the gradients of Σ ⟨cotangent, output⟩ with respect to `wrt`.

    Args:
        wrt: names of arguments; "parameters" stands for the parameters of a module.
        cotangents: by position among the tensors of the output; None runs the forward pass alone.
        forward_done: called with the tensors of the output before the backward pass.
    Returns:
        the output, and the gradients by name (zeros where an input is not used); parameters are `parameters.<name>`.
    Raises:
        NoGradient: an output with a cotangent does not require gradients.
    """
    ready, inputs = attached(arguments, wrt)
    if PARAMETERS in wrt:
        inputs |= {f"{PARAMETERS}.{name}": parameter for name, parameter in call.named_parameters()}  # type: ignore[attr-defined]
    with torch.enable_grad():
        output = call(**ready)
    if cotangents is None:
        return output, {}
    tensors = [tensor for _, tensor in leaves(output)]
    chosen = [(tensors[index], cotangent) for index, cotangent in cotangents.items() if index < len(tensors)]
    if len(chosen) < len(cotangents) or not all(tensor.requires_grad for tensor, _ in chosen):
        raise NoGradient
    forward_done([tensor.detach() for tensor in tensors])
    found = _backward([tensor for tensor, _ in chosen], list(inputs.values()), [cotangent for _, cotangent in chosen])
    return output, {
        name: torch.zeros_like(tensor) if gradient is None else gradient
        for (name, tensor), gradient in zip(inputs.items(), found, strict=True)
    }


def _backward(outputs: list[Tensor], inputs: list[Tensor], cotangents: list[Tensor]) -> Sequence[Tensor | None]:
    """`torch.autograd.grad` with unused inputs allowed, without the import of sympy that its shape checks cost."""
    if not outputs:
        return [None] * len(inputs)
    if _run_engine is None:
        return torch.autograd.grad(outputs, inputs, cotangents, allow_unused=True)
    found: Sequence[Tensor | None] = _run_engine(
        tuple(outputs), tuple(cotangents), False, False, tuple(inputs), True, accumulate_grad=False
    )
    return found


def _own_engine() -> Callable[..., Any] | None:
    """A copy of torch's way into the engine that stays when autograd is taken away from the attempt."""
    run = getattr(torch.autograd.graph, "_engine_run_backward", None)
    if run is None:
        return None
    variable = types.SimpleNamespace(_execution_engine=torch.autograd.Variable._execution_engine)
    return types.FunctionType(run.__code__, run.__globals__ | {"Variable": variable})


_run_engine = _own_engine()
