"""The online statistics against torch.logsumexp of the whole row: m is its maximum, m + log l its logsumexp."""

from __future__ import annotations

import pytest
import torch

DTYPES = [torch.float32, torch.float64]
SIZES = [(1,), (7,), (3, 4), (1, 1, 5), (16, 16, 16, 3), (129, 2)]


def drawn(batch, sizes, dtype, scale):
    return [torch.randn(batch, size, dtype=dtype) * scale for size in sizes]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_values(solution, agree, sizes, scale, dtype):
    blocks = drawn(5, sizes, dtype, scale)
    row = torch.cat(blocks, dim=1)
    m, total = solution("online_softmax").online_softmax_stats(iter(blocks))
    assert torch.equal(m, row.amax(1))
    right = torch.logsumexp(row, dim=1)
    distance = (m[:, None] - row).double()
    # the argument of exp is rounded by u · distance, before the weights of the row are added
    agree(m + total.log(), right, right.abs() + 1 + (distance * (-distance).exp()).sum(1))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_masked_blocks_and_rows(solution, agree, dtype):
    blocks = drawn(4, (3, 5, 2), dtype, 3.0)
    blocks[0][:2] = blocks[1][1:3] = blocks[2][2] = -torch.inf
    for block in blocks:
        block[3] = -torch.inf
    m, total = solution("online_softmax").online_softmax_stats(iter(blocks))
    right = torch.logsumexp(torch.cat(blocks, dim=1), dim=1)
    assert m[3] == -torch.inf
    assert total[3] == 0
    agree(m + total.log(), right, right.abs().nan_to_num(posinf=1.0) + 10)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_float32(solution, agree, dtype):
    blocks = [block.to(dtype) for block in drawn(3, (500, 400), torch.float32, 3.0)]
    m, total = solution("online_softmax").online_softmax_stats(iter(blocks))
    right = torch.logsumexp(torch.cat(blocks, dim=1).float(), dim=1)
    agree(m + total.log(), right, right.abs() + 10)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (2, 5)], ids=str)
def test_merge_is_logaddexp(solution, agree, shape, dtype):
    m1, m2 = (torch.randn(shape, dtype=dtype) * 4 for _ in range(2))
    l1, l2 = (torch.rand(shape, dtype=dtype) * 9 + 1 for _ in range(2))
    m, total = solution("online_softmax").merge_stats(m1, l1, m2, l2)
    right = torch.logaddexp(m1 + l1.log(), m2 + l2.log())
    assert torch.equal(m, torch.maximum(m1, m2))
    agree(m + total.log(), right, right.abs() + m1.abs() + m2.abs() + 10)
