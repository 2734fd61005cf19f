# Generated from solutions/optim/adamw.py; do not edit. thinkllm dev render
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

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter that has a gradient, in place, with the hyperparameters that its group has now."""
        raise NotImplementedError("blank 1: AdamW.step")

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to None."""
        raise NotImplementedError("blank 2: AdamW.zero_grad")

    def state_dict(self) -> dict[str, Any]:
        """Return a snapshot of moments, update counts and hyperparameters, without the parameters.

        Returns:
            A dict that names parameters by their number, so that it fits another optimizer over equal groups.
        """
        raise NotImplementedError("blank 3: AdamW.state_dict")

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on as the optimizer would that was saved.

        Args:
            state_dict: what state_dict() returned, of an optimizer over as many groups and parameters; stays as it is.
        """
        raise NotImplementedError("blank 4: AdamW.load_state_dict")
