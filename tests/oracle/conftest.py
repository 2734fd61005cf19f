"""What the oracle tests share: a reference, a library that may be missing, and a rule for agreement.

Two right programs differ by rounding. How much is not guessed: `agree` allows a few unit roundoffs of a scale that
each test works out, either the sum of the absolute values that enter a number, or the measured effect of rounding each
operation.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

ROOT = Path(__file__).resolve().parents[2]
STEP = 2.0**-24  # rounding as it is made up in fp64: small for the problem, large beside the rounding of fp64 itself
DRAWS = 4


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small tensors: threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def _offline() -> Iterator[None]:
    """No library looks for models or for newer versions of itself."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "TRANSFORMERS_NO_ADVISORY_WARNINGS"):
            patch.setenv(name, "1")
        yield


@pytest.fixture(scope="session")
def solution() -> Callable[[str], ModuleType]:
    """solution(name): the reference of an exercise, by its name on disk."""

    @cache
    def load(name: str) -> ModuleType:
        (path,) = ROOT.glob(f"solutions/*/{name}.py")
        spec = importlib.util.spec_from_file_location(f"oracle_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where dataclasses look their annotations up
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def library() -> Callable[[str], Any]:
    """library(module): a module of an independent library; without it the test is skipped."""

    def load(module: str) -> Any:
        package = module.partition(".")[0]
        if importlib.util.find_spec(package) is None:
            extra = "kernels" if package == "triton" else "oracle"
            pytest.skip(f"{package} is not installed; it comes with the extra `{extra}`")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a library says about itself on import
            return importlib.import_module(module)

    return load


@pytest.fixture
def agree() -> Callable[..., None]:
    """agree(ours, theirs, scale, units=8): equal to within units · u · scale, elementwise; same shape and dtype.

    u is the unit roundoff of the dtype; `scale` is a number or a tensor that broadcasts. NaN and infinities are equal
    to themselves alone. Below the normal numbers the spacing is absolute.
    """

    def check(ours: Tensor, theirs: Tensor, scale: Tensor | float, units: float = 8.0) -> None:
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        info = torch.finfo(theirs.dtype)
        wide, right = ours.detach().double(), theirs.detach().double()
        scale = torch.as_tensor(scale).detach().double() + info.tiny
        error = (wide - right).abs() / (info.eps / 2 * scale)
        same = (wide == right) | (wide.isnan() & right.isnan()) | (error <= units)
        assert bool(same.all()), f"{error[~same].max():.4g} units of rounding apart, {units:g} are allowed"

    return check


class Rounding(TorchDispatchMode):
    """Moves every floating result of an operation by a relative error of STEP, up or down at random."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = function(*args, **kwargs or {})
        if any(value.alias_info is not None for value in function._schema.returns):
            return found  # a view, or a tensor changed in place
        return tree_map_only(Tensor, self.moved, found)

    @staticmethod
    def moved(value: Tensor) -> Tensor:
        """The tensor with a relative error of STEP."""
        if not value.is_floating_point():
            return value
        return torch.where(value.isfinite(), value * (1 + STEP * (torch.randint(0, 2, value.shape) * 2 - 1)), value)


@pytest.fixture
def conditioning() -> Callable[..., list[Tensor]]:
    """conditioning(function, inputs): how large each output is, and how far rounding carries it, in roundings.

    The largest entry of the output plus its largest change, per relative error, where each operation of `function` is
    rounded at random; with that the error of another algorithm, too, is a few unit roundoffs of it.
    """

    def measure(function: Callable[..., Sequence[Tensor]], inputs: Sequence[Tensor]) -> list[Tensor]:
        exact = [value.detach().double() for value in inputs]
        outputs = [value.detach() for value in function(*exact)]
        moves = [torch.zeros((), dtype=torch.float64) for _ in outputs]
        for _ in range(DRAWS):
            moved = [Rounding.moved(value) for value in exact]
            with Rounding():
                found = function(*moved)
            for index, value in enumerate(found):
                moves[index] = torch.maximum(moves[index], (value.detach() - outputs[index]).abs().max() / STEP)
        return [value.abs().max() + move for value, move in zip(outputs, moves, strict=True)]

    return measure


@pytest.fixture
def pulled() -> Callable[..., list[Tensor]]:
    """pulled(function, inputs): the outputs, and the gradients of a random cotangent of each."""

    def pull(function: Callable[..., Any], inputs: Sequence[Tensor], seed: int = 1) -> list[Tensor]:
        leaves = [value.detach().clone().requires_grad_() for value in inputs]
        outputs = function(*leaves)
        outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        rng = torch.Generator().manual_seed(seed)
        cotangents = [torch.randn(out.shape, generator=rng, dtype=torch.float64).to(out.dtype) for out in outputs]
        return [*outputs, *torch.autograd.grad(outputs, leaves, cotangents)]

    return pull
