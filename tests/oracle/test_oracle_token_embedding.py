"""The token embedding against nn.Embedding and a linear layer that share a weight."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

SIZES = [(1, 1, 3, 2), (2, 7, 5, 4), (3, 17, 11, 6), (2, 5, 64, 33)]  # batch, seq_len, vocab_size, d_model
DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [True, False], ids=["scaled", "as it is"])
@pytest.mark.parametrize("padding_idx", [None, 0, 2])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, agree, pulled, size, padding_idx, scale, dtype):
    batch, seq_len, vocab, d_model = size
    layer = solution("token_embedding").TokenEmbedding(vocab, d_model, padding_idx, scale).to(dtype)
    ids = torch.randint(0, vocab, (batch, seq_len))
    table = torch.randn(vocab, d_model, dtype=dtype)
    hidden = torch.randn(batch, seq_len, d_model, dtype=dtype)
    factor = math.sqrt(d_model) if scale else 1.0

    def ours(table, hidden):
        weights = {"weight": table}
        call = torch.func.functional_call
        return call(layer, weights, (ids,)), call(Head(layer), {"layer.weight": table}, (hidden,))

    def theirs(table, hidden):
        return F.embedding(ids, table, padding_idx) * factor, F.linear(hidden, table)

    found, right = (pulled(f, [table, hidden]) for f in (ours, theirs))
    # sums of absolute values: of the products in a logit, of the gradients that meet in a row of the table
    largest = 5.0
    scales = [
        right[0].abs(),
        F.linear(hidden.abs(), table.abs()),
        largest * (batch * seq_len) * (factor + hidden.abs().max()),
        largest * table.abs().sum(0),
    ]
    for mine, other, size_of in zip(found, right, scales, strict=True):
        agree(mine, other, size_of)


class Head(torch.nn.Module):
    """as_logits as the forward of a module."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, hidden):
        return self.layer.as_logits(hidden)


def test_the_constructor_zeroes_the_padding(solution):
    weight = solution("token_embedding").TokenEmbedding(5, 4, padding_idx=3).weight
    assert (weight == 0).all(dim=1).tolist() == [False, False, False, True, False]
    assert torch.nn.Embedding(5, 4, padding_idx=3).weight[3].abs().max() == 0


@pytest.mark.parametrize("padding_idx", [None, 1])
def test_derivatives(solution, padding_idx):
    layer = solution("token_embedding").TokenEmbedding(4, 3, padding_idx).double()
    ids = torch.tensor([[1, 2, 2], [0, 1, 3]])
    table = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    hidden = torch.randn(1, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda h, t: torch.func.functional_call(Head(layer), {"layer.weight": t}, (h,)), (hidden, table)
    )
    if padding_idx is None:  # a gradient cut off is not the derivative
        assert torch.autograd.gradcheck(lambda t: torch.func.functional_call(layer, {"weight": t}, (ids,)), (table,))
