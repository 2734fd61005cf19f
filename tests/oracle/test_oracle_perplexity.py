"""Perplexity against transformers: the loss that a model returns for the labels of a batch, and for single windows.

The library scores a token after left padding if its label is left in. The labels here leave it out, as the statement
does.
"""

from __future__ import annotations

import math

import pytest
import torch

VOCAB = 31
MASKS = {
    "none": [[1] * 8, [1] * 8, [1] * 8],
    "right": [[1] * 8, [1] * 5 + [0] * 3, [1, 1] + [0] * 6],
    "left": [[0] * 6 + [1] * 2, [0] * 3 + [1] * 5, [1] * 8],
    "both": [[0, 1, 1, 1, 1, 1, 0, 0], [1] * 8, [0] * 7 + [1]],
}


@pytest.fixture
def model(library):
    transformers = library("transformers")
    config = transformers.LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        initializer_range=0.8,
    )
    return transformers.LlamaForCausalLM(config).eval()


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("padding", MASKS)
def test_padded_batch(solution, model, agree, padding, dtype):
    ids = torch.randint(0, VOCAB, (3, 8))
    mask = torch.tensor(MASKS[padding]).bool()
    labels = ids.masked_fill(~mask, -100)
    labels[:, 1:][~mask[:, :-1]] = -100
    out = model.to(dtype)(ids, attention_mask=mask.long(), labels=labels)
    ours = solution("perplexity").perplexity(out.logits, ids, mask)
    loss = model.loss_function(out.logits.double(), labels, vocab_size=VOCAB).item()  # transformers' own, in float32
    assert out.loss.item() == pytest.approx(loss, rel=1e-5)
    agree(torch.tensor(ours).log(), torch.tensor(loss), 1 + loss)


@torch.no_grad()
@pytest.mark.parametrize(("n", "max_len", "stride"), [(20, 8, 4), (23, 8, 7), (9, 16, 5), (17, 6, 1)])
def test_windows(solution, model, agree, n, max_len, stride):
    """The loop of the documentation: labels of what was scored before are −100, the loss is a mean of the others."""
    ids, total, scored, previous = torch.randint(0, VOCAB, (n,)), 0.0, 0, 0
    for begin in range(0, n, stride):
        end = min(begin + max_len, n)
        labels = ids[begin:end].clone()
        labels[: previous - begin] = -100
        count = int((labels[1:] != -100).sum())
        total += model(ids[None, begin:end], labels=labels[None]).loss.item() * count
        scored, previous = scored + count, end
        if end == n:
            break
    assert scored == n - 1

    def token_nlls(window):
        logits = model(window[None]).logits[0, :-1]
        return torch.nn.functional.cross_entropy(logits, window[1:], reduction="none")

    ours = solution("perplexity").strided_perplexity(token_nlls, ids, max_len, stride)
    agree(torch.tensor(math.log(ours)), torch.tensor(total / scored), 1 + total / scored)
