"""The form of PyTorch's loop: step size and denominator apart, counts as tensors, lerp and addcdiv."""

import math

import torch


class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        self.defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.param_groups = []
        self.state = {}
        params = list(params)
        if not params or isinstance(params[0], torch.Tensor):
            params = [dict(params=params)]
        for group in params:
            full = dict(self.defaults)
            full.update(group)
            full["params"] = list(group["params"])
            self.param_groups.append(full)

    def _numbered(self):
        number = 0
        for group in self.param_groups:
            for p in group["params"]:
                yield number, group, p
                number += 1

    def step(self):
        with torch.no_grad():
            for _, group, p in self._numbered():
                grad = p.grad
                if grad is None:
                    continue
                state = self.state.setdefault(p, {})
                if not state:
                    state["step"] = torch.tensor(0.0)
                    state["exp_avg"] = torch.zeros_like(p, memory_format=torch.preserve_format)
                    state["exp_avg_sq"] = torch.zeros_like(p, memory_format=torch.preserve_format)
                state["step"] += 1
                step = state["step"].item()
                beta1, beta2 = group["betas"]
                p.mul_(1 - group["lr"] * group["weight_decay"])
                state["exp_avg"].lerp_(grad, 1 - beta1)
                state["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad.conj(), value=1 - beta2)
                step_size = group["lr"] / (1 - beta1**step)
                denominator = (state["exp_avg_sq"].sqrt() / math.sqrt(1 - beta2**step)).add_(group["eps"])
                p.addcdiv_(state["exp_avg"], denominator, value=-step_size)

    def zero_grad(self):
        for _, _, p in self._numbered():
            p.grad = None

    def state_dict(self):
        packed = {}
        for number, _, p in self._numbered():
            if p in self.state:
                packed[number] = {k: v.clone() for k, v in self.state[p].items()}
        groups = [{k: v for k, v in g.items() if k != "params"} for g in self.param_groups]
        return {"state": packed, "param_groups": groups}

    def load_state_dict(self, state_dict):
        self.state.clear()
        for number, _, p in self._numbered():
            if number in state_dict["state"]:
                self.state[p] = {k: v.clone() for k, v in state_dict["state"][number].items()}
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update({k: saved[k] for k in ("lr", "betas", "eps", "weight_decay")})
