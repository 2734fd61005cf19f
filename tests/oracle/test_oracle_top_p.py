"""Nucleus sampling against transformers' warpers.

transformers sorts from the smallest probability up and drops tokens while their sum is at most 1 − p: the same nucleus.
Conventions differ in three places, on which only what must agree is compared. Ties: its sort is not stable, the
statement keeps the smaller id; how many are kept is the same. p = 1: it drops tokens whose probability underflows to
0, the statement keeps every token. Half precision: it sums in the dtype of the logits, the statement in float32; it is
given float32. A sum that rounding could carry over p decides nothing here: such rows are drawn again.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

DTYPES = [torch.float32, torch.float64]
SHAPES = [(1, 1), (3, 2), (8, 12), (5, 67), (2, 500)]


@pytest.fixture
def warped(library):
    """warped(logits, p, min_tokens, temperature): transformers' filter, after its temperature."""
    transformers = library("transformers")

    def warp(logits, p, min_tokens=1, temperature=1.0):
        if temperature != 1.0:
            logits = transformers.TemperatureLogitsWarper(temperature)(None, logits)
        return transformers.TopPLogitsWarper(p, min_tokens_to_keep=min_tokens)(None, logits)

    return warp


def sums(logits):
    """fp64 sums of probabilities, the largest first."""
    return logits.double().softmax(-1).sort(descending=True).values.cumsum(-1)


def margin(vocab):
    """How far float32 may carry a sum of so many positive terms: its roundings add up like a random walk."""
    return 4 * math.sqrt(vocab) * 2.0**-24


def clear(shape, p, dtype, temperature=1.0):
    """Logits none of whose sums rounding could carry over p."""
    rows = []
    for _ in range(1000):
        row = torch.randn(shape[1], dtype=dtype) * 2
        if p in (0.0, 1.0) or bool(((sums(row / temperature) - p).abs() > margin(shape[1])).all()):
            rows.append(row)
        if len(rows) == shape[0]:
            return torch.stack(rows)
    raise AssertionError(f"no clear nucleus of {p} among {shape[1]} tokens")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("p", [0.0, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("min_tokens", [1, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_filter(solution, warped, shape, min_tokens, p, dtype):
    logits = clear(shape, p, dtype)
    ours = solution("top_p").top_p_filter(logits, p, min_tokens)
    assert torch.equal(ours, warped(logits, p, min(min_tokens, shape[1])))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("p", [0.3, 0.9])
def test_filter_of_half_precision_logits(solution, warped, p, dtype):
    logits = clear((8, 33), p, torch.float32).to(dtype)
    distinct = torch.stack([row for row in logits if len(row.unique()) == len(row)])
    ours = solution("top_p").top_p_filter(distinct, p)
    assert ours.dtype is dtype
    settled = ((sums(distinct) - p).abs() > margin(33)).all(-1)
    assert settled.any()
    assert torch.equal(ours[settled].float(), warped(distinct.float(), p)[settled])


@pytest.mark.parametrize("p", [0.2, 0.8, 1.0])
def test_banned_tokens_stay_banned(solution, warped, p):
    logits = clear((6, 20), p, torch.float64)
    logits[:, ::3] = -torch.inf
    settled = ((sums(logits) - p).abs() > 1e-6).all(-1) | (p == 1.0)
    assert torch.equal(solution("top_p").top_p_filter(logits, p)[settled], warped(logits, p)[settled])


def test_as_many_of_equal_tokens_are_kept(solution, warped):
    logits = torch.randint(-2, 3, (64, 12)).double() / 2
    settled = logits[((sums(logits) - 0.7).abs() > 1e-6).all(-1)]
    ours, theirs = solution("top_p").top_p_filter(settled, 0.7), warped(settled, 0.7)
    assert len(settled) > 32
    assert torch.equal(ours.sort().values, theirs.sort().values)
    tied = (settled == ours.masked_fill(ours == -torch.inf, torch.inf).amin(-1, keepdim=True)) & settled.isfinite()
    dropped = tied & (ours == -torch.inf)
    assert dropped.any()
    for row, out in zip(tied, dropped, strict=True):  # of the least likely kept ones, the last ids go
        assert (
            row.nonzero().flatten().tolist()[len(row.nonzero()) - int(out.sum()) :] == out.nonzero().flatten().tolist()
        )


def test_a_sum_that_is_exactly_p(solution, warped):
    """Equal probabilities that are powers of two: sums are exact on both sides, and p itself is enough."""
    for p, kept in ((0.25, 2), (0.5, 4), (0.75, 6)):
        ours, theirs = solution("top_p").top_p_filter(torch.zeros(1, 8), p), warped(torch.zeros(1, 8), p)
        assert int(ours.isfinite().sum()) == int(theirs.isfinite().sum()) == kept


def test_p_of_one_keeps_what_underflows(solution, warped):
    """The difference: 1000 below the largest has probability 0 in float32 and is not banned."""
    logits = torch.tensor([[1000.0, 0.0, 999.0]])
    assert torch.equal(solution("top_p").top_p_filter(logits, 1.0), logits)
    assert warped(logits, 1.0).isfinite().tolist() == [[True, False, True]]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e4, 1e-30])
def test_temperature_0_takes_the_largest_logit(solution, scale, dtype):
    """As transformers decodes without sampling: by torch.argmax, which takes the first of equal ones."""
    logits = torch.randint(-5, 6, (64, 9)).to(dtype) * scale
    logits[:, 0] = -torch.inf
    for p in (0.0, 0.5, 1.0):
        ours = solution("top_p").sample_top_p(logits, p, 0, torch.rand(64))
        assert torch.equal(ours, torch.argmax(logits, dim=-1))


@pytest.mark.parametrize("u", [0.0, 1 - 2**-24])
@pytest.mark.parametrize("p", [0.6, 1.0])
def test_the_ends_of_the_distribution_are_inside_the_nucleus(solution, warped, p, u):
    logits = clear((64, 67), p, torch.float32, 2.0)
    tokens = solution("top_p").sample_top_p(logits, p, 2.0, torch.full((64,), u))
    inside = warped(logits, p, temperature=2.0).isfinite()
    ids = torch.arange(67).expand(64, 67)
    ends = ids.masked_fill(~inside, 67).amin(-1) if u == 0.0 else ids.masked_fill(~inside, -1).amax(-1)
    assert torch.equal(tokens, ends)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("p", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("shape", SHAPES[:4], ids=str)
def test_samples_invert_the_distribution_of_the_warpers(solution, warped, shape, p, temperature, dtype):
    logits = clear(shape, p, dtype, temperature)
    cdf = warped(logits.double(), p, temperature=temperature).softmax(-1).cumsum(-1).numpy()
    u = torch.rand(200, shape[0])
    for row in range(shape[0]):
        far = np.abs(cdf[row][:, None] - u[:, row].double().numpy()).min(0) > margin(shape[1])
        drawn = u[:, row][torch.from_numpy(far)]
        expected = np.searchsorted(cdf[row], drawn.double().numpy(), side="right")
        ours = solution("top_p").sample_top_p(logits[row].expand(len(drawn), -1), p, temperature, drawn)
        assert len(drawn) > 150
        assert ours.tolist() == expected.tolist()
