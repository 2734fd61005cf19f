"""What an exercise's own tests use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from thinkllm_drill.grading.cases import Words
from thinkllm_drill.grading.compare import Tolerance, Truth, compare
from thinkllm_drill.grading.observe import Outcome, freeze
from thinkllm_drill.grading.show import show
from thinkllm_drill.grading.where import where
from thinkllm_drill.judge.failures import AttemptRaised, Wrong
from thinkllm_drill.judge.wire import Record
from thinkllm_drill.verdict import Cause


def fail(*, en: str, zh: str) -> NoReturn:
    """End the check as wrong, with this message."""
    raise Wrong(Words(en, zh).here)


def assert_close(actual: Any, expected: Any, *, en: str, zh: str, reduction: int | None = None) -> None:
    """Demand that two answers agree within rounding of the answer's dtype; `expected` may be in fp64."""
    shown, wanted = freeze(actual), freeze(expected)
    same = _like(wanted, shown)
    truth = Truth(Outcome((("", wanted),)), Outcome((("", same),)))
    _demand(truth, Outcome((("", shown),)), Tolerance.of(reduction), Words(en, zh))


def assert_equal(actual: Any, expected: Any, *, en: str, zh: str) -> None:
    """Demand the same structure and exactly the same values."""
    wanted = Outcome((("", freeze(expected)),))
    _demand(Truth(wanted, wanted), Outcome((("", freeze(actual)),)), Tolerance(0.0), Words(en, zh))


def raises(call: Callable[[], Any], type_name: str, *, en: str, zh: str) -> None:
    """Demand that the call raises an exception of that type, or of one derived from it."""
    try:
        call()
    except AttemptRaised as failure:
        if type_name in failure.bases:
            return
        raise Wrong(
            Cause(Words(en, zh).here, actual=f"{failure.type_name}: {failure.text}", expected=type_name)
        ) from None
    raise Wrong(Cause(Words(en, zh).here, expected=type_name))


def _demand(truth: Truth, outcome: Outcome, tolerance: Tolerance, words: Words) -> None:
    mismatch = compare(truth, outcome, tolerance)
    if mismatch is None:
        return
    expected, actual = show(mismatch)
    raise Wrong(Cause(f"{words.here}\n{mismatch.message}", expected=expected, actual=actual, where=where(mismatch)))


def _like(wanted: Any, shown: Any) -> Any:
    """`wanted` in the dtypes of `shown`: an fp64 truth may be compared with a float32 answer."""
    import torch

    if isinstance(wanted, torch.Tensor) and isinstance(shown, torch.Tensor):
        both = wanted.is_floating_point() and shown.is_floating_point()
        return wanted.to(shown.dtype) if both else wanted
    if type(wanted) in (list, tuple) and type(shown) is type(wanted) and len(wanted) == len(shown):
        return type(wanted)(_like(w, s) for w, s in zip(wanted, shown, strict=True))
    if isinstance(wanted, dict) and isinstance(shown, dict) and wanted.keys() == shown.keys():
        return {key: _like(wanted[key], shown[key]) for key in wanted}
    if isinstance(wanted, Record) and isinstance(shown, Record):
        name, fields, is_tuple = wanted._record
        return Record(name, _like(fields, shown._record[1]), is_tuple=is_tuple)
    return wanted
