"""On a real GPU: honest kernels pass, slow ones do not, and no way to cheat the clock does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.gpu import facts
from thinkllm_drill.judge import client
from thinkllm_drill.judge.quiet import Quiet
from thinkllm_drill.verdict import Check, CheckRequest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(facts.simulated() or not facts.present(), reason="no CUDA device"),
]
N = 1 << 27
BIG = f"x.numel() == {N}"
CALL = "    kernel[(triton.cdiv(x.numel(), block),)](x, out, x.numel(), BLOCK=block)\n"


@pytest.fixture
def speed(content: Callable[..., Path]) -> Callable[[str], Check]:
    """Grades a file on the GPU; what the check `speed` says."""

    def grade(attempt: str) -> Check:
        root = content(n=N, dtype="bfloat16", at_least=0.6, star=0.8)
        request = CheckRequest("double", "double.py", attempt.encode(), str(root), device="cuda")
        verdict = client.check(request, Quiet(), service=False)
        return next(check for check in verdict.checks if check.kind == "speed")

    return grade


def test_an_honest_kernel_passes(speed: Callable[[str], Check], solution: str) -> None:
    found = speed(solution)
    assert found.status == "passed", found.cause
    (figures,) = found.speeds
    assert figures["share"]["value"] > 0.8
    assert figures["shares"].keys() >= {"eager"}


def test_a_slow_kernel_fails(speed: Callable[[str], Check], solution: str) -> None:
    found = speed(solution.replace("else 1024", "else 32"))
    assert found.status == "wrong"
    assert "Count loads and stores" in found.cause.message


SLOW = ("else 1024", "else 32")
CHEATS: dict[str, tuple[Callable[[str], str], set[str]]] = {
    "torch computes on the GPU": (
        lambda s: s.replace("def double(x):\n", "def double(x):\n    if x.is_cuda:\n        return x * 2\n"),
        {"rule"},
    ),
    "another stream, nobody waits": (
        lambda s: s.replace(CALL, "    side = torch.cuda.Stream() if x.is_cuda else None\n    import contextlib\n    with torch.cuda.stream(side) if side else contextlib.nullcontext():\n    " + CALL),  # noqa: E501
        {"wrong", "suspect"},
    ),
    "a thread launches later": (
        lambda s: s.replace(CALL, f"    if {BIG}:\n        import threading, time\n        threading.Thread(target=lambda: (time.sleep(0.002), kernel[(triton.cdiv(x.numel(), block),)](x, out, x.numel(), BLOCK=block))).start()\n        return out\n" + CALL),  # noqa: E501
        {"wrong", "suspect"},
    ),
    "an answer kept by address": (
        lambda s: s.replace("def double(x):\n", f"kept = {{}}\n\n\ndef double(x):\n    if {BIG}:\n        if x.data_ptr() not in kept:\n            kept[x.data_ptr()] = compute(x)\n        return kept[x.data_ptr()]\n    return compute(x)\n\n\ndef compute(x):\n"),  # noqa: E501
        {"wrong", "suspect"},
    ),
    "the first answer for ever": (
        lambda s: s.replace("def double(x):\n", f"kept = []\n\n\ndef double(x):\n    if {BIG}:\n        kept or kept.append(compute(x))\n        return kept[0]\n    return compute(x)\n\n\ndef compute(x):\n"),  # noqa: E501
        {"wrong", "suspect"},
    ),
    "half of the work": (
        lambda s: s.replace(CALL, f"    if {BIG}:\n        kernel[(triton.cdiv(x.numel(), 2 * block),)](x, out, x.numel(), BLOCK=block)\n        return out\n" + CALL),  # noqa: E501
        {"wrong"},
    ),
    "a lazy tensor": (
        lambda s: s.replace("def double(x):\n", "class Lazy(torch.Tensor):\n    pass\n\n\ndef double(x):\n" + f"    if {BIG}:\n        return x.as_subclass(Lazy)\n"),  # noqa: E501
        {"contract"},
    ),
    "forged events": (
        lambda s: s.replace(*SLOW) + "\ntorch.cuda.Event.elapsed_time = lambda self, end: 0.2\ntorch.cuda.Event.record = lambda *a: None\n",  # noqa: E501
        {"wrong", "suspect"},
    ),
    "synchronize does nothing": (
        lambda s: s.replace(*SLOW) + "\ntorch.cuda.synchronize = torch._C._cuda_synchronize = lambda *a: None\n",
        {"wrong", "suspect"},
    ),
    "clocks stand still": (
        lambda s: s.replace(*SLOW) + "\nimport time\ntime.perf_counter = lambda: 0.0\n",
        {"wrong", "suspect"},
    ),
    "a patched take": (
        lambda s: s.replace(*SLOW) + "\ntorch.take = lambda t, i: t.flatten()[:1]\n",
        {"wrong", "suspect"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHEATS)
def test_no_cheat_passes(name: str, speed: Callable[[str], Check], solution: str) -> None:
    change, statuses = CHEATS[name]
    cheat: Any = change(solution)
    assert cheat != solution
    found = speed(cheat)
    assert found.status in statuses, (found.status, found.cause, found.speeds)
