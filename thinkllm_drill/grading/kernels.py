"""KernelSuite: a function that launches Triton kernels, graded by Triton's interpreter where there is no GPU."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import pytest

from thinkllm_drill.grading import battery
from thinkllm_drill.grading.cases import case, check
from thinkllm_drill.grading.local import LocalObject
from thinkllm_drill.grading.rng import Rng
from thinkllm_drill.grading.session import GradingSession
from thinkllm_drill.grading.speed import Speed
from thinkllm_drill.grading.suites import FunctionSuite
from thinkllm_drill.judge.failures import AttemptRaised, RuleBroken, Wrong
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.locale import text

AUDIT = "__import__('importlib').import_module('thinkllm_drill.judge.kernels').audit"
WRITTEN_BY = "__import__('importlib').import_module('thinkllm_drill.judge.kernels').written_by"
EXACTLY = "__import__('importlib').import_module('thinkllm_drill.judge.dots').exact"
CALL_AND_SHOW = "lambda call, written, /, **given: (call(**given), {name: given[name] for name in written})"
_BOUNDS = re.compile(r"(\w+): (\d+) lanes out of bounds, program \((.*)\), line (\d+)")
_RACE = re.compile(r"programs \((.*)\) and \((.*)\) share (\d+) elements, line (\d+)")


@dataclass(frozen=True)
class Work:
    """How one call came to its answer, as the runner counted it.

    Attributes:
        launches: how many kernels were launched.
        widest: lanes of the widest load or store, masked-off ones included.
        widest_line: where that is.
        host: what torch computed outside the kernels, with the line of each.
        idle: whether the answer is the same when no kernel is run.
        moved: elements that kernels loaded and stored, by the bytes of the storage they are in.
        heaviest: the same, of the one program that moved most; for each size of storage by itself.
        atomics: how often a program ran an atomic operation.
    """

    launches: int
    widest: int
    widest_line: int
    host: Mapping[str, int]
    idle: bool
    moved: Mapping[int, int]
    heaviest: Mapping[int, int]
    atomics: int = 0

    def traffic(self, at_least: int) -> int:
        """Elements loaded and stored in storages of at least so many bytes: scratch for partial results is free."""
        return sum(count for size, count in self.moved.items() if size >= at_least)


class KernelSuite(FunctionSuite):
    """A function that launches Triton kernels.

    Outputs made by `torch.empty` hold NaN until a kernel writes them, and lanes that are masked off without `other` are
    NaN. An access outside the kernel's arguments and a race between programs are wrong answers. Each case must launch a
    kernel, and torch may only make, view, copy and cast tensors around it.

    Where a suite `mutates` arguments, what is compared is the answer and, by name, each of these arguments as it is
    after the call; `expected` then works in place, too.
    """

    kernels: ClassVar[bool] = True
    layouts: ClassVar[bool] = True
    gradient_cases: ClassVar[int | None] = None
    speeds: ClassVar[tuple[Speed, ...]] = ()
    """The shapes that are timed where there is a GPU."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if importlib.util.find_spec("triton") is None:
            pytest.skip(text("grading.no_triton"), allow_module_level=True)
        os.environ["TRITON_INTERPRET"] = "1"  # before the reference imports Triton

    def expected(self, **inputs: Any) -> Any:
        """The right answer in plain torch, in the dtype of its inputs; without one, the reference's."""
        return getattr(self.graded.module, self.entry)(**inputs)

    def scenario(self, impl: Any, rng: Rng, probe: battery.Probe, *, exact_dots: bool = False) -> Iterator[Any]:
        """The scenario of one probe; with `exact_dots` a `tl.dot` of the attempt rounds nothing to TF32."""
        inputs = self.prepared(rng, probe)
        written = [name for name in self.mutates if name in inputs]
        call: Any = impl[self.entry] if isinstance(impl, Attempt) else self.truth(impl)
        if written:
            call = partial(impl.local(CALL_AND_SHOW), call, written)
        if not isinstance(impl, Attempt):
            yield from self._shown(call(**inputs), written, impl)
            return
        if exact_dots:
            call = partial(impl.local(EXACTLY), call)
        try:
            with explained():
                answer = call(**inputs)
        except MemoryMisused as failure:
            yield "memory", failure.how  # tells one such mistake from another
            raise
        if not impl.launches:
            raise RuleBroken(text("grading.no_launch"))
        yield from self._shown(answer, written, impl)

    def _shown(self, answer: Any, written: Sequence[str], impl: Any) -> Iterator[tuple[str, Any]]:
        """The answer of a call, and the arguments that it has written, by name."""
        after = {}
        if written:
            answer, after = answer
        yield "", self.output(answer, impl)
        yield from after.items()

    def gradient_scenario(self, impl: Any, rng: Rng, probe: battery.Probe) -> Iterator[Any]:
        inputs = self.prepared(rng, probe)
        if not isinstance(impl, Attempt):
            yield from battery.pullback(self, impl, self.truth(impl), inputs, rng, probe)
            return
        try:
            with explained():
                yield from battery.pullback(self, impl, impl[self.entry], inputs, rng, probe)
        except MemoryMisused as failure:
            yield "memory", failure.how
            raise

    def truth(self, reference: Any) -> LocalObject:
        return LocalObject(reference, self.expected)

    def work(self, attempt: Attempt, rng: Rng, **params: Any) -> tuple[Work, dict[str, Any]]:
        """How a call with the inputs of these parameters comes to its answer, and the inputs."""
        inputs = self.prepared(rng, battery.Probe(case(en="", zh="", **params)))
        with explained():
            return Work(**attempt.local(AUDIT)(attempt[self.entry], inputs)), inputs

    def written_by(self, attempt: Attempt, inputs: Mapping[str, Any]) -> Any:
        """The number of the program that wrote each element of the answer, in the order in which a GPU starts them.

        None where the answer is not what the last launch wrote.
        """
        with explained():
            return attempt.local(WRITTEN_BY)(attempt[self.entry], dict(inputs))

    def work_with_backward(self, attempt: Attempt, rng: Rng, **params: Any) -> tuple[Work, dict[str, Any]]:
        """The same of a call and its backward pass together."""
        probe = battery.Probe(case(en="", zh="", **params))
        inputs = self.prepared(rng, probe)
        cotangents = battery.cotangents(self, inputs, rng, probe)
        with explained():
            found = attempt.local(AUDIT)(attempt[self.entry], inputs, list(self.gradients), cotangents)
        return Work(**found), inputs

    @classmethod
    def has(cls, kind: str, forbid: Sequence[str]) -> bool:
        return kind == "rules" or super().has(kind, forbid)

    @check("rules")
    def test_rules(self, grading: GradingSession) -> None:
        battery.rules(grading, self)
        worked = self.work_with_backward if self.gradients else self.work
        for each in self.cases:
            work, _ = worked(grading.attempt, grading.rng(self.entry, "rules", each.id), **each.params)
            if work.host:
                names, line = ", ".join(work.host), min(work.host.values())
                raise RuleBroken(text("kernels.host_work", names=names, line=line)).with_cause(case=each.words.here)
            if work.idle:
                raise RuleBroken(text("kernels.idle")).with_cause(case=each.words.here)


class MemoryMisused(Wrong):
    """A kernel reached memory outside its arguments, or its programs race; `how` is told apart from the line."""

    how: str


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn what the sanitizer found into a wrong answer, told in the learner's language."""
    try:
        yield
    except AttemptRaised as failure:
        if found := _BOUNDS.fullmatch(failure.text):
            kind, lanes, program, line = found.groups()
            message = text(f"kernels.{kind}_out_of_bounds", lanes=lanes, program=program, line=line)
        elif found := _RACE.fullmatch(failure.text):
            first, second, elements, line = found.groups()
            message = text("kernels.race", first=first, second=second, elements=elements, line=line)
        else:
            raise
        misused = MemoryMisused(message)
        misused.how = failure.text.rpartition(", line")[0]
        raise misused.with_cause(frames=failure.cause.frames) from None
