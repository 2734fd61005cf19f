"""The learned positional embedding against OPT's, whose table is shifted by two rows."""

from __future__ import annotations

import pytest
import torch

OPT = "transformers.models.opt.modeling_opt"
SIZES = [(1, 1, 1, 2, 0), (2, 5, 7, 4, 0), (3, 9, 9, 6, 4), (4, 17, 20, 3, 16)]  # batch, total, max_len, d_model, past
DTYPES = [torch.float32, torch.float64]


def masks(batch, total_len):
    row, column = torch.arange(batch)[:, None], torch.arange(total_len)
    yield torch.ones(batch, total_len, dtype=torch.bool)
    yield column >= row.clamp(max=total_len - 1)
    yield column < (total_len - row).clamp(min=1)
    yield torch.rand(batch, total_len) < 0.6


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, library, agree, pulled, size, dtype):
    """OPT gives padding a row of its own (position −1); ours gives zeros there, and OPT's row is set to zeros here."""
    batch, total_len, max_len, d_model, past_len = size
    layer = solution("learned_pe").LearnedPositionalEmbedding(max_len, d_model)
    oracle = library(OPT).OPTLearnedPositionalEmbedding(max_len, d_model).to(dtype)
    table = torch.randn(max_len, d_model, dtype=dtype)
    for mask in masks(batch, total_len):

        def ours(table, mask=mask):
            return torch.func.functional_call(layer, {"weight": table}, (mask, past_len))

        def theirs(table, mask=mask):
            padded = torch.cat((torch.zeros(2, d_model, dtype=dtype), table))
            return torch.func.functional_call(oracle, {"weight": padded}, (mask.long(), past_len))

        found, right = pulled(ours, [table]), pulled(theirs, [table])
        assert torch.equal(found[0], right[0])
        agree(found[1], right[1], 5.0 * batch)


def test_a_position_beyond_the_table(solution, library):
    """Both raise, and both count tokens only."""
    layer = solution("learned_pe").LearnedPositionalEmbedding(4, 2)
    oracle = library(OPT).OPTLearnedPositionalEmbedding(4, 2)
    mask = torch.ones(1, 5, dtype=torch.bool)
    for module, given in ((layer, mask), (oracle, mask.long())):
        with pytest.raises(IndexError):
            module(given)
        given[0, 0] = False
        assert module(given).shape == (1, 5, 2)


def test_derivatives(solution):
    layer = solution("learned_pe").LearnedPositionalEmbedding(6, 3)
    mask = torch.tensor([[False, True, True, True], [True, False, True, False]])
    table = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: torch.func.functional_call(layer, {"weight": t}, (mask, 1)), (table,))
