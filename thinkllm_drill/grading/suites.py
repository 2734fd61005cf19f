"""The suite classes: what a grader file declares, and how that becomes scenarios.

A suite's checks run its scenario on the attempt and on the reference; `battery` holds what they demand.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from thinkllm_drill.grading import battery
from thinkllm_drill.grading.cases import Case, Words, check
from thinkllm_drill.grading.layouts import LAYOUTS, laid_out
from thinkllm_drill.grading.rng import Rng
from thinkllm_drill.grading.session import GradingSession
from thinkllm_drill.judge.failures import ContractBroken
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.locale import text

PREPARE = """
def prepare(module, weights, training, dtype):
    if not isinstance(module, torch.nn.Module):
        return 0
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    if shapes != {name: tuple(tensor.shape) for name, tensor in weights.items()}:
        return shapes
    module.load_state_dict(weights)
    module.train(training).to(dtype)
"""
"""Loads weights into a module of the attempt, in one call; returns its shapes where they are not the weights'."""


class Suite:
    """What all suites share; a grader file uses one of its kinds.

    Attributes:
        entry: the name in `api` that the suite grades.
        cases: from simple to hard; the first also serves the contract.
        edges: special values and sizes, by the same parameters.
        sizes: sizes that the first case is also run with, by parameter.
        gradients: arguments whose gradients are graded; "parameters" for those of a module.
        gradient_cases: on how many of the first cases gradients are graded; None for all (a backward written by hand).
        differentiable: which tensors of the output have gradients, by position; None for all that the reference gives.
        mutates: arguments that the attempt is meant to change.
        repeatable: whether two calls give the same.
        layouts: whether float inputs are also given strided, offset and expanded.
        elementwise: whether an output element depends on one input element (a tighter tolerance).
        outputs: names of the parts of a tuple that is returned.
        kernels: whether it launches Triton kernels.
        intermediates: names that the statement gives to intermediate tensors, in the order in which they are computed.
    """

    entry: ClassVar[str]
    cases: ClassVar[Sequence[Case]] = ()
    edges: ClassVar[Sequence[Case]] = ()
    sizes: ClassVar[Mapping[str, Sequence[int]]] = {}
    gradients: ClassVar[Sequence[str]] = ()
    gradient_cases: ClassVar[int | None] = 4
    differentiable: ClassVar[Sequence[int] | None] = None
    mutates: ClassVar[Sequence[str]] = ()
    repeatable: ClassVar[bool] = True
    layouts: ClassVar[bool] = True
    elementwise: ClassVar[bool] = False
    outputs: ClassVar[Sequence[str]] = ()
    kernels: ClassVar[bool] = False
    intermediates: ClassVar[Sequence[str]] = ()
    graded: GradingSession

    # what an exercise may say

    def run(self, impl: Any, rng: Rng, **params: Any) -> Iterable[Any]:
        """The scenario: yields what the implementation shows, as `(label, value)` or bare values."""
        raise NotImplementedError

    def valid(self, **params: Any) -> bool:
        """Whether a smaller case of these parameters makes sense."""
        return True

    # how the battery runs it

    def scenario(self, impl: Any, rng: Rng, probe: battery.Probe) -> Iterable[Any]:
        """The scenario of one probe."""
        return self.run(impl, rng, **probe.case.params)

    def gradient_scenario(self, impl: Any, rng: Rng, probe: battery.Probe) -> Iterable[Any]:
        """Yields the name and the value of each gradient."""
        raise NotImplementedError

    def arguments(self, rng: Rng, probe: battery.Probe) -> dict[str, Any] | None:
        """The arguments of a probe's call, to be shown; None where there is more than one call."""
        return None

    def all_edges(self) -> list[battery.Probe]:
        """The probes of the check `edges`."""
        probes = [battery.Probe(edge) for edge in self.edges]
        if self.cases:
            first = self.cases[0]
            for name, values in self.sizes.items():
                probes += [battery.Probe(self._sized(first, f"{name} = {value}", {name: value})) for value in values]
            if self.layouts and not isinstance(self, ObjectSuite):
                probes += [battery.Probe(chosen, layout=layout) for layout, chosen in self._laid_out()]
            if not isinstance(self, ObjectSuite):
                probes += [battery.Probe(single, declared=False) for single in self._singles()]
        return probes

    def _singles(self) -> Iterator[Case]:
        """The first case with one of its sizes 1, for each size that is 1 in no case: a batch of one, a single row."""
        first = self.cases[0]
        sized = [self._sized(first, "", {name: value}) for name, values in self.sizes.items() for value in values]
        declared = [*self.cases, *self.edges, *sized]
        for name, value in first.params.items():
            if type(value) is int and value > 1 and all(other.params.get(name) != 1 for other in declared):
                yield self._sized(first, f"{name} = 1", {name: 1})
            elif type(value) is tuple and all(type(size) is int for size in value):
                for index, size in enumerate(value):
                    made = (*value[:index], 1, *value[index + 1 :])
                    if size > 1 and all(other.params.get(name) != made for other in declared):
                        yield self._sized(first, f"{name} = {made}", {name: made})

    @staticmethod
    def _sized(first: Case, label: str, sizes: Mapping[str, Any]) -> Case:
        return replace(first, words=Words(label, label), params={**first.params, **sizes})

    def _laid_out(self) -> Iterator[tuple[str, Case]]:
        """Each layout with the first case and another one, as the first may have too few dimensions to show a fault."""
        others = self.cases[1:]
        for number, layout in enumerate(LAYOUTS):
            yield layout, self.cases[0]
            if others:
                yield layout, others[number % len(others)]

    # the checks

    @check("defined")
    def test_defined(self, grading: GradingSession) -> str:
        return battery.defined(grading, self)

    @check("contract")
    def test_contract(self, grading: GradingSession) -> None:
        battery.contract(grading, self)

    @check("values")
    def test_values(self, grading: GradingSession) -> None:
        battery.values(grading, self)

    @check("edges")
    def test_edges(self, grading: GradingSession) -> None:
        battery.edges(grading, self)

    @check("gradients")
    def test_gradients(self, grading: GradingSession) -> None:
        battery.gradients(grading, self)

    @check("rules")
    def test_rules(self, grading: GradingSession) -> None:
        battery.rules(grading, self)

    @check("speed")
    def test_speed(self, grading: GradingSession) -> str:
        from thinkllm_drill.gpu.check import grade  # what most exercises never need

        return grade(grading, self)

    @classmethod
    def has(cls, kind: str, forbid: Sequence[str]) -> bool:
        """Whether the battery's check of that kind applies."""
        return {
            "edges": bool(cls().all_edges()),
            "gradients": bool(cls.gradients),
            "rules": bool(forbid),
            "speed": bool(getattr(cls, "speeds", ())),
        }.get(kind, True)


class FunctionSuite(Suite):
    """A function of tensors or plain values, called by keyword.

    A hand-written backward names the attempt's own function that it differentiates as `forward`: where the gradient is
    wrong, it is compared with what autograd makes of that function.
    """

    forward: ClassVar[str] = ""
    gradients_of_forward: ClassVar[Sequence[str]] = ()

    def inputs(self, rng: Rng, **params: Any) -> dict[str, Any]:
        """Keyword arguments of the call."""
        raise NotImplementedError

    def scenario(self, impl: Any, rng: Rng, probe: battery.Probe) -> Iterable[Any]:
        yield "", self.output(impl[self.entry](**self.prepared(rng, probe)), impl)

    def differentiated(self, rng: Rng, probe: battery.Probe) -> tuple[dict[str, Any], dict[int, Tensor]]:
        """For a backward: what a probe's call is the gradient of: the arguments of `forward`, the cotangents."""
        raise NotImplementedError

    def output(self, value: Any, impl: Any) -> Any:
        """What is compared of the function's result."""
        return value

    def gradient_scenario(self, impl: Any, rng: Rng, probe: battery.Probe) -> Iterable[Any]:
        inputs = self.prepared(rng, probe)
        yield from battery.pullback(self, impl, impl[self.entry], inputs, rng, probe)

    def truth(self, reference: Any) -> Any:
        """What the attempt's function is compared with, called as the reference is."""
        return reference[self.entry]

    def arguments(self, rng: Rng, probe: battery.Probe) -> dict[str, Any] | None:
        return self.prepared(rng, probe)

    def prepared(self, rng: Rng, probe: battery.Probe) -> dict[str, Any]:
        """The inputs of a probe: rounded to the dtype of its case, in its layout."""
        return laid_out(self.inputs(rng, **probe.case.params), probe.case.dtype, probe.layout)


class ModuleSuite(Suite):
    """An `nn.Module`: built from `config`, given random weights, called with `inputs`."""

    train: ClassVar[Sequence[bool]] = (False,)
    keep_buffers: ClassVar[Sequence[str]] = ()

    def config(self, **params: Any) -> dict[str, Any]:
        """Keyword arguments of the constructor."""
        return {}

    def inputs(self, rng: Rng, **params: Any) -> dict[str, Any]:
        """Keyword arguments of `forward`."""
        raise NotImplementedError

    def scenario(self, impl: Any, rng: Rng, probe: battery.Probe) -> Iterable[Any]:
        for training in self.train:
            module = self.build(impl, rng=rng, dtype=probe.case.dtype, training=training, **probe.case.params)
            inputs = laid_out(self.inputs(rng, **probe.case.params), probe.case.dtype, probe.layout)
            yield ("train" if training else "eval") if len(self.train) > 1 else "", module(**inputs)

    def gradient_scenario(self, impl: Any, rng: Rng, probe: battery.Probe) -> Iterable[Any]:
        module = self.build(impl, rng=rng, dtype=probe.case.dtype, training=self.train[0], **probe.case.params)
        inputs = laid_out(self.inputs(rng, **probe.case.params), probe.case.dtype, probe.layout)
        yield from battery.pullback(self, impl, module, inputs, rng, probe)

    def arguments(self, rng: Rng, probe: battery.Probe) -> dict[str, Any] | None:
        self.weights(self.config(**probe.case.params), rng)  # drawn before the inputs
        return laid_out(self.inputs(rng, **probe.case.params), probe.case.dtype, probe.layout)

    def build(
        self, impl: Any, *, rng: Rng | None = None, dtype: str = "float32", training: bool = False, **params: Any
    ) -> Any:
        """A module with random weights, the same for every implementation.

        Args:
            impl: the attempt or the reference.
            rng: where the weights come from; None for weights that the seed and the parameters determine.
            dtype: of the weights.
            training: the mode to put it into.
            params: what `config` takes.
        """
        config = self.config(**params)
        weights = self.weights(config, rng or self.graded.rng(self.entry, "build", sorted(params.items())))
        kind = getattr(torch, dtype)
        weights = {name: w.to(kind) if w.is_floating_point() else w for name, w in weights.items()}
        module = getattr(impl, self.entry)(**config)
        if not isinstance(impl, Attempt):
            impl.cast_module(module, kind)
            module.load_state_dict(weights)
            module.train(training)
            return module
        state = impl.local(PREPARE, foretold=None)(module, weights, training, kind)
        if state is not None:
            self._explain_state(state, weights)
        return module

    def weights(self, config: Mapping[str, Any], rng: Rng) -> dict[str, Tensor]:
        """A random state dict of the reference: no weight is left at the ones and zeros that hide mistakes."""
        key = self.entry, repr(sorted(config.items()))
        if key not in self.graded.state_dicts:
            self.graded.state_dicts[key] = getattr(self.graded.module, self.entry)(**config).state_dict()
        return {name: self.weight(rng, name, tensor) for name, tensor in self.graded.state_dicts[key].items()}

    def weight(self, rng: Rng, name: str, tensor: Tensor) -> Tensor:
        """A random tensor for one entry of the state dict."""
        if not tensor.is_floating_point() or name in self.keep_buffers:
            return tensor
        if "var" in name.rsplit(".", 1)[-1]:
            return rng.uniform(tensor.shape, 0.5, 2.0)
        if tensor.dim() < 2:
            return rng.normal(tensor.shape) * 0.3 + (1.0 if name.endswith("weight") else 0.0)
        return rng.normal(tensor.shape) / math.sqrt(tensor.shape[-1])

    def _explain_state(self, state: Any, weights: Mapping[str, Tensor]) -> None:
        """End the check: the attempt's parameters have not the names or shapes of the reference's."""
        if not isinstance(state, dict):
            raise ContractBroken(text("grading.not_a_module", name=self.entry))
        if set(state) != set(weights):
            names = {"expected": ", ".join(sorted(weights)), "actual": ", ".join(sorted(map(str, state)))}
            raise ContractBroken(text("grading.state_dict", **names))
        for name, tensor in weights.items():
            if state[name] != tuple(tensor.shape):
                shapes = {"expected": tuple(tensor.shape), "actual": state[name]}
                raise ContractBroken(text("grading.weight_shape", name=name, **shapes))


class ObjectSuite(Suite):
    """Anything with state or callbacks; the exercise writes `run`."""

    repeatable: ClassVar[bool] = False
