"""What a grader file imports: the suites, its data, and helpers for tests of its own."""

from thinkllm_drill.grading.cases import Case, case, check, title
from thinkllm_drill.grading.entrywise import EntrywiseSuite, RoundedEntrywiseSuite
from thinkllm_drill.grading.helpers import (
    assert_close,
    assert_enough_flops,
    assert_equal,
    assert_growth,
    assert_no_tensor,
    assert_rounded_once,
    fail,
    raises,
)
from thinkllm_drill.grading.kernels import KernelSuite
from thinkllm_drill.grading.rng import Rng
from thinkllm_drill.grading.speed import Speed, speed
from thinkllm_drill.grading.suites import FunctionSuite, ModuleSuite, ObjectSuite
from thinkllm_drill.judge.remote import SHOWN

__all__ = [
    "SHOWN",
    "Case",
    "EntrywiseSuite",
    "FunctionSuite",
    "KernelSuite",
    "ModuleSuite",
    "ObjectSuite",
    "Rng",
    "RoundedEntrywiseSuite",
    "Speed",
    "assert_close",
    "assert_enough_flops",
    "assert_equal",
    "assert_growth",
    "assert_no_tensor",
    "assert_rounded_once",
    "case",
    "check",
    "fail",
    "raises",
    "speed",
    "title",
]
