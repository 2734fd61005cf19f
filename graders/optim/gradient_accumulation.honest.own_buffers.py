"""Gradients by torch.autograd.grad into buffers of its own, clipped by hand, put into .grad for the step."""

import torch


def train(model, optimizer, loss_fn, micro_batches, accumulation_steps, max_norm=None):
    params = [p for p in model.parameters() if p.requires_grad]
    iterator, losses, done = iter(micro_batches), [], False
    while not done:
        buffers, loss, tokens, size = [None] * len(params), 0.0, 0, 0
        while size < accumulation_steps:
            try:
                batch = next(iterator)
            except StopIteration:
                done = True
                break
            size += 1
            loss_sum, n = loss_fn(model, batch)
            found = torch.autograd.grad(loss_sum, params, allow_unused=True)
            buffers = [b if g is None else g if b is None else b + g for b, g in zip(buffers, found, strict=True)]
            loss, tokens = loss + float(loss_sum.detach()), tokens + n
        if size == 0:
            break
        if tokens == 0:
            losses.append(0.0)
            continue
        means = [None if b is None else b / tokens for b in buffers]
        if max_norm is not None:
            norm = torch.cat([m.flatten() for m in means if m is not None]).norm()
            factor = min(1.0, max_norm / norm.item())
            means = [None if m is None else m * factor for m in means]
        for p, m in zip(params, means, strict=True):
            p.grad = m
        optimizer.step()
        losses.append(loss / tokens)
    return losses
