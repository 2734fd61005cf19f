"""What an exercise's own tests use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor

from thinkllm_drill.grading.cases import Words
from thinkllm_drill.grading.compare import Tolerance, Truth, compare
from thinkllm_drill.grading.observe import Outcome, freeze
from thinkllm_drill.grading.show import show
from thinkllm_drill.grading.where import where
from thinkllm_drill.judge.failures import AttemptRaised, RuleBroken, Wrong
from thinkllm_drill.judge.profile import Cost
from thinkllm_drill.judge.wire import Record
from thinkllm_drill.locale import text
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


def assert_rounded_once(
    actual: Tensor,
    expected: Tensor,
    dtype: torch.dtype,
    *,
    spacings: float = 0.51,
    beside: float = 0.0,
    en: str | None = None,
    zh: str | None = None,
) -> None:
    """Demand that numbers of half precision were computed in float32 and rounded once, at the end.

    Args:
        actual, expected: of one shape; `expected` in fp64.
        dtype: what `actual` was rounded to.
        spacings: the distance allowed, in spacings of `dtype` next to 1, of the expected number's size. Rounding takes
            half of one just above a power of two, and what happens in float32 far less.
        beside: a distance allowed beside it.
        en, zh: what to say in place of the general words.
    """
    info = torch.finfo(dtype)
    allowed = spacings * info.eps * expected.abs().clamp(min=info.smallest_normal) + beside
    if bool(((actual.double() - expected).abs() <= allowed).all()):
        return
    words = Words(en, zh).here if en and zh else text("grading.rounded_once_words")
    raise Wrong(text("grading.rounded_once", dtype=str(dtype).removeprefix("torch."), words=words))


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


def assert_growth(small: Cost, large: Cost, field: str, *, at_most: float, en: str, zh: str) -> None:
    """Demand that a cost grows by a factor of at most `at_most` from a small call to a large one.

    `field` is one of `judge.profile.Cost`: "peak_bytes", "work", "instructions", … . Fails as `rule`.
    """
    before, after = _measured(small, field), _measured(large, field)
    if after > at_most * before * (1 + 1e-9):
        factor = f"{after / before:.1f}" if before else "∞"
        facts = {"small": f"{before:,}", "large": f"{after:,}", "factor": factor, "limit": f"{at_most:g}"}
        _break_rule(Words(en, zh).here, text("grading.cost.growth", what=text(f"grading.cost.{field}"), **facts))


def assert_no_tensor(cost: Cost, bytes: int, *, en: str, zh: str) -> None:
    """Demand that no storage of `bytes` or more was allocated ("no tensor of q_len × kv_len"). Fails as `rule`."""
    if cost.largest_bytes >= bytes:
        found = text("grading.cost.tensor", found=f"{cost.largest_bytes:,}", limit=f"{bytes:,}")
        _break_rule(Words(en, zh).here, found)


def assert_enough_flops(
    cost: Cost, reference: Cost, *, at_least: float = 0.5, en: str | None = None, zh: str | None = None
) -> None:
    """Demand that an attempt computed at least a fraction of the reference's FLOPs, in torch. Fails as `rule`.

    Whatever an attempt computes counts, elementwise and in loops too (and bytecodes where they were asked for): only
    work that was done elsewhere, in numpy or in a library, or not at all, is missed.
    """
    if cost.work >= at_least * reference.flops:
        return
    words = Words(en, zh).here if en and zh else text("grading.cost.elsewhere")
    _break_rule(words, text("grading.cost.deficit", found=f"{cost.work:,}", expected=f"{reference.flops:,}"))


def _measured(cost: Cost, field: str) -> int:
    value = getattr(cost, field)
    if value is None:
        raise ValueError(f"{field} is counted where it is asked for: profile(…, saved=True) or instructions=True")
    return int(value)


def _break_rule(words: str, facts: str) -> NoReturn:
    raise RuleBroken(f"{words}\n{facts}")


def _demand(truth: Truth, outcome: Outcome, tolerance: Tolerance, words: Words) -> None:
    mismatch = compare(truth, outcome, tolerance)
    if mismatch is None:
        return
    expected, actual = show(mismatch)
    raise Wrong(Cause(f"{words.here}\n{mismatch.message}", expected=expected, actual=actual, where=where(mismatch)))


def _like(wanted: Any, shown: Any) -> Any:
    """`wanted` in the dtypes of `shown`: an fp64 truth may be compared with a float32 answer."""
    if isinstance(wanted, Tensor) and isinstance(shown, Tensor):
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
