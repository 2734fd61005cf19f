"""AdamW: Adam whose weight decay acts on the parameters and not on the gradients.

Sources: Loshchilov and Hutter 2019 (arXiv:1711.05101), algorithm 2; Kingma and Ba 2015 (arXiv:1412.6980), algorithm 1.
"""

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class AdamW:
    """Optimizer with bias-corrected first and second moments and decoupled weight decay."""

    # region keep
    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        groups: list[Any] = list(params)
        if groups and not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        self.param_groups = [defaults | group | {"params": list(group["params"])} for group in groups]
        self.state: dict[Tensor, dict[str, Any]] = {}  # what is remembered of each parameter

    # endregion

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter that has a gradient, in place, with the hyperparameters that its group has now."""
        for group in self.param_groups:
            lr, (beta1, beta2) = group["lr"], group["betas"]
            for p in group["params"]:
                # region blank: skip a parameter without gradient; start a new one from zero moments; count its updates
                if p.grad is None:
                    continue
                if p not in self.state:
                    self.state[p] = {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)}
                self.state[p]["t"] += 1
                # endregion
                t, m, v = (self.state[p][key] for key in ("t", "m", "v"))
                # region blank: move the moments towards the gradient and its square, in place
                m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
                v.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                # endregion
                # region blank: shrink the parameter, apart from its gradient
                p.mul_(1 - lr * group["weight_decay"])
                # endregion
                # region blank: correct the bias of both moments, take the step
                m_hat = m / (1 - beta1**t)
                v_hat = v / (1 - beta2**t)
                p.sub_(lr * m_hat / (v_hat.sqrt() + group["eps"]))
                # endregion

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to None."""
        # region blank: forget the gradients of all groups
        for p in self._params():
            p.grad = None
        # endregion

    def state_dict(self) -> dict[str, Any]:
        """Return a snapshot of moments, update counts and hyperparameters, without the parameters.

        Returns:
            A dict that names parameters by their number, so that it fits another optimizer over equal groups.
        """
        # region blank: collect the state by parameter number and the hyperparameters by group; copy
        state = {i: self.state[p] for i, p in enumerate(self._params()) if p in self.state}
        hyper = [{key: group[key] for key in group if key != "params"} for group in self.param_groups]
        return copy.deepcopy({"state": state, "param_groups": hyper})
        # endregion

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on as the optimizer would that was saved.

        Args:
            state_dict: what state_dict() returned, of an optimizer over as many groups and parameters; stays as it is.
        """
        # region blank: copy; give the state to the parameters of the same number, the hyperparameters to the groups
        saved = copy.deepcopy(state_dict)
        params = self._params()
        self.state = {params[i]: state for i, state in saved["state"].items()}
        for group, hyper in zip(self.param_groups, saved["param_groups"], strict=True):
            group.update(hyper)
        # endregion

    def _params(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]
