"""Many tensors at once by torch._foreach operations, grouped by their count; decay and step from a copy of θ."""

import copy

import torch


class _Slot:
    """What belongs to one parameter."""

    def __init__(self, p):
        self.count = 0
        self.avg = torch.zeros_like(p).requires_grad_(False)
        self.sq = torch.zeros_like(p).requires_grad_(False)


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        entries = list(params)
        groups = entries if entries and isinstance(entries[0], dict) else [{"params": entries}]
        self.param_groups = []
        for given in groups:
            group = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay) | given
            group["params"] = list(group["params"])
            self.param_groups.append(group)
        self.slots = [[_Slot(p) for p in group["params"]] for group in self.param_groups]

    @torch.no_grad()
    def step(self):
        for group, slots in zip(self.param_groups, self.slots, strict=True):
            todo = [(p, s) for p, s in zip(group["params"], slots, strict=True) if p.grad is not None]
            for count in sorted({s.count for _, s in todo}):
                same = [(p, s) for p, s in todo if s.count == count]
                self._update(group, [p for p, _ in same], [s for _, s in same], count + 1)
            for _, slot in todo:
                slot.count += 1

    def _update(self, group, params, slots, t):
        beta1, beta2 = group["betas"]
        grads = [p.grad for p in params]
        avgs, sqs = [s.avg for s in slots], [s.sq for s in slots]
        torch._foreach_lerp_(avgs, grads, 1 - beta1)
        torch._foreach_mul_(sqs, beta2)
        torch._foreach_addcmul_(sqs, grads, grads, 1 - beta2)
        root = torch._foreach_sqrt(torch._foreach_div(sqs, 1 - beta2**t))
        torch._foreach_add_(root, group["eps"])
        update = torch._foreach_div(torch._foreach_div(avgs, 1 - beta1**t), root)
        torch._foreach_add_(update, params, alpha=group["weight_decay"])
        torch._foreach_add_(params, update, alpha=-group["lr"])

    def zero_grad(self):
        for p in (p for group in self.param_groups for p in group["params"]):
            p.grad = None

    def state_dict(self):
        groups = [{k: v for k, v in g.items() if k != "params"} for g in self.param_groups]
        return copy.deepcopy({"slots": [[vars(s) for s in slots] for slots in self.slots], "groups": groups})

    def load_state_dict(self, state_dict):
        for slots, saved in zip(self.slots, state_dict["slots"], strict=True):
            for slot, values in zip(slots, saved, strict=True):
                vars(slot).update(copy.deepcopy(values))
        for group, saved in zip(self.param_groups, state_dict["groups"], strict=True):
            group.update(saved)
