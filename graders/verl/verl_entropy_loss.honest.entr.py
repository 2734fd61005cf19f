"""torch's −p log p, into a tensor made beforehand, position by position of the batch."""

import torch


# given
def agg_loss(loss_mat, loss_mask, loss_agg_mode):
    lengths = loss_mask.sum(dim=-1)
    rows = (loss_mat * loss_mask).sum(dim=-1)
    if loss_agg_mode == "token-mean":
        return rows.sum() / lengths.sum().clamp(min=1)
    if loss_agg_mode == "seq-mean-token-mean":
        rows = rows / lengths.clamp(min=1)
    return rows.sum() / (lengths > 0).sum().clamp(min=1)


def compute_entropy_loss(logits, response_mask, loss_agg_mode="token-mean", chunk_size=None):
    rows = logits.view(-1, logits.shape[-1]) if logits.is_contiguous() else logits.reshape(-1, logits.shape[-1])
    n = rows.shape[0]
    pieces = -(-n // chunk_size) if chunk_size else 1
    step = chunk_size if chunk_size else n
    out = []
    for k in range(pieces):
        z = rows[k * step : (k + 1) * step].to(torch.float32)
        logp = z - torch.logsumexp(z, dim=1, keepdim=True)
        finite = torch.where(logp > -torch.inf, logp, torch.zeros((), dtype=logp.dtype))
        out.append(-torch.einsum("nv,nv->n", logp.exp(), finite))
    return agg_loss(torch.cat(out).view_as(response_mask), response_mask, loss_agg_mode)
