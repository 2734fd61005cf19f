"""FLOPs and elements against numbers counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from thinkllm_drill.judge.flops import elementwise_work
from thinkllm_drill.judge.profile import Cost, profile
from thinkllm_drill.judge.proxy import Attempt

B, M, K, N = 3, 5, 7, 11
a, b, v, w = torch.rand(M, K), torch.rand(K, N), torch.rand(K), torch.rand(K)
batch = torch.rand(B, M, K)
square = torch.rand(K, K) + K * torch.eye(K)
many = torch.rand(40, K)
q, k, value = torch.rand(2, 3, 8, 4), torch.rand(2, 3, 6, 4), torch.rand(2, 3, 6, 4)
image, kernel = torch.rand(2, 3, 6, 6), torch.rand(4, 3, 3, 3)

PRODUCTS: dict[str, tuple[Callable[[], Any], int]] = {
    "mm": (lambda: a @ b, 2 * M * K * N),
    "bmm": (lambda: batch @ b, 2 * B * M * K * N),
    "linear": (lambda: F.linear(a, b.T, torch.zeros(N)), 2 * M * K * N),
    "mv": (lambda: a @ v, 2 * M * K),
    "addmv": (lambda: torch.addmv(torch.zeros(M), a, v), 2 * M * K),
    "vm": (lambda: v @ b, 2 * K * N),
    "dot": (lambda: v @ w, 2 * K),
    "vdot": (lambda: torch.vdot(v, w), 2 * K),
    "inner": (lambda: torch.inner(a, b.T), 2 * M * K * N),
    "addr": (lambda: torch.addr(torch.zeros(K, K), v, w), 2 * K * K),
    "addbmm": (lambda: torch.addbmm(torch.zeros(M, N), batch, b.expand(B, K, N)), 2 * B * M * K * N),
    "einsum": (lambda: torch.einsum("bmk,kn->bmn", batch, b), 2 * B * M * K * N),
    "tensordot": (lambda: torch.tensordot(a, b, 1), 2 * M * K * N),
    "bilinear": (lambda: F.bilinear(a, a, torch.rand(N, K, K)), 2 * M * N * K * K),
    "multiply-sum": (lambda: (a[:, :, None] * b[None]).sum(1), 2 * M * K * N),
    "multiply-sum of a vector": (lambda: (a * v).sum(-1), 2 * M * K),
    "multiply-mean": (lambda: torch.mean(a * a, -1), 2 * M * K),
    "vecdot": (lambda: torch.linalg.vecdot(a, a), 2 * M * K),
    "cdist": (lambda: torch.cdist(a, a), 3 * M * M * K),
    "cdist by products": (lambda: torch.cdist(many, many), 2 * 40 * 40 * K),
    "pdist": (lambda: torch.pdist(a), 3 * (M * (M - 1) // 2) * K),
    "attention": (lambda: F.scaled_dot_product_attention(q, k, value), 2 * (2 * 3) * 8 * 6 * (4 + 4)),
    "convolution": (lambda: F.conv2d(image, kernel), 2 * (2 * 4 * 4 * 4) * (3 * 3 * 3)),
    "lstm": (lambda: torch.nn.LSTM(K, 2, batch_first=True)(batch), 2 * B * M * (4 * 2 * K + 4 * 2 * 2)),
    "inverse": (lambda: torch.linalg.inv(square), 2 * K**3),
    "solve": (lambda: torch.linalg.solve(square, b), 2 * K**3 // 3 + 2 * K * K * N),
    "triangular": (lambda: torch.linalg.solve_triangular(square.triu(), b, upper=True), K * K * N),
    "cholesky": (lambda: torch.linalg.cholesky(square @ square.T) is None, 2 * K**3 + K**3 // 3),
    "determinant": (lambda: torch.linalg.det(square), 2 * K**3 // 3),
    "qr": (lambda: torch.linalg.qr(many), 4 * 40 * K * K - 4 * K**3 // 3),
    "svd": (lambda: torch.linalg.svd(many), 4 * 40 * 40 * K + 8 * 40 * K * K + 9 * K**3),
    "eigh": (lambda: torch.linalg.eigh(square + square.T), 9 * K**3),
    "half": (lambda: a.bfloat16() @ b.bfloat16(), 2 * M * K * N),
    "nothing": (lambda: a.T.reshape(-1).clone(), 0),
}


def cost_of(call: Callable[..., Any], *args: Any, **options: Any) -> Cost:
    return Cost(**profile(call, args, **options)[1])


@pytest.mark.parametrize("name", PRODUCTS)
def test_matrix_work(name: str) -> None:
    call, expected = PRODUCTS[name]
    call()  # torch sets up some of its kernels with others
    assert cost_of(call).flops == expected


ELEMENTS: dict[str, tuple[Callable[[], Any], int]] = {
    "exp": (lambda: a.exp(), M * K),
    "broadcast": (lambda: a[:, :, None] + b[None], M * K * N),
    "in place": (lambda: a.clone().add_(1), M * K),
    "sum": (lambda: a.sum(), M * K),
    "softmax by hand": (lambda: (e := (a - a.amax(-1, keepdim=True)).exp()) / e.sum(-1, keepdim=True), 5 * M * K),
    "softmax": (lambda: a.softmax(-1), 5 * M * K),
    "norm": (lambda: F.layer_norm(a, (K,)), 5 * M * K),
    "scan": (lambda: a.cumsum(0), M * K),
    "sort": (lambda: a.sort(), M * K),
    "outer": (lambda: torch.outer(v, w), K * K),
    "several": (lambda: torch._foreach_add([a, a], 1.0), 2 * M * K),
    "views and copies": (lambda: a.T.reshape(-1).clone()[1:].expand(2, -1), 0),
}


@pytest.mark.parametrize("name", ELEMENTS)
def test_elements(name: str) -> None:
    call, expected = ELEMENTS[name]
    cost = cost_of(call)
    assert (cost.flops, cost.elementwise) == (0, expected)


def test_a_product_in_two_steps_counts_once() -> None:
    cost = cost_of(lambda: (a[:, :, None] * b[None]).sum(1))
    assert cost.work == cost.flops == 2 * M * K * N
    used_twice = cost_of(lambda: [(p := a * a).sum(), p.sum()])
    assert used_twice.flops == 2 * M * K
    assert used_twice.elementwise == M * K


def test_a_loop_does_as_much_work_as_a_product() -> None:
    def loop() -> torch.Tensor:
        out = torch.zeros(M, N)
        for index in range(K):
            out += a[:, index, None] * b[index]
        return out

    assert cost_of(loop).work == cost_of(lambda: a @ b).work


def test_attention_and_its_backward_pass() -> None:
    def run(q: torch.Tensor) -> torch.Tensor:
        out = F.scaled_dot_product_attention(q, k, value)
        return torch.autograd.grad(out.sum(), q)[0]

    cost = cost_of(run, q, saved=True)
    pair = 2 * (2 * 3) * 8 * 6
    assert cost.flops == pair * (4 + 4) + pair * (3 * 4 + 2 * 4)


def test_an_operator_without_tensors_is_no_work() -> None:
    assert elementwise_work(torch.ops.aten.add.Tensor, (), None) == 0


SOURCE = """
import threading
import concurrent.futures
import torch

def product(a, b):
    return a @ b

def in_thread(a, b):
    found = []
    thread = threading.Thread(target=lambda: found.append(a @ b))
    thread.start()
    thread.join()
    return found[0]

def in_pool(a, b):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return torch.stack(list(pool.map(lambda row: row @ b, a)))

def in_numpy(a, b):
    return torch.from_numpy(a.numpy() @ b.numpy())
"""


@pytest.mark.parametrize("name", ["product", "in_thread", "in_pool"])
def test_the_runner_counts_in_every_thread(attempt: Attempt, name: str) -> None:
    cost = attempt.profile(name, a, b)
    assert cost.flops == 2 * M * K * N
    assert cost.peak_bytes >= 4 * M * N


def test_numpy_is_not_seen(attempt: Attempt) -> None:
    assert attempt.profile("in_numpy", a, b).work == 0


def test_names_of_the_table_are_operators() -> None:
    from thinkllm_drill.judge import flops

    unknown = [
        name for name in (*flops.FORMULAS, *flops.PASSES) if not torch._C._jit_get_schemas_for_operator(f"aten::{name}")
    ]
    assert not unknown
