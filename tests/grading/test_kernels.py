"""Kernels in a runner without a GPU: what the watched interpreter catches, and what it must leave alone."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from thinkllm_drill.grading.kernels import AUDIT, CALL_AND_SHOW, WRITTEN_BY, KernelSuite, MemoryMisused, Work, explained
from thinkllm_drill.judge import bfloat16, dots, sanitizer
from thinkllm_drill.judge.failures import AttemptRaised, NotStarted
from thinkllm_drill.judge.launch import SpawnLauncher
from thinkllm_drill.judge.limits import MEMORY_BYTES
from thinkllm_drill.judge.proxy import Attempt

ROOT = Path(__file__).resolve().parents[2]
needs_triton = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")

HEAD = """\
import torch
import triton
import triton.language as tl


"""
DOUBLE = """\
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at, mask=at < n, other=0.0)
    tl.store(out_ptr + at, 2 * x, mask=at < n)


def double(x):
    out = torch.empty_like(x)
    kernel[(triton.cdiv(x.numel(), 16),)](x, out, x.numel(), BLOCK=16)
    return out
"""
FIRST_LINE = len(HEAD.splitlines()) + 1


@pytest.fixture(scope="module")
def runner() -> Iterator[Attempt]:
    launcher = SpawnLauncher(MEMORY_BYTES, spares=0)
    attempt = Attempt(launcher, b"", "attempt.py", kernels=True)
    yield attempt
    attempt.close()
    launcher.close()


@pytest.fixture
def load(runner: Attempt) -> Callable[..., Attempt]:
    """The proxy of a source with edits."""

    def loaded(source: str = DOUBLE, *edits: tuple[str, str]) -> Attempt:
        for old, new in edits:
            assert source.count(old) == 1, old
            source = source.replace(old, new)
        runner.load()
        runner.become((HEAD + textwrap.dedent(source)).encode())
        return runner

    return loaded


def audit(attempt: Attempt, **inputs: Any) -> Work:
    return Work(**attempt.local(AUDIT)(attempt["double"], inputs))


@needs_triton
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_right_kernel_is_right_and_its_launches_are_counted(load: Any, dtype: torch.dtype) -> None:
    x = torch.randn(40).to(dtype)
    attempt = load()
    assert torch.equal(attempt.double(x), 2 * x)
    assert attempt.launches == 1


@needs_triton
def test_what_no_kernel_wrote_is_nan(load: Any) -> None:
    answer = load(DOUBLE, ("triton.cdiv(x.numel(), 16)", "2")).double(torch.ones(40))
    assert torch.equal(answer[:32], torch.full((32,), 2.0))
    assert answer[32:].isnan().all()


@needs_triton
def test_lanes_masked_off_without_other_are_nan(load: Any) -> None:
    source = DOUBLE.replace("2 * x, mask=at < n", "tl.sum(x, 0) + 0 * at, mask=at < n").replace(", other=0.0", "")
    for dtype in (torch.float32, torch.bfloat16):
        answer = load(source).double(torch.ones(20, dtype=dtype))
        assert torch.equal(answer[:16], torch.full((16,), 16.0, dtype=dtype))
        assert answer[16:].isnan().all()
    for dtype in (torch.int8, torch.int32, torch.int64):
        answer = load(DOUBLE, (", other=0.0", ""), ("2 * x, mask=at < n", "x + 0 * at, mask=at < n")).double(
            torch.ones(20, dtype=dtype)
        )
        assert torch.equal(answer, torch.ones(20, dtype=dtype))
        answer = load(source.replace("+ 0 * at", "+ 0 * at.to(tl.int64)")).double(torch.ones(20, dtype=dtype))
        assert (answer[16:] != 4).all()


@needs_triton
@pytest.mark.parametrize("dtype", [torch.int8, torch.int32, torch.int64])
def test_whole_numbers_masked_off_without_other_are_not_to_be_relied_on(load: Any, dtype: torch.dtype) -> None:
    """Neither all above nor all below the others, nor the same in two loads."""
    source = """\
@triton.jit
def kernel(x_ptr, above_ptr, differ_ptr, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    one = tl.load(x_ptr + at, mask=at < n)
    two = tl.load(x_ptr + at, mask=at < n)
    to = tl.program_id(0) * BLOCK + at
    tl.store(above_ptr + to, (one > 9).to(tl.int32))
    tl.store(differ_ptr + to, (one != two).to(tl.int32))


def run(x):
    above, differ = (torch.empty(2, 16, dtype=torch.int32) for _ in range(2))
    kernel[(2,)](x, above, differ, len(x), BLOCK=16)
    return above, differ
"""
    above, differ = load(source).run(torch.arange(6).to(dtype))
    assert not above[:, :6].any()
    assert not differ[:, :6].any()
    assert differ[:, 6:].all()
    assert (above[0] != above[1])[6:].all()
    assert above[:, 6:].sum(1).tolist() == [5, 5]


@needs_triton
@pytest.mark.parametrize(
    ("kind", "edit", "line"),
    [("store", ("2 * x, mask=at < n", "2 * x"), 5), ("load", ("x_ptr + at, mask=at < n, other=0.0", "x_ptr + at"), 4)],
)
def test_an_access_out_of_bounds_is_refused_before_it_happens(load: Any, kind: str, edit: Any, line: int) -> None:
    attempt = load(DOUBLE, edit)
    with pytest.raises(MemoryMisused) as caught, explained():
        attempt.double(torch.ones(40))
    message, line = caught.value.cause.message, FIRST_LINE + line - 1
    assert f"8 lanes out of bounds, program (2, 0, 0), line {line}" in message
    assert caught.value.how == f"{kind}: 8 lanes out of bounds, program (2, 0, 0)"
    assert caught.value.cause.frames[-1].line == line
    assert torch.equal(attempt.double(torch.ones(48)), torch.full((48,), 2.0))  # the process is sound


LOOPS = """\
@triton.jit
def merge(m1, s1, m2, s2):
    m = tl.maximum(m1, m2)
    return m, s1 * tl.exp(m1 - m) + s2 * tl.exp(m2 - m)


@triton.jit
def kernel(x_ptr, out_ptr, rows, cols, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    for row in range(tl.program_id(0), rows):
        x = tl.load(x_ptr + row.to(tl.int64) * cols + at, mask=at < cols, other=-1e30)
        peak, total = tl.reduce((x, tl.full((BLOCK,), 1.0, tl.float32)), 0, merge)
        tl.store(out_ptr + row, peak + tl.log(total - (BLOCK - cols) * tl.exp(-1e30 - peak)))


def double(x):
    out = torch.empty(len(x))
    kernel[(1,)](x, out, len(x), x.shape[1], BLOCK=4096)
    return out
"""


@needs_triton
def test_loop_variables_can_be_cast_and_own_reductions_take_no_seconds(load: Any) -> None:
    x, begin = torch.randn(8, 4000), time.perf_counter()
    assert torch.allclose(load(LOOPS).double(x), x.logsumexp(-1), rtol=1e-6)
    assert time.perf_counter() - begin < 15  # element by element it takes half a minute


REDUCTIONS = """\
@triton.jit
def smaller(a, b):
    return tl.minimum(a, b)


@triton.jit
def choose(a, b):
    if a > b:
        return a
    return b


@triton.jit
def kernel(x_ptr, rows_ptr, all_ptr, large_ptr):
    x = tl.load(x_ptr + 8 * tl.arange(0, 4)[:, None] + tl.arange(0, 8)[None, :])
    tl.store(rows_ptr + tl.arange(0, 4), tl.reduce(x, 1, smaller))
    tl.store(rows_ptr + 4 + tl.arange(0, 4), tl.sum(tl.reduce(x, 1, smaller, keep_dims=True), 1))
    tl.store(all_ptr, tl.reduce(x, None, smaller))
    tl.store(large_ptr + tl.arange(0, 4), tl.reduce(x, 1, choose))


def double(x):
    rows, all_, large = torch.empty(8, dtype=x.dtype), torch.empty(1, dtype=x.dtype), torch.empty(4, dtype=x.dtype)
    kernel[(1,)](x, rows, all_, large)
    return rows, all_, large
"""


@needs_triton
@pytest.mark.parametrize("dtype", [torch.float32, torch.int32])
def test_own_reductions_along_an_axis_or_all(load: Any, dtype: torch.dtype) -> None:
    x = torch.randperm(32).view(4, 8).to(dtype)
    rows, all_, large = load(REDUCTIONS).double(x)
    assert torch.equal(rows, x.amin(1).repeat(2))
    assert torch.equal(all_, x.amin()[None])
    assert torch.equal(large, x.amax(1))  # a branch decides for one element at a time


ROWS_APART = """\
@triton.jit
def kernel(x_ptr, stride, cols, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + tl.program_id(0) * stride + at, mask=at < stride)
    tl.store(x_ptr + tl.program_id(0) * stride + at, 2 * x, mask=at < cols)


def double(x):
    kernel[(len(x),)](x, x.stride(0), x.shape[1], BLOCK=16)
"""


@needs_triton
@pytest.mark.parametrize("how", ["stored", "added", "in a gradient"])
def test_nothing_may_be_written_beside_the_elements_of_an_argument(load: Any, how: str) -> None:
    x = torch.ones(3, 12)[:, :9]
    honest = load(ROWS_APART)
    assert honest.double(x) is None  # what is between the rows may be read
    edit = ("at < cols", "at < stride")
    if how == "added":
        edit = ("tl.store(x_ptr + tl.program_id(0) * stride + at, 2 * x, mask=at < cols)",
                "tl.atomic_add(x_ptr + tl.program_id(0) * stride + at, x, mask=at < stride)")  # fmt: skip
    attempt = load(ROWS_APART, edit)
    call = partial(attempt.double, x)
    if how == "in a gradient":
        call = partial(attempt.vjp, attempt.double, {"x": x}, [], None)
    with pytest.raises(MemoryMisused) as caught, explained():
        call()
    assert caught.value.how == "beside: 3 lanes out of bounds, program (0, 0, 0)"
    assert "whose stride is more than its length" in caught.value.cause.message


@pytest.mark.parametrize(
    ("view", "beside"),
    [
        (lambda x: x, None),
        (lambda x: x.t(), None),
        (lambda x: x[:0], 96),
        (lambda x: x[1:], 24),
        (lambda x: x[:, ::2], 48),
        (lambda x: x[:1].expand(5, 6), 72),
        (lambda x: x.view(torch.int8)[:, :5], 76),
    ],
)
def test_what_a_tensor_leaves_of_its_storage(view: Any, beside: int | None) -> None:
    x = torch.zeros(4, 6)
    found = list(sanitizer.beside([view(x)]).values())
    assert [int(bytes_.sum()) for bytes_ in found] == ([] if beside is None else [beside])
    assert sanitizer.beside([view(x), x]) == sanitizer.beside([x, view(x)]) == {}


@needs_triton
def test_a_pointer_does_not_lead_into_another_argument(load: Any) -> None:
    attempt = load(
        """\
        @triton.jit
        def kernel(a_ptr, b_ptr, gap):
            tl.store(b_ptr, tl.load(a_ptr + gap))


        def double(x):
            a, b = x[:1].clone(), x[:1].clone()
            kernel[(1,)](a, b, (b.data_ptr() - a.data_ptr()) // 4)
            return b
        """
    )
    with pytest.raises(AttemptRaised, match="load: 1 lanes out of bounds"):
        attempt.double(torch.ones(2))


RACE = """\
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    part = tl.sum(tl.load(x_ptr + at, mask=at < n, other=0.0), 0)
    tl.store(out_ptr, tl.load(out_ptr) + part)


def double(x):
    out = torch.zeros(1)
    kernel[(triton.cdiv(x.numel(), 16),)](x, out, x.numel(), BLOCK=16)
    return out
"""


@needs_triton
@pytest.mark.parametrize("line", ["tl.store(out_ptr, tl.load(out_ptr) + part)", "tl.store(out_ptr, part)"])
def test_a_race_is_refused(load: Any, line: str) -> None:
    attempt = load(RACE.replace("tl.store(out_ptr, tl.load(out_ptr) + part)", line))
    with pytest.raises(MemoryMisused) as caught, explained():
        attempt.double(torch.arange(40.0))
    assert "programs (0, 0, 0) and (1, 0, 0) race for 1 elements" in caught.value.cause.message
    assert f"line {FIRST_LINE + 4}" in caught.value.cause.message


@needs_triton
@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("tl.atomic_add(out_ptr, part)", 40.0),
        ("tl.store(out_ptr, 3.0)", 3.0),  # the same value from every program
        ("tl.store(out_ptr, part, mask=tl.program_id(0) == 1)", 16.0),
    ],
)
def test_what_looks_like_a_race_and_is_none(load: Any, line: str, right: float) -> None:
    attempt = load(RACE.replace("tl.store(out_ptr, tl.load(out_ptr) + part)", line))
    assert attempt.double(torch.ones(40)).item() == right


@needs_triton
def test_two_dimensional_tiles_of_a_transposed_tensor_stay_in_bounds(load: Any) -> None:
    attempt = load(
        """\
        @triton.jit
        def kernel(x_ptr, out_ptr, n, d, s0, s1, BLOCK: tl.constexpr):
            i, j = tl.arange(0, BLOCK)[:, None], tl.arange(0, BLOCK)[None, :]
            inside = (i < n) & (j < d)
            x = tl.load(x_ptr + i * s0 + j * s1, mask=inside)
            tl.store(out_ptr + i * d + j, 2 * x, mask=inside)


        def double(x):
            out = torch.empty(x.shape)
            kernel[(1,)](x, out, *x.shape, *x.stride(), BLOCK=8)
            return out
        """
    )
    x = torch.randn(5, 3)
    assert torch.equal(attempt.double(x.T), 2 * x.T)


@needs_triton
def test_an_exception_in_a_kernel_has_its_own_type_and_line(load: Any) -> None:
    with pytest.raises(AttemptRaised) as caught:
        load(DOUBLE, ("2 * x, mask", "tl.exp(at), mask")).double(torch.ones(4))
    assert caught.value.type_name == "ValueError"
    assert [frame.function for frame in caught.value.cause.frames] == ["double", "kernel"]
    assert caught.value.cause.frames[-1].line == FIRST_LINE + 4


@needs_triton
def test_a_blank_in_a_kernel_is_a_blank(load: Any) -> None:
    with pytest.raises(NotStarted):
        load(DOUBLE, ("tl.store(", 'raise NotImplementedError("blank 2: store")\n    tl.store(')).double(torch.ones(4))


@needs_triton
def test_an_audit_counts_lanes_and_traffic(load: Any) -> None:
    work = audit(load(), x=torch.ones(40))
    assert (work.launches, work.widest, work.widest_line) == (1, 16, FIRST_LINE + 3)
    assert work.traffic(at_least=160) == 80
    assert work.traffic(at_least=161) == 0
    assert not work.host
    assert not work.idle


@needs_triton
def test_an_audit_names_what_torch_computes_around_the_kernel(load: Any) -> None:
    work = audit(load(DOUBLE, ("return out", "return (out + 1 - 1).to(x.dtype)")), x=torch.ones(4))
    assert set(work.host) == {"add", "sub"}
    assert set(work.host.values()) == {FIRST_LINE + 10}
    work = audit(load(DOUBLE, ("return out", "scale = float(x.tolist()[0])\n    return out")), x=torch.ones(4))
    assert set(work.host) == {"tolist"}


@needs_triton
def test_an_audit_lets_torch_move_tensors(load: Any) -> None:
    moves = "x = x.contiguous().float().reshape(-1, 2).T.flatten().clone()\n    out = torch.empty_like(x)"
    work = audit(load(DOUBLE, ("out = torch.empty_like(x)", moves)), x=torch.ones(4, dtype=torch.float16))
    assert not work.host


@needs_triton
def test_an_audit_notices_a_kernel_that_does_nothing(load: Any) -> None:
    assert audit(load(DOUBLE, ("return out", "return x + x")), x=torch.ones(4)).idle
    assert not audit(load(DOUBLE, ("out = torch.empty_like(x)", "out = x")), x=torch.ones(4)).idle


@needs_triton
def test_bfloat16_arithmetic_in_a_kernel(load: Any) -> None:
    attempt = load(
        """\
        @triton.jit
        def kernel(x_ptr, out_ptr, BLOCK: tl.constexpr):
            i = tl.arange(0, BLOCK)
            x = tl.load(x_ptr + i)
            tl.store(out_ptr + i, -x * 3)
            tl.store(out_ptr + BLOCK + i, (x > 0).to(tl.float32))
            tl.store(out_ptr + 2 * BLOCK + i, tl.where(x > 0, x, 0.0) + i.to(tl.bfloat16))
            tl.store(out_ptr + 3 * BLOCK + i, tl.sum(x, 0) + 0.0 * i)
            square = tl.dot(x[:, None] + x[None, :], x[:, None] + x[None, :])
            tl.store(out_ptr + 4 * BLOCK + i, tl.sum(square, 0))


        def double(x):
            out = torch.empty(5, 16)
            kernel[(1,)](x, out, BLOCK=16)
            return out
        """
    )
    x = torch.randint(-8, 9, (16,)).bfloat16() / 2
    plus = (x[:, None] + x[None, :]).float()
    negated, positive, clamped, total, product = attempt.double(x)
    assert torch.equal(negated, -3 * x.float())
    assert torch.equal(positive, (x > 0).float())
    assert torch.equal(clamped, (x.clamp(min=0) + torch.arange(16).bfloat16()).float())
    assert torch.equal(total, x.float().sum().expand(16))
    assert torch.equal(product, (plus @ plus).sum(0))


ORDER = """\
@triton.jit
def kernel(x_ptr, out_ptr, BLOCK: tl.constexpr):
    at = (tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + at, tl.load(x_ptr + at))


def double(x):
    out = torch.empty(64)[:x.numel()]
    kernel[(2, 3)](x, out, BLOCK=4)
    return out
"""


@needs_triton
def test_which_program_wrote_what_in_the_order_of_a_gpu(load: Any) -> None:
    attempt = load(ORDER)
    found = attempt.local(WRITTEN_BY)(attempt["double"], {"x": torch.ones(28)})
    assert found[::4].tolist() == [0, 2, 4, 1, 3, 5, -1]  # the first axis of a grid runs fastest; nobody wrote the rest
    attempt = load(ORDER.replace("return out", "return out.clone()"))
    assert attempt.local(WRITTEN_BY)(attempt["double"], {"x": torch.ones(28)}) is None


DOT = """\
@triton.jit
def kernel(a_ptr, b_ptr, out_ptr, PRECISION: tl.constexpr, K: tl.constexpr):
    i, j = tl.arange(0, 16), tl.arange(0, K)
    a = tl.load(a_ptr + i[:, None] * K + j[None, :])
    b = tl.load(b_ptr + j[:, None] * 16 + i[None, :])
    tl.store(out_ptr + i[:, None] * 16 + i[None, :], tl.dot(a, b, input_precision=PRECISION))


def double(a, b, precision=None):
    out = torch.empty(16, 16)
    kernel[(1,)](a, b, out, PRECISION=precision, K=a.shape[1])
    return out
"""


@needs_triton
@pytest.mark.parametrize(("precision", "low", "high"), [(None, 1e-4, 4e-3), ("tf32", 1e-4, 4e-3), ("ieee", 0, 1e-5)])
def test_a_dot_of_float32_is_rounded_to_tf32_unless_told_otherwise(
    load: Any, precision: Any, low: Any, high: Any
) -> None:
    a, b = torch.rand(16, 16), torch.rand(16, 16)
    error = (load(DOT).double(a, b, precision).double() - a.double() @ b.double()).abs().max() / 4
    assert low <= error <= high
    half = load(DOT).double(a.half(), b.half(), precision)
    assert torch.allclose(half, a.half().float() @ b.half().float(), rtol=1e-6)


@needs_triton
def test_a_dot_is_at_least_16_deep(load: Any) -> None:
    with pytest.raises(AttemptRaised, match="K >= 16"):
        load(DOT).double(torch.ones(16, 8), torch.ones(8, 16))


def test_tf32_keeps_ten_bits() -> None:
    x = torch.tensor([1.0, 1 + 2.0**-10, 1 + 2.0**-11, -1 - 2.0**-12, 3e38, -0.0, torch.inf, torch.nan])
    right = torch.tensor([1.0, 1 + 2.0**-10, 1 + 2.0**-10, -1.0, 3e38, -0.0, torch.inf, torch.nan])
    found = torch.from_numpy(dots.tf32(x.numpy()))
    assert torch.equal(found[[0, 1, 2, 3, 5, 6]], right[[0, 1, 2, 3, 5, 6]])
    assert abs(float(found[4]) / 3e38 - 1) < 2.0**-10
    assert found[7].isnan()


def test_bfloat16_rounds_as_torch_does() -> None:
    exponents = torch.randint(-37, 38, (20000,), generator=torch.Generator().manual_seed(0))
    x = torch.randn(20000, generator=torch.Generator().manual_seed(1)) * 10.0**exponents
    x = torch.cat([x, torch.tensor([0.0, -0.0, torch.inf, -torch.inf, 3.4e38, 1e-40, 1.00390625, 1.01171875])])
    assert torch.equal(torch.from_numpy(bfloat16.rounded(x.numpy())).view(torch.bfloat16), x.bfloat16())
    back = torch.from_numpy(bfloat16.widened(x.bfloat16().view(torch.uint16).numpy()))
    assert torch.equal(back, x.bfloat16().float())
    assert torch.from_numpy(bfloat16.rounded(torch.tensor([torch.nan]).numpy())).view(torch.bfloat16).isnan().all()


@pytest.mark.skipif(importlib.util.find_spec("triton") is not None, reason="Triton is installed")
def test_a_kernel_grader_is_skipped_without_triton() -> None:
    with pytest.raises(pytest.skip.Exception):
        type("TestNothing", (KernelSuite,), {"entry": "nothing"})


@needs_triton
@pytest.mark.slow
@pytest.mark.parametrize(
    ("attempt", "code", "says"),
    [
        (None, 0, " passed"),
        ("mistake.no_kernel", 1, "rule: no Triton kernel was launched"),
        ("mistake.maximum_by_torch", 1, "rule: torch does part of the work outside the kernels: amax (line 27)"),
        ("mistake.three_passes", 1, "wrong: Your kernels move 4 elements for each element of x"),
    ],
)
def test_grading_the_softmax_kernel(attempt: str | None, code: int, says: str) -> None:
    graders = ROOT / "graders" / "kernels"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(graders / "test_triton_softmax.py")]
    if attempt:
        command += ["--attempt", str(graders / f"triton_softmax.{attempt}.py")]
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, says in run.stdout) == (code, True), run.stdout


WITH_BACKWARD = """\
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at, mask=at < n, other=0.0)
    tl.store(out_ptr + at, 2 * x, mask=at < n)


def run(x):
    out = torch.empty_like(x)
    kernel[(triton.cdiv(x.numel(), 16),)](x, out, x.numel(), BLOCK=16)
    return out


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return run(x)

    @staticmethod
    def backward(ctx, grad_out):
        return run(grad_out.contiguous())


def double(x):
    return Double.apply(x)
"""


def audit_with_backward(attempt: Attempt, x: torch.Tensor) -> Work:
    return Work(**attempt.local(AUDIT)(attempt["double"], {"x": x}, ["x"], {0: torch.ones_like(x)}))


@needs_triton
def test_an_audit_with_backward_counts_both_passes(load: Any) -> None:
    work = audit_with_backward(load(WITH_BACKWARD), torch.ones(40))
    assert (work.launches, work.traffic(at_least=160), work.host, work.idle) == (2, 160, {}, False)


@needs_triton
def test_an_audit_with_backward_names_what_torch_computes_there(load: Any) -> None:
    edit = ("return run(grad_out.contiguous())", "return 2 * grad_out")
    work = audit_with_backward(load(WITH_BACKWARD, edit), torch.ones(40))
    assert (work.launches, set(work.host)) == (1, {"mul"})


@needs_triton
def test_memory_misused_in_a_backward_pass_is_explained(load: Any) -> None:
    source = WITH_BACKWARD.replace("at < n)\n\n\ndef run", "at < n + 1)\n\n\ndef run")
    attempt = load(source.replace("return run(x)", "return x.clone()"))
    with pytest.raises(MemoryMisused) as caught, explained():
        attempt.vjp(attempt["double"], {"x": torch.ones(40)}, ("x",), {0: torch.ones(40)})
    assert caught.value.how == "store: 1 lanes out of bounds, program (2, 0, 0)"


@needs_triton
def test_a_scalar_condition_in_a_mask(load: Any) -> None:
    attempt = load(
        """\
        @triton.jit
        def kernel(x_ptr, out_ptr, n, d, BLOCK: tl.constexpr):
            row = tl.program_id(0)
            cols = tl.arange(0, BLOCK)
            inside = (cols < d) & (row < n)
            x = tl.load(x_ptr + row * d + cols, mask=inside, other=0.0)
            tl.store(out_ptr + row * d + cols, 2 * x, mask=inside)
            first = tl.load(x_ptr)
            tl.store(out_ptr + cols, 7.0, mask=(cols < 1) & ~(first > 0))


        def double(x):
            out = torch.empty_like(x)
            kernel[(4,)](x, out, 3, 5, BLOCK=8)
            return out
        """
    )
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.ones(3, 5, dtype=dtype)
        assert torch.equal(attempt.double(x), 2 * x)


BY_ADDRESS = """\
@triton.jit
def kernel(table_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x_ptr = tl.load(table_ptr).to(tl.pointer_type(tl.float32))
    tl.store(out_ptr + at, 2 * tl.load(x_ptr + at, mask=at < n, other=0.0), mask=at < n)


def double(x):
    out = torch.empty_like(x)
    kernel[(1,)](torch.tensor([x.data_ptr()]), out, x.numel(), BLOCK=16)
    return out
"""


@needs_triton
def test_a_kernel_may_find_a_tensor_by_its_address(load: Any) -> None:
    attempt = load(BY_ADDRESS)
    assert torch.equal(attempt["double"](x=torch.ones(13)), torch.full((13,), 2.0))
    work = audit(attempt, x=torch.ones(1300)[:13])
    assert (work.launches, work.host, work.traffic(at_least=5200)) == (1, {}, 13)


@needs_triton
@pytest.mark.parametrize(
    "edit",
    [
        ("[x.data_ptr()]", "[x.untyped_storage().data_ptr() - 64]"),
        ("[x.data_ptr()]", "[x.clone().data_ptr()]"),
        ("mask=at < n, other=0.0)", "mask=at < n + 1, other=0.0)"),
    ],
    ids=["a number", "a tensor that is gone", "beyond the tensor"],
)
def test_an_address_that_leads_nowhere_is_out_of_bounds(load: Any, edit: tuple[str, str]) -> None:
    attempt = load(BY_ADDRESS, edit)
    with pytest.raises(MemoryMisused), explained():
        attempt["double"](x=torch.ones(13))


@needs_triton
def test_a_float_argument_is_float32_as_it_is_when_compiled(load: Any) -> None:
    source = DOUBLE.replace("n, BLOCK: tl", "n, scale, BLOCK: tl").replace("2 * x", "x + (1 - scale.to(tl.float32))")
    attempt = load(source.replace("x.numel(), BLOCK", "x.numel(), 0.9999, BLOCK"))
    rest = 1 - torch.tensor(0.9999)
    assert rest != torch.tensor(1 - 0.9999)
    assert torch.equal(attempt["double"](x=torch.zeros(3)), rest.expand(3))


@needs_triton
def test_atomic_operations_are_counted(load: Any) -> None:
    edit = ("tl.store(out_ptr + at, 2 * x, mask=at < n)", "tl.atomic_add(out_ptr + at, 2 * x, mask=at < n)")
    assert audit(load(DOUBLE, edit), x=torch.ones(40)).atomics == 3


@needs_triton
def test_what_the_busiest_program_moves_is_told(load: Any) -> None:
    work = audit(load(DOUBLE, ("at = tl", "n = tl.minimum(n, 10)\n    at = tl")), x=torch.ones(40))
    assert (work.moved, work.heaviest) == ({160: 20}, {160: 20}), "the first of three programs does it all"
    assert audit(load(), x=torch.ones(40)).heaviest == {160: 32}, "of three programs, two have 16 elements and one 8"
    launch = "    kernel[(triton.cdiv(x.numel(), 16),)](x, out, x.numel(), BLOCK=16)\n"
    twice = load(DOUBLE, (launch, 2 * launch))
    assert audit(twice, x=torch.ones(40)).heaviest == {160: 32}, "the same program of another launch is another"


IN_PLACE = """\
@triton.jit
def kernel(x_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x_ptr + at, 2 * tl.load(x_ptr + at, mask=at < n), mask=at < n)


def double(x, y):
    kernel[(triton.cdiv(x.numel(), 16),)](x, x.numel(), BLOCK=16)
    return y.clone()
"""


@needs_triton
@pytest.mark.parametrize(
    ("source", "changed"),
    [(IN_PLACE, ["x"]), (IN_PLACE.replace("](x, x", "](y, x"), ["y"])],
    ids=["its own", "another"],
)
def test_what_a_suite_mutates_is_compared_as_it_is_after_the_call(load: Any, source: str, changed: list[str]) -> None:
    attempt = load(source)
    seen: list[str] = []
    attempt.on_changed = seen.extend
    given = {"x": torch.ones(20), "y": torch.ones(20)}
    answer, shown = attempt.local(CALL_AND_SHOW)(attempt["double"], ["x"], **given)
    attempt.on_changed = None
    assert torch.equal(shown["x"], torch.full((20,), 2.0 if changed == ["x"] else 1.0))
    assert (float(answer.sum()), seen) == (20.0 if changed == ["x"] else 40.0, changed)


@needs_triton
def test_a_scalar_argument_can_be_audited(load: Any) -> None:
    attempt = load(IN_PLACE.replace("return y.clone()", "return None"))
    assert not Work(**attempt.local(AUDIT)(attempt["double"], {"x": torch.ones(20), "y": torch.tensor(1.0)})).idle
