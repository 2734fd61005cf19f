# exercise: adamw
# verdict: failed
# check: rule
import copy
import importlib

import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        groups = list(params)
        groups = groups if groups and isinstance(groups[0], dict) else [{"params": groups}]
        usual = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        self.param_groups = [usual | group | {"params": list(group["params"])} for group in groups]
        self.state = {}

    @torch.no_grad()
    def step(self):
        function = getattr(importlib.import_module("torch.optim.adamw"), "adamw")
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            for p in params:
                self.state.setdefault(p, (torch.zeros_like(p), torch.zeros_like(p), torch.zeros(())))
            m, v, t = ([self.state[p][k] for p in params] for k in range(3))
            beta1, beta2 = group["betas"]
            function(
                params, [p.grad for p in params], m, v, [], t, amsgrad=False, beta1=beta1, beta2=beta2, lr=group["lr"],
                weight_decay=group["weight_decay"], eps=group["eps"], maximize=False,
            )  # fmt: skip

    def zero_grad(self):
        for p in self.all():
            p.grad = None

    def all(self):
        return [p for group in self.param_groups for p in group["params"]]

    def state_dict(self):
        state = [self.state.get(p) for p in self.all()]
        groups = [{key: group[key] for key in group if key != "params"} for group in self.param_groups]
        return copy.deepcopy({"state": state, "groups": groups})

    def load_state_dict(self, state_dict):
        saved = copy.deepcopy(state_dict)
        self.state = {p: s for p, s in zip(self.all(), saved["state"], strict=True) if s is not None}
        for group, hyper in zip(self.param_groups, saved["groups"], strict=True):
            group.update(hyper)
