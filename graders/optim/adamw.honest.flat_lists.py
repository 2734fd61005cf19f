"""State in plain lists over all parameters, made at once; new tensors at every step, written through p.data."""

import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        params = [*params]
        if not all(isinstance(entry, dict) for entry in params):
            params = [{"params": params}]
        base = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        self.param_groups = [{**base, **group, "params": [*group["params"]]} for group in params]
        tensors = [p for group in self.param_groups for p in group["params"]]
        self.t = [0] * len(tensors)
        self.m = [torch.zeros(p.shape) for p in tensors]
        self.v = [torch.zeros(p.shape) for p in tensors]

    def step(self):
        i = -1
        for group in self.param_groups:
            (b1, b2), lr, wd, eps = group["betas"], group["lr"], group["weight_decay"], group["eps"]
            for p in group["params"]:
                i += 1
                if p.grad is None:
                    continue
                g, old = p.grad.detach(), p.detach()
                self.t[i] += 1
                self.m[i] = b1 * self.m[i] + (1 - b1) * g
                self.v[i] = b2 * self.v[i] + (1 - b2) * g**2
                corrected = self.m[i] / (1 - b1 ** self.t[i])
                spread = torch.sqrt(self.v[i] / (1 - b2 ** self.t[i])) + eps
                p.data.copy_(old - lr * wd * old - lr * corrected / spread)

    def zero_grad(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def state_dict(self):
        hyper = [(g["lr"], g["betas"], g["eps"], g["weight_decay"]) for g in self.param_groups]
        return {"t": list(self.t), "m": list(self.m), "v": list(self.v), "hyper": hyper}

    def load_state_dict(self, state_dict):
        self.t, self.m, self.v = list(state_dict["t"]), list(state_dict["m"]), list(state_dict["v"])
        for group, values in zip(self.param_groups, state_dict["hyper"], strict=True):
            group["lr"], group["betas"], group["eps"], group["weight_decay"] = values
