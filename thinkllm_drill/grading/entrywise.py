"""Suites of functions that treat every entry of a tensor by itself: activations and their backward passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from thinkllm_drill.grading.cases import check, title
from thinkllm_drill.grading.helpers import assert_growth, assert_rounded_once
from thinkllm_drill.grading.rng import Rng
from thinkllm_drill.grading.suites import FunctionSuite
from thinkllm_drill.judge.proxy import Attempt


class EntrywiseSuite(FunctionSuite):
    """`inputs` takes a `shape`."""

    @check("cost")
    @title(en="no Python loop over entries or rows", zh="不在 Python 里逐元素或逐行循环")
    def test_no_loop(self, attempt: Attempt, rng: Rng) -> None:
        """The number of torch calls does not grow with the number of entries."""
        small, large = (attempt.profile(self.entry, **self.inputs(rng, shape=(n, n))) for n in (4, 32))
        assert_growth(
            small,
            large,
            "operations",
            at_most=2,
            en="From (4, 4) to (32, 32) your torch calls grow in number: you loop over entries or rows in Python.",
            zh="从 (4, 4) 到 (32, 32)，你调用 torch 的次数变多了：你在 Python 里逐元素或逐行循环。",
        )


class RoundedEntrywiseSuite(EntrywiseSuite):
    """Functions with more than one rounding, which half precision must not see.

    Attributes:
        half: parameters of `inputs`, beside the shape, for half precision.
        cancelled: what float32 may be off by, where terms of size 1 cancel.
    """

    half: ClassVar[Mapping[str, Any]] = {}
    cancelled: ClassVar[float] = 0.0

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt: Attempt, reference: Any, rng: Rng) -> None:
        """Entries of bfloat16 and float16 are right but for one rounding at the end."""
        for dtype in (torch.bfloat16, torch.float16):
            given = self.inputs(rng, shape=(512,), **self.half).items()
            inputs = {name: value.to(dtype) if isinstance(value, torch.Tensor) else value for name, value in given}
            found, right = attempt[self.entry](**inputs), reference[self.entry](**inputs)
            assert_rounded_once(found, right, dtype, beside=self.cancelled)
