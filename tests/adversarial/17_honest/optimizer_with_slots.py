# exercise: adamw
# verdict: passed
"""Its state is in objects of its own, and its checkpoint is an object too."""

import copy

import torch


class Moments:
    __slots__ = ("m", "t", "v")

    def __init__(self, p):
        self.m, self.v, self.t = torch.zeros_like(p), torch.zeros_like(p), 0


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        groups = list(params)
        if not groups or not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        usual = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        self.param_groups = [usual | group | {"params": list(group["params"])} for group in groups]
        self.state = {}

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad, self.state.setdefault(p, Moments(p)), **group)

    @staticmethod
    def update(p, g, s, *, lr, betas, eps, weight_decay, params):
        s.t += 1
        s.m = betas[0] * s.m + (1 - betas[0]) * g
        s.v = betas[1] * s.v + (1 - betas[1]) * g * g
        p.mul_(1 - lr * weight_decay)
        p.sub_(lr * (s.m / (1 - betas[0] ** s.t)) / ((s.v / (1 - betas[1] ** s.t)).sqrt() + eps))

    def all(self):
        return [p for group in self.param_groups for p in group["params"]]

    def zero_grad(self):
        for p in self.all():
            p.grad = None

    def state_dict(self):
        moments = [(s.m, s.v, s.t) if (s := self.state.get(p)) else None for p in self.all()]
        hyper = [{key: group[key] for key in group if key != "params"} for group in self.param_groups]
        return copy.deepcopy({"moments": moments, "hyper": hyper})

    def load_state_dict(self, state_dict):
        saved = copy.deepcopy(state_dict)
        self.state = {}
        for p, moments in zip(self.all(), saved["moments"], strict=True):
            if moments is not None:
                self.state[p] = Moments(p)
                self.state[p].m, self.state[p].v, self.state[p].t = moments
        for group, hyper in zip(self.param_groups, saved["hyper"], strict=True):
            group.update(hyper)
