"""Gradient accumulation that equals the large batch, also where micro-batches hold unequal numbers of tokens.

See https://huggingface.co/blog/gradient_accumulation for what goes wrong otherwise.
"""

from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import Any

import torch
from torch import Tensor, nn


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: Callable[[nn.Module, Any], tuple[Tensor, int]],
    micro_batches: Iterable[Any],
    accumulation_steps: int,
    max_norm: float | None = None,
) -> list[float]:
    """Take one optimizer step for every group of micro-batches, on the mean loss of the group's tokens.

    Args:
        model: what is trained.
        optimizer: over the parameters of model.
        loss_fn: returns the summed loss of a micro-batch, (), and the number of tokens in the sum.
        micro_batches: run through once.
        accumulation_steps: micro-batches of a group; the last group may have fewer.
        max_norm: of the gradient of a group, None for no limit.
    Returns:
        The mean loss a token of each group; 0.0 for a group without tokens, which takes no step.
    """
    losses = []
    stream = iter(micro_batches)
    for first in stream:
        # region blank: add up the gradients of the summed losses, one graph at a time
        optimizer.zero_grad()
        total, tokens = 0.0, 0
        for micro_batch in chain((first,), islice(stream, accumulation_steps - 1)):
            loss_sum, num_tokens = loss_fn(model, micro_batch)
            loss_sum.backward()
            total += loss_sum.item()
            tokens += num_tokens
        # endregion
        # region blank: a group without tokens has no mean and takes no step
        if tokens == 0:
            losses.append(0.0)
            continue
        # endregion
        # region blank: from the sum to the mean over the tokens of the group; clip, step
        for p in model.parameters():
            if p.grad is not None:
                p.grad /= tokens
        if max_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(total / tokens)
        # endregion
    return losses
