"""Gradient accumulation against one large batch: torch's own token mean over a whole group at once."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

POSITIONS, FEATURES, CLASSES = 6, 4, 5
DTYPES = [torch.float32, torch.float64]
LENGTHS = {  # counted tokens of each micro-batch
    "unequal": (1, 5, 6, 2),
    "a last group that is shorter": (3, 6, 1, 5, 2),
    "some without tokens": (0, 4, 2, 0, 6),
}
OPTIMIZERS = {
    "sgd": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1),
    "adamw": lambda params: torch.optim.AdamW(params, lr=0.01, weight_decay=0.1, eps=1e-3),
}


def model_of(dtype):
    """With a parameter that no loss reaches, and one that needs no gradient."""
    model = nn.Sequential(nn.Linear(FEATURES, 7), nn.Tanh(), nn.Linear(7, CLASSES)).to(dtype)
    model.unused = nn.Parameter(torch.randn(3, dtype=dtype))
    model[0].bias.requires_grad_(False)
    return model


def batches_of(lengths, dtype):
    batches = []
    for length in lengths:
        labels = torch.randint(CLASSES, (POSITIONS,))
        labels[torch.randperm(POSITIONS)[length:]] = -100
        batches.append((torch.randn(POSITIONS, FEATURES, dtype=dtype), labels))
    return batches


def summed(model, batch):
    x, labels = batch
    return F.cross_entropy(model(x), labels, reduction="sum"), int((labels != -100).sum())


def large_batches(model, optimizer, batches, k, max_norm):
    """Each group joined into one batch, its mean loss by torch."""
    losses = []
    for start in range(0, len(batches), k):
        group = batches[start : start + k]
        x, labels = (torch.cat(parts) for parts in zip(*group, strict=True))
        if not bool((labels != -100).any()):
            losses.append(0.0)
            continue
        loss = F.cross_entropy(model(x), labels)  # the mean over labels that are not −100
        optimizer.zero_grad()
        loss.backward()
        if max_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("max_norm", [None, 0.05, 100.0])
@pytest.mark.parametrize("k", [1, 2, 3, 8])
@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("lengths", LENGTHS)
def test_the_same_steps_as_with_the_large_batch(solution, agree, lengths, kind, k, max_norm, dtype):
    model, batches = model_of(dtype), batches_of(LENGTHS[lengths], dtype)
    other = copy.deepcopy(model)
    for p in model.parameters():  # left from before
        p.grad = torch.ones_like(p) if p.requires_grad else None
    ours = solution("gradient_accumulation").train(
        model, OPTIMIZERS[kind](model.parameters()), summed, iter(batches), k, max_norm
    )
    theirs = large_batches(other, OPTIMIZERS[kind](other.parameters()), batches, k, max_norm)
    assert all(type(loss) is float for loss in ours)
    agree(torch.tensor(ours, dtype=dtype), torch.tensor(theirs, dtype=dtype), 4.0, units=16.0)
    for mine, right in zip(model.parameters(), other.parameters(), strict=True):
        agree(mine, right, 1 + right.abs(), units=16.0)  # steps of at most 1, some 100 operations behind a number
    assert torch.equal(model.unused, other.unused)


def test_no_micro_batches(solution):
    model = model_of(torch.float32)
    assert solution("gradient_accumulation").train(model, OPTIMIZERS["sgd"](model.parameters()), summed, [], 2) == []
