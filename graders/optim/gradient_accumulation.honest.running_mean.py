"""Keeps .grad as the mean over the tokens so far, rescaled at each micro-batch; steps where a counter says so."""

import torch


def train(model, optimizer, loss_fn, micro_batches, accumulation_steps, max_norm=None):
    losses, mean, tokens, count = [], 0.0, 0, 0
    params = [p for p in model.parameters() if p.requires_grad]

    def finish():
        nonlocal mean, tokens, count
        if tokens > 0:
            if max_norm is not None:
                torch.nn.utils.clip_grad_norm_(params, max_norm)
            optimizer.step()
        losses.append(float(mean))
        mean, tokens, count = 0.0, 0, 0
        optimizer.zero_grad(set_to_none=True)

    optimizer.zero_grad(set_to_none=True)
    for batch in micro_batches:
        loss_sum, n = loss_fn(model, batch)
        if n > 0:
            share = tokens / (tokens + n)
            for p in params:
                if p.grad is not None:
                    p.grad.mul_(share)
            tokens += n
            (loss_sum / tokens).backward()
            mean = mean * share + loss_sum.detach().item() / tokens
        count += 1
        if count == accumulation_steps:
            finish()
    if count:
        finish()
    return losses
